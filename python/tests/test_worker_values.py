from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
from conftest import golden
from worker_process import Host, WorkerProcess

from lockstep_worker.frames import Frame, FrameKind, SharedFile, encode_frame

LIMIT = 1 << 20
SHARED_FROM = 4096
VALUES = golden("values.json")


@pytest.fixture(scope="module")
def small(script: Path) -> Iterator[WorkerProcess]:
    """A worker that shares files early, and passes no more than a megabyte."""
    with WorkerProcess(script, maxValueBytes=LIMIT, sharedFromBytes=SHARED_FROM) as worker:
        worker.host()
        yield worker


def begin(host: Host, command: str, text: str, segments: tuple[Any, ...] = ()) -> int:
    """Call with arguments that stand in a text already."""
    call = host.number()
    host.send(encode_frame(call, FrameKind.CALL, f'["{command}",{text},null,null,false,null,null]', segments))
    return call


def answer(host: Host, call: int) -> Frame:
    frame = host.answers(call).frames.get(timeout=10)
    assert frame.kind == FrameKind.ANSWER, frame.text
    return frame


def shared(worker: WorkerProcess) -> list[str]:
    return sorted(os.listdir(worker.shared))


def put(worker: WorkerProcess, data: bytes, name: str = "h") -> SharedFile:
    path = worker.shared / name
    path.write_bytes(data)
    return SharedFile(str(path), len(data))


@pytest.mark.parametrize("command", ["echo", "worker_tools:same", "worker_tools:same_later"])
def test_every_value_comes_back_as_it_was_written(host: Host, command: str) -> None:
    calls = [(begin(host, command, f'{{"value":{one["encoded"]}}}'), one) for one in VALUES]
    for call, one in calls:
        if command != "echo" and one["encoded"] == '{"$":"undefined"}':
            assert host.answers(call).last()[1][0] == "PYTHON_ARGUMENTS"  # None was given.
        else:
            assert answer(host, call).text == f"[{one['encoded']},null]", one


def test_bytes_travel_beside_the_text(host: Host) -> None:
    data = bytes(range(256)) * 2
    call = begin(host, "worker_tools:same", '{"value":{"$":"segment","v":[0,"bytes"]}}', (data,))
    frame = answer(host, call)
    assert (frame.text, [bytes(one) for one in frame.segments]) == ('[{"$":"segment","v":[0,"bytes"]},null]', [data])


def test_large_bytes_are_files_that_the_receiver_removes(small: WorkerProcess) -> None:
    host = small.hosts[0]
    numbers = numpy.arange(SHARED_FROM // 8, dtype="float64")
    file = put(small, numbers.tobytes())
    call = begin(host, "worker_tools:same", '{"value":{"$":"segment","v":[0,"float64"]}}', (file,))
    frame = answer(host, call)
    (sent,) = frame.segments
    assert isinstance(sent, SharedFile)
    assert shared(small) == [Path(sent.path).name]
    assert Path(sent.path).stat().st_mode & 0o777 == 0o600
    assert Path(sent.path).read_bytes() == numbers.tobytes()
    os.unlink(sent.path)


def test_an_array_that_was_mapped_can_be_changed_and_nobody_else_sees_it(small: WorkerProcess) -> None:
    file = put(small, bytes(SHARED_FROM))
    kept = os.open(file.path, os.O_RDONLY)
    call = begin(small.hosts[0], "worker_tools:change", '{"value":{"$":"segment","v":[0,"int32"]}}', (file,))
    assert answer(small.hosts[0], call).text == '[{"$":"int32","v":"BQAAAAAAAAAAAAAA"},null]'
    assert os.read(kept, SHARED_FROM) == bytes(SHARED_FROM)
    os.close(kept)


def test_an_array_made_in_shared_memory_is_the_file_itself(small: WorkerProcess) -> None:
    call = small.hosts[0].begin("worker_tools:make_array", kind="uint8")
    frame = answer(small.hosts[0], call)
    (sent,) = frame.segments
    assert isinstance(sent, SharedFile)
    assert Path(sent.path).read_bytes() == b"\x07" * (512 * 1024)
    os.unlink(sent.path)
    assert shared(small) == []


def test_a_reserved_file_that_was_not_sent_is_removed(small: WorkerProcess) -> None:
    assert small.hosts[0].failure("worker_tools:make_array", kind="float64")[0] == "PAYLOAD_TOO_LARGE"
    assert shared(small) == []


def test_an_array_of_the_limit_passes_and_one_byte_more_does_not(small: WorkerProcess) -> None:
    host = small.hosts[0]
    text = '{"value":{"$":"segment","v":[0,"bytes"]}}'
    frame = answer(host, begin(host, "worker_tools:same", text, (put(small, bytes(LIMIT)),)))
    (sent,) = frame.segments
    assert isinstance(sent, SharedFile) and sent.size == LIMIT
    os.unlink(sent.path)
    code, _, message, _, details, _ = host.failure("worker_tools:big", size=LIMIT + 1)
    assert (code, details) == ("PAYLOAD_TOO_LARGE", {"at": "output", "size": LIMIT + 1, "limit": LIMIT})
    assert message == f"The value at output has {LIMIT + 1} bytes, and {LIMIT} may pass."
    assert shared(small) == []


def test_a_text_of_the_limit_passes_and_one_byte_more_does_not(small: WorkerProcess) -> None:
    host = small.hosts[0]
    value = "é" * (LIMIT // 2 - 1)
    assert host.call("worker_tools:same", value=value) == value
    assert host.failure("worker_tools:same", value=value + "e")[0] == "PAYLOAD_TOO_LARGE"


def test_what_no_host_sends_that_keeps_to_the_limit_is_refused(small: WorkerProcess) -> None:
    text = '{"value":{"$":"segment","v":[0,"bytes"]}}'
    call = begin(small.hosts[0], "worker_tools:same", text, (put(small, bytes(2 * LIMIT + 1)),))
    assert small.hosts[0].answers(call).last()[1][0] == "PAYLOAD_TOO_LARGE"
    assert small.hosts[0].failure("worker_tools:same", value="e" * 3 * LIMIT)[0] == "PAYLOAD_TOO_LARGE"
    assert shared(small) == []


@pytest.mark.parametrize("case", ["outside", "missing", "shorter", "a link"])
def test_a_file_that_is_not_what_it_should_be_is_refused(small: WorkerProcess, tmp_path: Path, case: str) -> None:
    file = put(small, bytes(10))
    outside = tmp_path / "h"
    outside.write_bytes(bytes(10))
    if case == "outside":
        file = SharedFile(f"{small.shared}/../{outside.relative_to('/')}", 10)
    elif case == "missing":
        file = SharedFile(str(small.shared / "other"), 10)
    elif case == "shorter":
        file = SharedFile(file.path, 11)
    else:
        os.unlink(file.path)
        os.symlink(outside, file.path)
    call = begin(small.hosts[0], "worker_tools:same", '{"value":{"$":"segment","v":[0,"bytes"]}}', (file,))
    assert small.hosts[0].answers(call).last()[1][0] == "FRAME_UNREADABLE"
    assert outside.read_bytes() == bytes(10)
    for name in shared(small):
        os.unlink(small.shared / name)


def test_files_of_what_nobody_reads_are_removed(small: WorkerProcess) -> None:
    host = small.hosts[0]
    for kind, text in [(FrameKind.ITEM, '[{"$":"segment","v":[0,"bytes"]}]'), (FrameKind.CALL, "[1]")]:
        host.send(encode_frame(host.number(), kind, text, (put(small, bytes(10)),)))
        host.call("ping")
        host.call("worker_tools:same", value=1)
    assert shared(small) == []


def test_bytes_travel_in_the_message_where_the_folder_cannot_be_written(script: Path) -> None:
    with WorkerProcess(script, sharedFolder="/no/such/folder", sharedFromBytes=10) as worker:
        assert worker.host().call("worker_tools:big", size=1000) == b"x" * 1000


def test_files_that_nobody_fetched_are_removed_when_the_worker_ends(script: Path) -> None:
    with WorkerProcess(script, sharedFromBytes=300) as worker:
        answer(worker.host(), worker.hosts[0].begin("worker_tools:big", size=1000))
        assert len(shared(worker)) == 1
        worker.process.terminate()
        assert worker.end() == 0
        assert shared(worker) == []
