"""Items that pass between a tool and its host while it runs, no more of them than whoever takes them has asked for."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import suppress
from typing import Any, Final, Protocol

from .errors import LockstepError

ITEMS_AT_FIRST: Final = 64
"""How many items a tool is fed with before it has taken any. It gets as many again, half of them at a time."""


class Result:
    """What an async generator yields last: what the tool returns. Other generators return it."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        """`value`: what the tool returns."""
        self.value = value


class Pausing(Protocol):
    """The call whose items pass."""

    def check(self) -> None:
        """Raise CallCancelledError if it is cancelled."""

    def pause(self) -> None:
        """Send what was said: the tool waits now."""


class _Waiting:
    """Something that a tool waits for, in a thread or in an event loop."""

    def __init__(self, call: Pausing) -> None:
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


class Outflow(_Waiting):
    """The items of a tool on their way to the host."""

    def __init__(self, call: Pausing, credit: int, say: Callable[[Any], None]) -> None:
        """`credit`: how many items the host takes at first; `say`: sends one."""
        super().__init__(call)
        self._credit = credit
        self._say = say

    def grant(self, credit: int) -> None:
        """Let more items pass."""
        with self._changed:
            self._credit += credit
            self._wake()

    def send(self, item: Any) -> None:
        """Send an item when the host takes it. Raises CallCancelledError while waiting for that."""
        while True:
            self._wait()
            if self._paid():
                return self._say(item)

    async def send_async(self, item: Any) -> None:
        """Send an item when the host takes it, without holding a thread."""
        while True:
            await self._wait_async()
            if self._paid():
                return self._say(item)

    def _ready(self) -> bool:
        return self._credit > 0

    def _paid(self) -> bool:
        with self._changed:
            if self._credit == 0:
                return False  # Another thread of the same tool has sent an item.
            self._credit -= 1
            return True


class Inflow(_Waiting):
    """The items that the host feeds a tool with: `for item in …`, or `async for` in an async tool."""

    def __init__(self, call: Pausing, grant: Callable[[int], None], *, open: bool) -> None:
        """`grant`: tells the host how many more it may send. `open`: whether anything comes at all."""
        super().__init__(call)
        self._grant = grant
        self._items: deque[Any] = deque()
        self._expected = 0
        self._taken = 0
        self._asked = False
        self._open = open
        self._error: LockstepError | None = None

    def put(self, item: Any) -> bool:
        """Take an item from the host. False: it was not asked for."""
        with self._changed:
            if self._expected == 0 or not self._open:
                return False
            self._expected -= 1
            self._items.append(item)
            self._wake()
            return True

    def end(self, error: LockstepError | None = None) -> None:
        """Let the tool take what there is and no more; `error` is raised then."""
        with self._changed:
            self._open = False
            self._error = self._error or error
            self._wake()

    def __iter__(self) -> Iterator[Any]:
        """Return the items, each once, however many ask."""
        return self

    def __next__(self) -> Any:
        """Return the next item. Raises StopIteration at the end, CallCancelledError where nobody waits any more."""
        while True:
            self._ask()
            self._wait()
            if (found := self._take(StopIteration)) is not None:
                return found[0]

    def __aiter__(self) -> AsyncIterator[Any]:
        """Return the items for a tool that holds no thread."""
        return self

    async def __anext__(self) -> Any:
        """Return the next item without holding a thread."""
        while True:
            self._ask()
            await self._wait_async()
            if (found := self._take(StopAsyncIteration)) is not None:
                return found[0]

    def _ready(self) -> bool:
        return bool(self._items) or not self._open

    def _ask(self) -> None:
        with self._changed:
            count = 0
            if not self._asked:
                self._asked = True
                count = ITEMS_AT_FIRST
            elif self._taken >= ITEMS_AT_FIRST // 2:
                count, self._taken = self._taken, 0
            if count == 0 or not self._open:
                return
            self._expected += count
        self._grant(count)

    def _take(self, end: type[Exception]) -> tuple[Any] | None:
        """Return the next item; None: another thread of the same tool has it. Raises `end` where no more come."""
        with self._changed:
            if self._items:
                self._taken += 1
                return (self._items.popleft(),)
            if self._open:
                return None
        if self._error is not None:
            raise self._error
        raise end


def drain(generator: Generator[Any, Any, Any], outflow: Outflow, check: Callable[[], None]) -> Any:
    """Send what a generator yields, and return what it returns. It is closed where that is not possible any more."""
    try:
        while True:
            check()
            try:
                item = next(generator)
            except StopIteration as stop:
                return stop.value
            outflow.send(item)
    finally:
        generator.close()


async def drain_async(generator: AsyncGenerator[Any, Any], outflow: Outflow) -> Any:
    """Send what an async generator yields, and return its `Result`, or None."""
    result: Result | None = None
    try:
        async for item in generator:
            if result is not None:
                raise RuntimeError("The tool has yielded another item after its Result.")
            if type(item) is Result:
                result = item
            else:
                await outflow.send_async(item)
    finally:
        await generator.aclose()
    return None if result is None else result.value


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
