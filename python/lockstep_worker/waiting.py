"""How a tool waits for its host, in a thread or in an event loop."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import Protocol


class Pausing(Protocol):
    """The call whose tool waits."""

    def check(self) -> None:
        """Raise CallCancelledError if it is cancelled."""

    def pause(self) -> None:
        """Send what was said: the tool waits now."""


class Waiting:
    """Something that a tool waits for, in a thread or in an event loop."""

    def __init__(self, call: Pausing) -> None:
        """`call`: whose tool waits."""
        self._call = call
        self._changed = threading.Condition(threading.Lock())
        self._futures: list[asyncio.Future[None]] = []

    def wake(self) -> None:
        """Have those who wait look again."""
        with self._changed:
            self._wake()

    def _ready(self) -> bool:
        raise NotImplementedError

    def _wake(self) -> None:
        self._changed.notify_all()
        futures, self._futures = self._futures, []
        for future in futures:
            with suppress(RuntimeError):  # A loop of the tool's own, which is closed: nobody waits in it.
                future.get_loop().call_soon_threadsafe(_resolve, future)

    def _wait(self) -> None:
        """Return when it is ready. Raises CallCancelledError."""
        self._call.check()
        if self._ready():
            return
        self._call.pause()
        with self._changed:
            while not self._ready():
                self._call.check()
                self._changed.wait()

    async def _wait_async(self) -> None:
        while True:
            self._call.check()
            with self._changed:
                if self._ready():
                    return
                future = asyncio.get_running_loop().create_future()
                self._futures.append(future)
            self._call.pause()
            await future


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
