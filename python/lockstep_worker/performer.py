"""Performs single calls, in a thread or in the event loop, up to their last frames."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from .builtin import BUILTIN, perform_builtin
from .call import Call
from .codec import encode_value
from .context import Context, current_call
from .errors import ArgumentsError, CallCancelledError, ToolStreamsError
from .frames import FrameKind, encode_frame
from .info import Info
from .outlet import CallOutlet
from .settings import Settings
from .stream import Stream
from .streaming import drain, drain_async
from .thrown import cancelled, failure_text
from .tools import Tool, ToolRegistry
from .voice import Voice

_FAILURE: Final = int(FrameKind.FAILURE)


class Performer:
    """Finds the tools of calls and lets them run."""

    def __init__(self, settings: Settings, voice: Voice, info: Info, conclude: Callable[[Call, bytes], None]) -> None:
        """`conclude`: says the last frame of a call."""
        self.registry = ToolRegistry()
        self._found: dict[str, Tool] = {}
        self._introduced: dict[str, Stream] = {}
        """On which stream the host was last told of a tool, by command."""
        self._voice = voice
        self._info = info
        self._conclude = conclude
        self._pid = os.getpid()
        self._session_id = settings.worker
        self._most_bytes = settings.max_value_bytes
        self._session: dict[str, Any] = {}

    def known_tool(self, command: str) -> Tool | None:
        """Return the tool of a command that was performed before."""
        return self._found.get(command)

    def find_tool(self, command: str) -> Tool:
        """Return the tool of a command, which may import its module. Raises LockstepError."""
        found = self._found.get(command)
        if found is not None:
            return found
        module, colon, name = command.partition(":")
        if not colon:
            known = ", ".join(sorted(BUILTIN))
            raise ArgumentsError(f"{command} is no command: those are {known}, and module:function.", command=command)
        found = self._found[command] = self.registry.find(module, name)
        return found

    def perform_builtin(self, call: Call) -> None:
        """Perform a command that every worker has."""
        self.answer(call, perform_builtin(call.command, call.arguments, self._info.all))

    def perform(self, call: Call, tool: Tool) -> None:
        """Perform a call in this thread. Raises what its tool does."""
        current_call.set(call)
        try:
            given = self._called(call, tool)
            if tool.form == "generator" and call.outflow is not None:
                given = drain(given, call.outflow, call.check)
            self.answer(call, given)
        finally:
            current_call.set(None)

    async def perform_async(self, call: Call, tool: Tool) -> None:
        """Perform a call in the event loop. Raises what its tool does."""
        given = self._called(call, tool)
        if tool.form == "async generator" and call.outflow is not None:
            given = drain_async(given, call.outflow)
        self.answer(call, await given)

    def answer(self, call: Call, value: Any) -> None:
        """Say what a call returns. Raises LockstepError where that is impossible, or nobody waits for it."""
        self._leave_fork()
        if call.gone:
            raise CallCancelledError("Nobody waits for the answer.")
        context = call.known_context
        change = (context.state,) if context is not None and context.state_changed else None
        frame = self._voice.answer(call, value, change)
        self._conclude(call, frame)

    def fail(self, call: Call, error: BaseException) -> None:
        """Say why a call returns nothing."""
        self._leave_fork()
        stopped = isinstance(error, CallCancelledError | asyncio.CancelledError)
        if call.gone or (call.reason is not None and stopped):
            self._info.count_cancelled()
            failure = encode_value(cancelled(call.reason or "nobody waits for it"))
        else:
            self._info.count_failed()
            failure = failure_text(error, self._most_bytes)
        self._conclude(call, encode_frame(call.id, _FAILURE, failure))

    def _leave_fork(self) -> None:
        """End here in a child that a tool has forked and that has left the tool: the worker answers, once."""
        if os.getpid() != self._pid:
            os._exit(0)

    def context_of(self, call: Call) -> Context:
        """Return what a tool sees of its call."""
        return Context(
            attempt=call.attempt,
            left_ms=None if call.deadline is None else (call.deadline - monotonic()) * 1000,
            session_id=self._session_id,
            session=self._session,
            outlet=CallOutlet(call, self._voice),
            traceparent=call.traceparent,
            awaited=lambda: not call.gone,
        )

    def _introduce(self, call: Call, tool: Tool) -> None:
        """Tell the host whether a tool may be called again, before its first call can take effect."""
        said = ["tool", call.command, tool.idempotent]
        call.stream.send(encode_frame(0, FrameKind.SAID, encode_value(said)))
        self._introduced[call.command] = call.stream

    def _called(self, call: Call, tool: Tool) -> Any:
        """Call the function of a tool, unless the call must not begin."""
        if call.reason is not None:
            call.check()
        if tool.yields and call.outflow is None:
            raise ToolStreamsError(f"{call.command} yields items, and is called where none are taken.")
        context = None if tool.context_parameter is None else call.context
        given = tool.bind(call.arguments, context)
        if self._introduced.get(call.command) is not call.stream:
            self._introduce(call, tool)
        return tool.function(**given)
