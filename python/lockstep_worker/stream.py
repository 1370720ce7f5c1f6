"""One stream between this worker and its host."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Final

_LARGEST_MESSAGE: Final = 1 << 20
"""Bytes of the frames that are put into one message; a frame that is larger travels alone."""
_MOST_UNSENT: Final = 4096
"""With how many unsent frames what is said by the way is left out."""


class Stream:
    """Messages in, from one thread at a time, and frames out, from all: whoever may send sends what all have said."""

    def __init__(self, requests: Iterator[bytes], send: Callable[[bytes | None], None]) -> None:
        """`send`: sends one message, which takes until it is under way; None ends the stream."""
        self._requests = requests
        self._send = send
        self._out: deque[bytes] = deque()
        self._writing = threading.Lock()
        """Held by who sends; nobody else takes frames out."""
        self.ended = False
        self.number = 0
        """Which stream of the worker it is."""
        self.flushed = 0.0
        """When something was last sent, by `time.monotonic()`."""

    def receive(self) -> bytes | None:
        """Return the next message, None: the host has ended the stream, or is gone."""
        try:
            return next(self._requests)
        except Exception:  # StopIteration, or what gRPC raises for a stream that broke.
            return None

    def say(self, frame: bytes) -> None:
        """Have a frame sent with the next `flush`."""
        self._out.append(frame)

    @property
    def crowded(self) -> bool:
        """Whether so much is unsent that only what calls need should be added."""
        return len(self._out) > _MOST_UNSENT

    @property
    def unsaid(self) -> bool:
        """Whether there is something that `flush` would send."""
        return bool(self._out)

    def flush(self) -> None:
        """Send all that was said, unless another thread is at it: then that one does."""
        while self._out and self._writing.acquire(blocking=False):
            try:
                message = self._message()
                if not self.ended:
                    self._send(message)
                self.flushed = monotonic()
            finally:
                self._writing.release()

    def send(self, frame: bytes) -> None:
        """Send a frame, with all that was said before, and wait until that is under way, whoever is at it."""
        self._out.append(frame)
        with self._writing:
            while self._out:
                message = self._message()
                if not self.ended:
                    self._send(message)
            self.flushed = monotonic()

    def end(self) -> None:
        """Send what was said and end the stream."""
        with self._writing:
            if self.ended:
                return
            while self._out:
                self._send(self._message())
            self.ended = True
            self._send(None)

    def _message(self) -> bytes:
        first = self._out.popleft()
        if not self._out:
            return first
        frames = [first]
        size = len(first)
        while self._out and size + len(self._out[0]) <= _LARGEST_MESSAGE:
            frames.append(self._out.popleft())
            size += len(frames[-1])
        return b"".join(frames)
