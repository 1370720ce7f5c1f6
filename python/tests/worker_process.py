"""Real worker processes, and a host that talks to them, written with nothing but grpcio."""

from __future__ import annotations

import json
import os
import queue
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import grpc

from lockstep_worker.codec import decode_value, encode_value
from lockstep_worker.frames import Frame, FrameKind, decode_batch, encode_frame

MODULES = Path(__file__).parent / "modules"
SCRIPT = Path(__file__).parents[1] / "worker.py"
WAIT = 10.0
"""Seconds after which something that should happen counts as missing."""


class Answers:
    """What comes back for one call."""

    def __init__(self) -> None:
        self.frames: queue.SimpleQueue[Frame] = queue.SimpleQueue()

    def next(self) -> tuple[FrameKind, Any]:
        frame = self.frames.get(timeout=WAIT)
        return FrameKind(frame.kind), decode_value(frame.text, segments=[bytes(one) for one in frame.segments])

    def begun(self) -> None:
        """Wait until the tool says that it has begun."""
        kind, said = self.next()
        assert (kind, said) == (FrameKind.SAID, ["progress", 0, None, "begun"])

    def last(self) -> tuple[FrameKind, Any]:
        while (found := self.next())[0] not in (FrameKind.ANSWER, FrameKind.FAILURE):
            pass
        return found


class Host:
    """The other end of the stream of a worker."""

    def __init__(self, address: str, token: str, credentials: Any = None, options: Any = ()) -> None:
        unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), *options]
        if credentials is None:
            self.channel = grpc.insecure_channel(address, options=unlimited)
        else:
            self.channel = grpc.secure_channel(address, credentials, options=unlimited)
        self.metadata = (("authorization", f"Bearer {token}"),)
        self._out: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._answers: dict[int, Answers] = {0: Answers()}
        self.tools: list[Any] = []
        """What it was told of tools, each as the command and whether it is idempotent."""
        self._last = 0
        self._lock = threading.Lock()
        connect = self.channel.stream_stream("/lockstep.worker.v1.Worker/Connect")
        self._stream = connect(iter(self._out.get, None), metadata=self.metadata)
        self.ended = threading.Event()
        threading.Thread(target=self._receive, daemon=True).start()

    def _receive(self) -> None:
        try:
            for message in self._stream:
                for frame in decode_batch(message):
                    said = decode_value(frame.text) if frame.kind == FrameKind.SAID and frame.call == 0 else [None]
                    if said[0] == "tool":
                        self.tools.append(said[1:])
                    else:
                        self.answers(frame.call).frames.put(frame)
        except grpc.RpcError:
            pass
        self.ended.set()

    def answers(self, call: int) -> Answers:
        return self._answers.setdefault(call, Answers())

    def code(self) -> grpc.StatusCode:
        assert self.ended.wait(WAIT)
        return self._stream.code()

    def send(self, *frames: bytes) -> None:
        self._out.put(b"".join(frames))

    def say(self, call: int, kind: int, content: Any) -> None:
        self.send(frame(call, kind, content))

    def number(self) -> int:
        with self._lock:
            self._last += 1
            return self._last

    def begin(  # noqa: PLR0913
        self,
        command: str,
        /,
        *,
        left_ms: Any = None,
        credit: Any = None,
        feed: bool = False,
        traceparent: Any = None,
        attempt: Any = None,
        **arguments: Any,
    ) -> int:
        number = self.number()
        self.say(number, FrameKind.CALL, [command, arguments, left_ms, credit, feed, traceparent, attempt])
        return number

    def call(self, command: str, /, **words: Any) -> Any:
        kind, said = self.answers(self.begin(command, **words)).last()
        assert kind == FrameKind.ANSWER, said
        return said[0]

    def failure(self, command: str, /, **words: Any) -> list[Any]:
        kind, said = self.answers(self.begin(command, **words)).last()
        assert kind == FrameKind.FAILURE, said
        return list(said)

    def check(self, service: str = "") -> bytes:
        request = b"\x0a" + bytes((len(service),)) + service.encode() if service else b""
        return bytes(
            self.channel.unary_unary("/grpc.health.v1.Health/Check")(request, timeout=WAIT, metadata=self.metadata)
        )

    def close(self) -> None:
        self._out.put(None)
        self._stream.cancel()
        self.channel.close()


def frame(call: int, kind: int, content: Any) -> bytes:
    segments: list[Any] = []
    text = encode_value(content, segments=segments)
    return encode_frame(call, kind, text, segments)


class WorkerProcess:
    """A worker that was started as a host starts one."""

    def __init__(self, script: Path = SCRIPT, *, wait: bool = True, **settings: Any) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="lockstep-"))
        self.shared = self.folder / "shared"
        self.shared.mkdir()
        self.token = secrets.token_hex(32)
        self.settings = {
            "protocol": 1,
            "worker": "w-1",
            "token": self.token,
            "address": f"unix:{self.folder}/s",
            "readyFile": f"{self.folder}/ready.json",
            "tls": None,
            "paths": [str(MODULES)],
            "preload": [],
            "maxConcurrentCalls": 8,
            "maxValueBytes": 64 << 20,
            "sharedFolder": str(self.shared),
            "sharedFromBytes": 1 << 20,
            **settings,
        }
        path = self.folder / "settings.json"
        path.write_text(json.dumps(self.settings))
        with (self.folder / "output").open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(script), str(path)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.hosts: list[Host] = []
        if wait:
            try:
                self.ready = self.wait_for_ready()
            except AssertionError:
                self.close()
                raise

    def wait_for_ready(self) -> dict[str, Any]:
        path = Path(self.settings["readyFile"])
        until = time.monotonic() + WAIT
        while not path.exists():
            if self.process.poll() is not None and not path.exists():
                raise AssertionError(f"The worker ended: {self.output()}")
            assert time.monotonic() < until, "The worker is not ready."
            time.sleep(0.002)
        return dict(json.loads(path.read_text()))

    def host(self, **words: Any) -> Host:
        host = Host(self.ready["address"], words.pop("token", self.token), **words)
        self.hosts.append(host)
        return host

    def output(self) -> str:
        """What the worker has printed."""
        return (self.folder / "output").read_text()

    def end(self) -> int:
        """The exit code; something else brings the end about."""
        return self.process.wait(WAIT)

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is not None:
            print(self.output())
        self.close()

    def close(self) -> None:
        for host in self.hosts:
            host.close()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()
        shutil.rmtree(self.folder)
