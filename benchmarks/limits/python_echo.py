"""The bare limits of calling Python: servers that hand back what they are sent, each with nothing around it.

Usage: python python_echo.py grpc|aio|socket <path of a unix socket>; prints a line once it serves, ends with its stdin.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[2] / "python"))

ITEM = b"x" * 100

OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0)]


def end_with_stdin() -> None:
    def wait() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def serve_grpc(path: str) -> None:
    """grpcio's synchronous server, as the library comes: raw bytes, one handler for a stream and one for a single call."""
    import grpc

    def stream(requests: Any, _context: Any) -> Any:
        yield from requests

    def single(request: bytes, _context: Any) -> bytes:
        return request

    def count(request: bytes, _context: Any) -> Any:
        for _ in range(int(request)):
            yield ITEM

    handlers = {
        "Count": grpc.unary_stream_rpc_method_handler(count),
        "Stream": grpc.stream_stream_rpc_method_handler(stream),
        "Single": grpc.unary_unary_rpc_method_handler(single),
    }
    server = grpc.server(ThreadPoolExecutor(16), options=OPTIONS)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Echo", handlers),))
    server.add_insecure_port(f"unix:{path}")
    server.start()
    print("serving", flush=True)
    server.wait_for_termination()


async def serve_aio(path: str) -> None:
    """The same with grpcio's server for asyncio."""
    import grpc

    async def stream(requests: Any, _context: Any) -> Any:
        async for request in requests:
            yield request

    server = grpc.aio.server(options=OPTIONS)
    handlers = {"Stream": grpc.stream_stream_rpc_method_handler(stream)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Echo", handlers),))
    server.add_insecure_port(f"unix:{path}")
    await server.start()
    print("serving", flush=True)
    await server.wait_for_termination()


def serve_socket(path: str) -> None:
    """A socket: a length, then a batch of frames, which are read and written by the codec that workers use."""
    from lockstep_worker.codec import decode_value, encode_value
    from lockstep_worker.frames import Frame, decode_batch, encode_batch

    def answered(batch: bytes) -> bytes:
        out = []
        for frame in decode_batch(batch):
            _command, arguments, *_rest = decode_value(frame.text)
            out.append(Frame(frame.call, 8, encode_value([arguments["value"], None])))
        message = encode_batch(out)
        return len(message).to_bytes(4, "little") + message

    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    print("serving", flush=True)
    while True:
        connection, _ = listener.accept()
        pending = b""
        while received := connection.recv(1 << 18):
            pending += received
            answers = []
            at = 0
            while len(pending) - at >= 4:
                end = at + 4 + int.from_bytes(pending[at : at + 4], "little")
                if end > len(pending):
                    break
                answers.append(answered(pending[at + 4 : end]))
                at = end
            pending = pending[at:]
            if answers:
                connection.sendall(b"".join(answers))


if __name__ == "__main__":
    kind, place = sys.argv[1:]
    end_with_stdin()
    if kind == "grpc":
        serve_grpc(place)
    elif kind == "aio":
        asyncio.run(serve_aio(place))
    else:
        serve_socket(place)
