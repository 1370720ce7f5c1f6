"""Items that pass between a tool and its host while it runs, no more of them than whoever takes them has asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Sequence
from typing import Any, Final, NamedTuple

from .errors import LockstepError
from .frames import SharedFile
from .segments import size_of
from .typed_arrays import BytesLike
from .waiting import Pausing, Waiting

CREDIT_AT_FIRST: Final = 64
"""How many credits the host gets before the tool has taken any item. It gets as many again, half of them at a time."""

_BYTES_OF_CREDIT: Final = 16_384
"""From so many bytes on an item costs another credit: the first ones are a mebibyte."""

_LONGEST_CHARACTER: Final = 4
"""Bytes, in UTF-8."""


def item_cost(text: str, segments: Sequence[BytesLike | SharedFile]) -> int:
    """Return what an item costs, in credits: one, and one more for every 16 KiB that it has.

    Whoever has a credit may send an item, whatever that costs: long ones travel one by one.
    """
    if not segments and len(text) * _LONGEST_CHARACTER < _BYTES_OF_CREDIT:
        return 1
    return 1 + (len(text.encode()) + size_of(segments)) // _BYTES_OF_CREDIT


class Written(NamedTuple):
    """An item as it goes to the host."""

    text: str
    segments: list[BytesLike]
    cost: int


class Result:
    """What an async generator yields last: what the tool returns. Other generators return it."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        """`value`: what the tool returns."""
        self.value = value


class Outflow(Waiting):
    """The items of a tool on their way to the host."""

    def __init__(
        self,
        call: Pausing,
        credit: int,
        write: Callable[[Any], Written],
        say: Callable[[Written], None],
    ) -> None:
        """`credit`: what the host takes at first; `write`: makes an item ready; `say`: sends it."""
        super().__init__(call)
        self._credit = credit
        self._write = write
        self._say = say

    def grant(self, credit: int) -> None:
        """Let more items pass."""
        with self._changed:
            self._credit += credit
            self._wake()

    def send(self, item: Any) -> None:
        """Send an item when the host takes it. Raises CallCancelledError while waiting for that."""
        self._call.check()
        written = self._write(item)
        while True:
            self._wait()
            if self._paid(written.cost):
                return self._say(written)

    async def send_async(self, item: Any) -> None:
        """Send an item when the host takes it, without holding a thread."""
        self._call.check()
        written = self._write(item)
        while True:
            await self._wait_async()
            if self._paid(written.cost):
                return self._say(written)

    def _ready(self) -> bool:
        return self._credit > 0

    def _paid(self, cost: int) -> bool:
        with self._changed:
            if self._credit <= 0:
                return False  # Another thread of the same tool has sent an item.
            self._credit -= cost
            return True


class Inflow(Waiting):
    """The items that the host feeds a tool with: `for item in …`, or `async for` in an async tool."""

    def __init__(self, call: Pausing, grant: Callable[[int], None], *, open: bool) -> None:
        """`grant`: gives the host so many credits. `open`: whether anything comes at all."""
        super().__init__(call)
        self._grant = grant
        self._items: deque[tuple[Any, int]] = deque()
        self._expected = 0
        self._taken = 0
        self._asked = False
        self._open = open
        self._error: LockstepError | None = None

    def put(self, item: Any, cost: int) -> bool:
        """Take an item from the host. False: it was not asked for."""
        with self._changed:
            if self._expected <= 0 or not self._open:
                return False
            self._expected -= cost
            self._items.append((item, cost))
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
                count = CREDIT_AT_FIRST
            elif self._taken >= CREDIT_AT_FIRST // 2:
                count, self._taken = self._taken, 0
            if count == 0 or not self._open:
                return
            self._expected += count
        self._grant(count)

    def _take(self, end: type[Exception]) -> tuple[Any] | None:
        """Return the next item; None: another thread of the same tool has it. Raises `end` where no more come."""
        with self._changed:
            if self._items:
                item, cost = self._items.popleft()
                self._taken += cost
                return (item,)
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
