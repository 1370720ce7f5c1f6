from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from worker_process import SCRIPT, WAIT, Host, WorkerProcess

from lockstep_worker.frames import FrameKind

ANSWER, FAILURE = FrameKind.ANSWER, FrameKind.FAILURE


def begin_to_hold(host: Host, tool: str, **arguments: Any) -> int:
    call = host.begin(f"worker_tools:{tool}", **arguments)
    host.answers(call).begun()
    return call


def gone(pid: int) -> bool:
    """Whether a process has ended, and is at most a name in the list of its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def seen_gone(pid: int) -> bool:
    """Whether a process that was told to end does so."""
    until = time.monotonic() + WAIT
    while not gone(pid):
        if time.monotonic() > until:
            return False
    return True


# Beginning


def test_a_worker_that_can_take_calls_says_where(worker: WorkerProcess) -> None:
    assert worker.ready == {"protocol": 1, "address": worker.settings["address"], "pid": worker.process.pid}
    assert (worker.folder / "s").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("settings", "code", "message"),
    [
        ({"protocol": 2}, "SETTINGS_INVALID", "This worker keeps to version 1 of the protocol, not to 2."),
        ({"token": None}, "SETTINGS_INVALID", "The settings need token: a text."),
        ({"maxConcurrentCalls": 0}, "SETTINGS_INVALID", "The settings need maxConcurrentCalls: a number from 1 on."),
        ({"paths": [1]}, "SETTINGS_INVALID", "The settings need paths: a list of texts."),
        ({"tls": "yes"}, "SETTINGS_INVALID", "The settings need tls: an object, or null."),
        (
            {"address": "localhost:0"},
            "SETTINGS_INVALID",
            "A worker that is not on a unix socket needs tls in its settings.",
        ),
        ({"address": "unix:/no/such/folder/s"}, "SERVING_FAILED", "The worker cannot serve at unix:/no/such/folder/s"),
        (
            {"preload": ["broken_tools"]},
            "PYTHON_IMPORT_FAILED",
            "broken_tools cannot be imported: ValueError: broken on purpose",
        ),
        ({"preload": ["ending_tools"]}, "PYTHON_IMPORT_FAILED", "ending_tools cannot be imported: SystemExit: 3"),
        ({"preload": ["no_such_module"]}, "PYTHON_MODULE_MISSING", "There is no module no_such_module"),
    ],
)
def test_a_worker_that_cannot_serve_says_why_and_ends(settings: dict[str, Any], code: str, message: str) -> None:
    with WorkerProcess(wait=False, **settings) as worker:
        ready = worker.wait_for_ready()
        assert list(ready) == ["protocol", "error"]
        assert ready["error"]["code"] == code
        assert ready["error"]["message"].startswith(message)
        assert worker.end() == 2


def test_a_worker_without_settings_ends_with_a_message(tmp_path: Path) -> None:
    for words in ([], [str(tmp_path / "none.json")]):
        ended = subprocess.run([sys.executable, str(SCRIPT), *words], capture_output=True, text=True, check=False)
        assert ended.returncode == 2
        assert "SettingsError" in ended.stderr


# Who may talk to it


@pytest.mark.parametrize("token", ["0" * 64, "", "short"])
def test_who_does_not_know_the_token_is_refused(worker: WorkerProcess, token: str) -> None:
    stranger = worker.host(token=token)
    assert stranger.code() == grpc.StatusCode.UNAUTHENTICATED
    with pytest.raises(grpc.RpcError) as refused:
        stranger.check()
    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED


def test_a_second_host_is_refused_while_there_is_one(worker: WorkerProcess, host: Host) -> None:
    assert host.call("ping") == "pong"
    assert worker.host().code() == grpc.StatusCode.FAILED_PRECONDITION
    assert host.call("ping") == "pong"


def test_other_methods_do_not_exist(worker: WorkerProcess, host: Host) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        host.channel.unary_unary("/lockstep.worker.v1.Worker/Other")(b"", timeout=WAIT, metadata=host.metadata)
    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_worker_on_tcp_is_reached_by_tls(script: Path, tmp_path: Path) -> None:
    words = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", *words, *name, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    tls = {"certificate": str(certificate), "key": str(key), "authority": None}
    with WorkerProcess(script, address="localhost:0", tls=tls) as worker:
        assert worker.ready["address"].startswith("localhost:") and not worker.ready["address"].endswith(":0")
        trusted = grpc.ssl_channel_credentials(certificate.read_bytes())
        assert worker.host(credentials=trusted).call("ping") == "pong"
        stranger = worker.host(credentials=trusted, token="no")
        assert stranger.code() == grpc.StatusCode.UNAUTHENTICATED
        assert worker.host().code() == grpc.StatusCode.UNAVAILABLE


# Health


def test_health_is_told_for_the_services_that_there_are(host: Host) -> None:
    assert [host.check(), host.check("lockstep.worker.v1.Worker")] == [b"\x08\x01", b"\x08\x01"]
    with pytest.raises(grpc.RpcError) as refused:
        host.check("other")
    assert refused.value.code() == grpc.StatusCode.NOT_FOUND


def test_who_watches_is_told_when_the_worker_is_about_to_end(script: Path) -> None:
    with WorkerProcess(script) as worker:
        host = worker.host()
        seen: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        watched = host.channel.unary_stream("/grpc.health.v1.Health/Watch")(b"", metadata=host.metadata)
        threading.Thread(target=lambda: [seen.put(one) for one in watched], daemon=True).start()
        assert seen.get(timeout=WAIT) == b"\x08\x01"
        call = begin_to_hold(host, "finish_anyway")
        worker.process.terminate()
        assert seen.get(timeout=WAIT) == b"\x08\x02"
        assert host.answers(call).last()[0] == ANSWER
        assert worker.end() == 0


# The stream


def test_a_message_that_cannot_be_read_ends_the_stream_and_another_one_may_come(script: Path) -> None:
    with WorkerProcess(script) as worker:
        for _ in range(20):
            host = worker.host()
            call = begin_to_hold(host, "spin")
            host.send(b"\x0a\xff")
            assert host.answers(0).next()[1][0] == "FRAME_UNREADABLE"
            assert host.code() == grpc.StatusCode.OK
            assert host.answers(call).frames.empty()
        assert worker.host().call("ping") == "pong"


def test_a_call_of_a_stream_that_has_ended_is_not_taken_for_one_of_the_next(script: Path) -> None:
    with WorkerProcess(script) as worker:
        host = worker.host()
        assert begin_to_hold(host, "hold", name="door") == 1
        host.send(b"\x0a\xff")
        host.code()
        host = worker.host()
        assert begin_to_hold(host, "spin") == 1
        host.call("worker_tools:release", name="door")
        while host.call("info")["load"]["running"] > 1:
            pass
        assert host.answers(1).frames.empty()
        host.say(1, FrameKind.CANCEL, ["no more", False])
        assert host.answers(1).last()[1][0] == "CALL_CANCELLED"


def test_the_calls_of_a_host_that_is_gone_are_cancelled(script: Path) -> None:
    with WorkerProcess(script, maxConcurrentCalls=1) as worker:
        host = worker.host()
        begin_to_hold(host, "spin")
        host.close()
        assert host.ended.wait(WAIT)
        assert next_host(worker).call("worker_tools:add", a=1) == 11


def next_host(worker: WorkerProcess) -> Host:
    """Connect anew, which is possible from when the worker knows that the last host is gone."""
    until = time.monotonic() + WAIT
    while time.monotonic() < until:
        host = worker.host()
        host.begin("ping")
        while not host.ended.is_set():
            with suppress(queue.Empty):
                host.answers(1).frames.get(timeout=0.01)
                return host
    raise AssertionError("The worker takes no other host.")


# The end


def test_a_worker_that_is_asked_to_end_lets_its_calls_end_and_begins_no_more(script: Path) -> None:
    with WorkerProcess(script, maxConcurrentCalls=3) as worker:
        host = worker.host()
        held = begin_to_hold(host, "hold", name="door")
        polite, asleep = begin_to_hold(host, "spin"), begin_to_hold(host, "sleep_long")
        stubborn = begin_to_hold(host, "finish_anyway")
        queued = host.begin("worker_tools:add", a=1)
        host.say(0, FrameKind.PING, [1])
        assert host.answers(0).next()[1][1]["waiting"] == 1
        worker.process.terminate()
        for call in (polite, asleep, queued):
            assert host.answers(call).last()[1][0] == "CALL_CANCELLED"
        assert host.answers(stubborn).last() == (ANSWER, ["finished", None])
        assert host.failure("ping")[0] == "WORKER_STOPPED"
        os.kill(worker.process.pid, signal.SIGTERM)
        assert host.failure("worker_tools:release", name="door")[0] == "WORKER_STOPPED"
        assert host.answers(held).frames.empty()
        assert worker.process.poll() is None


def test_a_worker_ends_when_its_stdin_does_although_a_tool_goes_on(script: Path) -> None:
    with WorkerProcess(script) as worker:
        host = worker.host()
        begin_to_hold(host, "hold", name="never")
        assert worker.process.stdin is not None
        worker.process.stdin.close()
        assert worker.end() == 0


def test_what_a_tool_has_started_ends_with_the_worker(script: Path) -> None:
    with WorkerProcess(script) as worker:
        child = worker.host().call("worker_tools:start_process")
        assert not gone(child)
        worker.process.terminate()
        assert worker.end() == 0
        assert seen_gone(child)


def test_a_worker_whose_streams_a_tool_has_closed_ends_as_any_other(script: Path) -> None:
    with WorkerProcess(script, preload=["worker_tools"]) as worker:
        worker.host().call("worker_tools:close_streams")
        worker.process.terminate()
        assert worker.end() == 0
        assert worker.output() == ""
