"""The gRPC server of a worker: the stream of its host and the standard service for health, both behind a token."""

from __future__ import annotations

import hmac
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

# What gRPC does in a fork crashes children of tools now and then, which use nothing of it. It asks when it is loaded.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import grpc

from .errors import FrameUnreadableError, ServingError
from .frames import MessageReader
from .settings import Settings
from .stream import Stream

NON_BLOCKING = True
"""Whether grpcio is asked to call `Connect` with a function to send by, which frees the thread that it was called in.

It does so for its own health service, and has for years, but does not promise it. A version that does not know the wish
calls without that function; then messages pass through an iterator, as is promised, and one thread more.
"""

_CONNECT: Final = "/lockstep.worker.v1.Worker/Connect"
_CHECK: Final = "/grpc.health.v1.Health/Check"
_WATCH: Final = "/grpc.health.v1.Health/Watch"
_SERVICES: Final = frozenset(("", "lockstep.worker.v1.Worker"))

_SERVING: Final = b"\x08\x01"
_NOT_SERVING: Final = b"\x08\x02"
_SERVICE_UNKNOWN: Final = b"\x08\x03"
"""Messages `grpc.health.v1.HealthCheckResponse`."""

_POOL_THREADS: Final = 6
"""Those that grpcio calls handlers in. Everyone who watches holds one, and without the wish above the stream too."""
_MOST_WATCHING: Final = 3
_MOST_QUEUED: Final = 4
"""Messages on their way through an iterator."""

_GRACE_SECONDS: Final = 1.0

_OPTIONS: Final = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.so_reuseport", 0),
    # The host asks by HTTP/2 PING whether the worker lives, as often as it likes.
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 1),
    ("grpc.keepalive_permit_without_calls", 1),
)


class Server:
    """Serves one host."""

    def __init__(self, settings: Settings, connected: Callable[[Stream], bool]) -> None:
        """`connected`: takes over a stream that the host has opened, or returns False where there is one already."""
        self._settings = settings
        self._connected = connected
        self._expected = f"Bearer {settings.token}".encode()
        self._serving = True
        self._changed = threading.Condition()
        self._watching = 0
        self.handler = "unknown"
        """How `Connect` is handled: `hook` or `iterator`; `unknown` as long as nobody has connected."""
        self._connect_handler = _stream_handler(self._connect)
        self._handlers: dict[str, Any] = {
            _CONNECT: self._connect_handler,
            _CHECK: grpc.unary_unary_rpc_method_handler(self._check),
            _WATCH: grpc.unary_stream_rpc_method_handler(self._watch),
        }
        self._refuse = grpc.stream_unary_rpc_method_handler(_refuse)
        pool = ThreadPoolExecutor(_POOL_THREADS, thread_name_prefix="lockstep-grpc")
        self._server = grpc.server(pool, handlers=(_Handlers(self),), options=_OPTIONS)

    def start(self) -> str:
        """Serve, and return the address. Raises ServingError where that is impossible."""
        settings = self._settings
        before = os.umask(0o177)  # A unix socket is for the user of this process alone.
        try:
            if settings.tls is None:
                port = self._server.add_insecure_port(settings.address)
            else:
                port = self._server.add_secure_port(settings.address, self._credentials())
            self._server.start()
        except (RuntimeError, OSError, ValueError) as error:
            raise ServingError(f"The worker cannot serve at {settings.address}: {error}") from error
        finally:
            os.umask(before)
        if port == 0:
            raise ServingError(f"The worker cannot serve at {settings.address}.")
        return settings.address if settings.tls is None else f"{settings.address.rpartition(':')[0]}:{port}"

    def refuse_health(self) -> None:
        """Tell all who ask or watch that the worker serves no more."""
        with self._changed:
            self._serving = False
            self._changed.notify_all()

    def stop(self) -> None:
        """End everything that is open, once what was said has been sent."""
        self._server.stop(_GRACE_SECONDS).wait(_GRACE_SECONDS)

    def handler_for(self, details: Any) -> Any:
        """Return what handles a call of gRPC; None: nothing does."""
        for name, value in details.invocation_metadata:
            if name == "authorization" and hmac.compare_digest(_bytes_of(value), self._expected):
                return self._handlers.get(details.method)
        return self._refuse

    def _credentials(self) -> Any:
        tls = self._settings.tls
        assert tls is not None
        authority = None if tls.authority is None else Path(tls.authority).read_bytes()
        pair = (Path(tls.key).read_bytes(), Path(tls.certificate).read_bytes())
        return grpc.ssl_server_credentials([pair], authority, authority is not None)

    def _connect(self, requests: Iterator[bytes], context: Any, send: Any = None) -> Iterator[bytes] | None:
        queue = None if send is not None else _Queue(context)
        self.handler = "iterator" if queue else "hook"
        if self._connected(Stream(requests, queue.put if queue else send)):
            return iter(queue) if queue else None
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "The worker has a host already.")
        raise AssertionError("abort raises")

    def _check(self, request: bytes, context: Any) -> bytes:
        service = _service_of(request)
        if service not in _SERVICES:
            context.abort(grpc.StatusCode.NOT_FOUND, f"There is no service {service}.")
        return _SERVING if self._serving else _NOT_SERVING

    def _watch(self, request: bytes, context: Any) -> Iterator[bytes]:
        status = _SERVING if _service_of(request) in _SERVICES else _SERVICE_UNKNOWN
        with self._changed:
            if self._watching == _MOST_WATCHING:
                context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many watch the health of this worker.")
            self._watching += 1
        context.add_callback(self._wake)
        try:
            yield status if self._serving else _NOT_SERVING
            with self._changed:
                while self._serving and context.is_active():
                    self._changed.wait()
            yield _NOT_SERVING
        finally:
            with self._changed:
                self._watching -= 1

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


class _Handlers(grpc.GenericRpcHandler):  # type: ignore[misc]
    """What grpcio asks for the handler of a call."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def service(self, handler_call_details: Any) -> Any:
        return self._server.handler_for(handler_call_details)


class _Queue:
    """Messages on their way to the iterator that grpcio takes them from."""

    def __init__(self, context: Any) -> None:
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._places = threading.Semaphore(_MOST_QUEUED)
        self._gone = False
        context.add_callback(self._end)

    def put(self, message: bytes | None) -> None:
        if self._gone:
            return
        self._places.acquire()
        self._queue.put(message)

    def _end(self) -> None:
        """Let go of whoever waits at either end: nobody takes messages any more. At most one thread puts at a time."""
        self._gone = True
        self._places.release()
        self._queue.put(None)

    def __iter__(self) -> Iterator[bytes]:
        while (message := self._queue.get()) is not None:
            self._places.release()
            yield message


def _stream_handler(connect: Callable[..., Any]) -> Any:
    def behavior(*arguments: Any) -> Any:
        return connect(*arguments)

    if NON_BLOCKING:
        behavior.experimental_non_blocking = True  # type: ignore[attr-defined]
    return grpc.stream_stream_rpc_method_handler(behavior)


def _refuse(_requests: Iterator[bytes], context: Any) -> None:
    context.abort(grpc.StatusCode.UNAUTHENTICATED, "The token is missing or wrong.")


def _bytes_of(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _service_of(request: bytes) -> str:
    """Return the only field of a message `grpc.health.v1.HealthCheckRequest`."""
    service = ""
    try:
        for number, _, content in MessageReader(memoryview(request)).fields():
            if number == 1 and isinstance(content, memoryview):
                service = str(content, "utf-8", "replace")
    except FrameUnreadableError:
        pass
    return service
