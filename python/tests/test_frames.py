import importlib
import random
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, golden
from grpc_tools import protoc

from lockstep_worker.errors import FrameUnreadableError
from lockstep_worker.frames import Frame, FrameKind, SharedFile, decode_batch, encode_batch

GOLDEN = golden("frames.json")


def frame_of(written: dict[str, Any]) -> Frame:
    segments = [bytes.fromhex(one["data"]) if "data" in one else SharedFile(**one) for one in written["segments"]]
    return Frame(written["call"], written["kind"], written["text"], tuple(segments))


def named(batch: dict[str, Any]) -> str:
    return str(batch["name"])


def test_the_kinds_are_those_that_all_implementations_share() -> None:
    assert {kind.name: kind.value for kind in FrameKind} == GOLDEN["kinds"]


@pytest.mark.parametrize("batch", GOLDEN["written"], ids=named)
def test_golden_frames_are_written_as_they_stand(batch: dict[str, Any]) -> None:
    assert encode_batch(map(frame_of, batch["frames"])).hex() == batch["hex"]


@pytest.mark.parametrize("batch", GOLDEN["written"] + GOLDEN["read"], ids=named)
def test_golden_frames_are_read_as_they_are_described(batch: dict[str, Any]) -> None:
    assert decode_batch(bytes.fromhex(batch["hex"])) == [frame_of(frame) for frame in batch["frames"]]


@pytest.mark.parametrize("batch", GOLDEN["refused"], ids=named)
def test_golden_frames_are_refused(batch: dict[str, Any]) -> None:
    with pytest.raises(FrameUnreadableError):
        decode_batch(bytes.fromhex(batch["hex"]))


@pytest.mark.parametrize("length", [0, 127, 128, 16_383, 16_384, 2_097_152])
def test_frames_come_back_whatever_the_length_of_what_they_hold(length: int) -> None:
    file = SharedFile(f"/{'p' * length}", length << 30)
    frames = [Frame(1, FrameKind.ITEM, "ü" * length, (bytes(length), file)), Frame(2, FrameKind.END, "[]")]
    assert decode_batch(encode_batch(frames)) == frames


def test_a_batch_is_refused_wherever_it_is_cut_off() -> None:
    data = encode_batch([Frame(1, FrameKind.ITEM, "[1]", (b"ab", SharedFile("/f", 3)))])
    for length in range(1, len(data)):
        with pytest.raises(FrameUnreadableError):
            decode_batch(data[:length])


# What a client does that was generated from the contract


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("generated")
    contract = Path("lockstep/worker/v1/worker.proto")
    proto = REPOSITORY / "proto"
    assert protoc.main(["protoc", f"-I{proto}", f"--python_out={folder}", str(proto / contract)]) == 0
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module("lockstep.worker.v1.worker_pb2")
    finally:
        sys.path.remove(str(folder))


def described(frame: Any) -> Frame:
    segments = [
        one.data if one.WhichOneof("place") == "data" else SharedFile(one.file.path, one.file.size)
        for one in frame.segments
    ]
    return Frame(frame.call, frame.kind, frame.text.decode(), tuple(segments))


def test_the_contract_has_the_kinds_that_are_known_here(generated: Any) -> None:
    assert dict(generated.Kind.items()) == {
        "KIND_UNSPECIFIED": 0,
        **{f"KIND_{kind.name}": kind.value for kind in FrameKind},
    }


@pytest.mark.parametrize("batch", GOLDEN["written"] + GOLDEN["read"], ids=named)
def test_a_generated_client_reads_golden_frames_as_they_are_described(generated: Any, batch: dict[str, Any]) -> None:
    found = generated.Batch.FromString(bytes.fromhex(batch["hex"]))
    assert [described(frame) for frame in found.frames] == [frame_of(frame) for frame in batch["frames"]]


def test_what_a_generated_client_writes_is_read_here(generated: Any) -> None:
    source = random.Random(3)
    for _ in range(300):
        batch = generated.Batch()
        for _ in range(source.randrange(4)):
            frame = batch.frames.add(
                call=source.choice([0, 1, 2**32 - 1]), kind=source.randrange(16), text=b"x" * source.choice([0, 5, 300])
            )
            for _ in range(source.randrange(3)):
                if source.random() < 0.5:
                    frame.segments.add(data=source.randbytes(source.choice([0, 3, 200])))
                else:
                    frame.segments.add(file={"path": "/dev/shm/ä", "size": source.randrange(2**53)})
        assert decode_batch(batch.SerializeToString()) == [described(frame) for frame in batch.frames]
