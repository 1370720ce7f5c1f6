"""What the tool of one call says while it runs."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from functools import partial
from logging import Logger, LoggerAdapter
from typing import Any

from .asking import Asking
from .call import Call
from .context import Outlet
from .errors import ToolStreamsError
from .logging_bridge import call_logger
from .streaming import Inflow, Outflow
from .voice import Voice


class CallOutlet(Outlet):
    """Passes it on to the host."""

    def __init__(self, call: Call, voice: Voice) -> None:
        """`call`: whose tool it is."""
        self._call = call
        self._voice = voice

    def say(self, content: list[Any]) -> None:
        """Pass on what a frame SAID holds."""
        self._voice.mention(self._call.stream, self._call, content)

    def emit(self, value: Any) -> None:
        """Pass an item on, when the host takes it."""
        self._outflow().send(value)

    async def emit_async(self, value: Any) -> None:
        """Pass an item on, when the host takes it, without holding a thread."""
        await self._outflow().send_async(value)

    def items(self) -> Inflow:
        """Return what the host feeds the tool with."""
        return self._call.inflow or Inflow(self._call, lambda _count: None, open=False)

    def ask(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Return what a function of the host returns."""
        tool = self._call.tool
        if tool is not None and tool.is_async and _in_loop():
            raise RuntimeError("This would hold all async tools up. Call the host with await ctx.call_host_async(…).")
        return self._asking().ask(name, arguments)

    async def ask_async(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Return what a function of the host returns, without holding a thread."""
        return await self._asking().ask_async(name, arguments)

    def logger(self) -> LoggerAdapter[Logger]:
        """Return a logger of the name of the tool's module."""
        return call_logger(self._call.command.partition(":")[0], self._call)

    def empty(self, shape: int | tuple[int, ...], dtype: Any) -> Any:
        """Return an array in a file of the shared folder, if it is large and there is one."""
        import numpy  # noqa: PLC0415

        sizes = (shape,) if isinstance(shape, int) else shape
        kind = numpy.dtype(dtype)
        reserved = self._voice.files.reserve(math.prod(sizes) * kind.itemsize)
        if reserved is None:
            return numpy.empty(shape, kind)
        memory, path = reserved
        self._call.files = (*self._call.files, path)
        return numpy.frombuffer(memory, kind).reshape(shape)

    def _asking(self) -> Asking:
        return self._call.asking_with(partial(self._voice.ask, self._call))

    def _outflow(self) -> Outflow:
        if self._call.outflow is None:
            raise ToolStreamsError(f"{self._call.command} emits items, and is called where none are taken.")
        return self._call.outflow


def _in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
