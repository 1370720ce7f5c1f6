"""What tools ask the host for while they run: its functions, by name."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from .errors import HostToolError
from .waiting import Pausing, Waiting


class Reply(NamedTuple):
    """What the host answers."""

    value: Any
    failure: list[Any] | None
    """Code, name, message and cause of what its function threw; None: it returned the value."""


class Ask(Waiting):
    """One question, until it is answered."""

    def __init__(self, call: Pausing) -> None:
        """`call`: whose tool asks."""
        super().__init__(call)
        self._reply: Reply | None = None

    def put(self, reply: Reply) -> None:
        """Take the answer."""
        with self._changed:
            self._reply = reply
            self._wake()

    def reply(self) -> Reply:
        """Return the answer when it is there. Raises CallCancelledError."""
        self._wait()
        return self._given()

    async def reply_async(self) -> Reply:
        """Do the same without holding a thread."""
        await self._wait_async()
        return self._given()

    def _ready(self) -> bool:
        return self._reply is not None

    def _given(self) -> Reply:
        assert self._reply is not None
        return self._reply


class Asking:
    """What the tool of one call asks the host for."""

    def __init__(self, call: Pausing, say: Callable[[int, str, Mapping[str, Any]], None]) -> None:
        """`say`: sends a question with its number, the name of the function and its arguments."""
        self._call = call
        self._say = say
        self._numbers = itertools.count(1)
        self._open: dict[int, Ask] = {}

    def ask(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Return what the host answers. Raises HostToolError, and CallCancelledError while waiting for that."""
        with self._asked(name, arguments) as ask:
            return _told(name, ask.reply())

    async def ask_async(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Do the same without holding a thread."""
        with self._asked(name, arguments) as ask:
            try:
                return _told(name, await ask.reply_async())
            except asyncio.CancelledError:
                # Both its questions and its task are told of a cancel: the tool sees the same, whichever is first.
                self._call.check()
                raise

    def answered(self, number: int, reply: Reply) -> None:
        """Hand an answer to who waits for it; where nobody does any more, to nobody."""
        ask = self._open.get(number)
        if ask is not None:
            ask.put(reply)

    def unreadable(self) -> None:
        """An answer cannot be read, so that nobody knows whose it is: all who wait are told."""
        message = "What the host answered cannot be read."
        for ask in list(self._open.values()):
            ask.put(Reply(None, ["FRAME_UNREADABLE", "LockstepError", message, None]))

    def wake(self) -> None:
        """Have those who wait look whether the call is cancelled."""
        for ask in list(self._open.values()):
            ask.wake()

    @contextmanager
    def _asked(self, name: str, arguments: Mapping[str, Any]) -> Iterator[Ask]:
        if type(name) is not str:
            raise TypeError(f"The name of a host tool is text, and not {type(name).__name__}.")
        self._call.check()
        number = next(self._numbers)
        ask = self._open[number] = Ask(self._call)
        try:
            self._say(number, name, arguments)
            yield ask
        finally:
            del self._open[number]


def _told(name: str, reply: Reply) -> Any:
    if reply.failure is None:
        return reply.value
    raise _error_of(name, reply.failure)


def _error_of(tool: str, failure: list[Any]) -> HostToolError:
    code, name, message, cause = failure
    error = HostToolError(str(message), tool=tool, code=str(code), name=str(name))
    if cause is not None:
        error.__cause__ = _error_of(tool, cause)
    return error
