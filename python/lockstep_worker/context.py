"""What a tool knows about the call that it performs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from logging import Logger, LoggerAdapter, getLogger
from typing import Any, Final, Protocol

from .cancellation import Cancellation
from .errors import HostToolError, SecretUndeclaredError
from .tracing import Span, measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The attempt of a node that a call performs, in the words of the host's `NodeContext`."""

    run_id: str
    node_id: str
    scope: str
    """Where in the run the node is; empty: in the workflow itself."""
    attempt: int
    """1 for the first attempt of this visit."""
    failures: int
    """Failed attempts of this visit so far."""
    visit: int
    """Which activation of the node in its run this is, counted from 1: a node in a cycle has one for each iteration."""
    iterations: Sequence[int] = ()
    """Iterations of all cycles around the node, counted from 0, outermost first; empty outside any cycle."""
    max_iterations: int | None = None
    """The limit of the innermost cycle; None: it has none, or there is no cycle."""
    idempotency_key: str
    """The same for all attempts of a visit: for services that must not act twice."""
    context: Mapping[str, Any] = field(default_factory=dict)
    """What the caller of the run passed as its context: tenant, user and the like."""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Those that the node declares."""
    state: Any = None
    """What the node set in an earlier visit; None: nothing."""
    traceparent: str | None = None
    """The span that the call belongs to, as W3C Trace Context writes it; None: nobody traces it."""

    @property
    def iteration(self) -> int:
        """Iteration of the innermost cycle around the node, counted from 0; 0 outside any cycle."""
        return self.iterations[-1] if self.iterations else 0


class Outlet:
    """Where what a tool says goes while it runs. This one goes nowhere: for tools that are tested without a host."""

    def say(self, content: list[Any]) -> None:
        """Pass on what a frame SAID holds."""

    def emit(self, value: Any) -> None:
        """Pass an item on, when the host takes it."""

    async def emit_async(self, value: Any) -> None:
        """Pass an item on, when the host takes it, without holding a thread."""

    def items(self) -> Any:
        """Return what the host feeds the tool with, to be iterated in either way."""
        return iter(())

    def ask(self, name: str, _arguments: Mapping[str, Any]) -> Any:
        """Return what a function of the host returns."""
        message = f"There is no host here that has a tool {name}. Give the context host_tools."
        raise HostToolError(message, tool=name, code="HOST_TOOL_UNKNOWN", name="AttemptError")

    async def ask_async(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Return what a function of the host returns, without holding a thread."""
        return self.ask(name, arguments)

    def logger(self) -> LoggerAdapter[Logger] | Logger:
        """Return a logger whose records belong to the call."""
        return getLogger("tool")

    def empty(self, shape: int | tuple[int, ...], dtype: Any) -> Any:
        """Return an array of numpy, if possible in memory that is shared with the host."""
        import numpy  # noqa: PLC0415

        return numpy.empty(shape, dtype)


class Context:
    """A call, as its tool sees it. A parameter annotated with this class gets it."""

    def __init__(  # noqa: PLR0913
        self,
        *,
        attempt: Attempt | None = None,
        left_ms: float | None = None,
        session_id: str = "",
        session: dict[str, Any] | None = None,
        cancellation: Cancellation | None = None,
        outlet: Outlet | None = None,
        host_tools: Mapping[str, Callable[..., Any]] | None = None,
        traceparent: str | None = None,
        awaited: Callable[[], bool] = lambda: True,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Describe a call that begins now; tests of tools make one with what they need.

        `attempt`: None for a call that is not part of a run. `left_ms`: how long the host waits; None: for ever.
        `session`: shared by all calls of a worker. `outlet`: where what the tool says goes; None: nowhere.
        `host_tools`: functions that stand for those of the host, where there is none.
        `traceparent`: the span that the call belongs to; None: that of the attempt. `awaited`: asked whether
        somebody waits for the answer. `now`: seconds since 1970.
        """
        self.attempt = attempt
        self.deadline = None if left_ms is None else now() + left_ms / 1000
        """Until when the host waits, in seconds since 1970; None: for ever."""
        self.session_id = session_id
        self.session: dict[str, Any] = {} if session is None else session
        """What calls leave for later ones. It ends with its worker; calls that run at the same time share it."""
        self.cancellation = Cancellation() if cancellation is None else cancellation
        self._outlet = Outlet() if outlet is None else outlet
        self._host_tools = {} if host_tools is None else host_tools
        self.traceparent = traceparent if attempt is None or traceparent is not None else attempt.traceparent
        """The span that the call belongs to, as W3C Trace Context writes it; None: nobody traces it."""
        self._awaited = awaited
        self._now = now
        self._state = None if attempt is None else attempt.state
        self.state_changed = False
        """Whether the tool has called `set_state`."""

    @property
    def cancelled(self) -> bool:
        """Whether the tool is to stop: its time is over, or its run was cancelled."""
        return self.cancellation.cancelled

    @property
    def awaited(self) -> bool:
        """Whether somebody still waits for the answer, as after a soft limit: what there is so far may be of use."""
        return self._awaited()

    def check(self) -> None:
        """Raise CallCancelledError if the call is cancelled. To be called now and then by a tool that takes long."""
        self.cancellation.check()

    def on_cancel(self, action: Callable[[], object]) -> None:
        """Call `action` once when the call is cancelled, in another thread; at once if that has happened."""
        self.cancellation.on_cancel(action)

    def remaining(self) -> float | None:
        """Return for how many seconds the host still waits, at least 0; None: for ever."""
        return None if self.deadline is None else max(0.0, self.deadline - self._now())

    def secret(self, name: str) -> str:
        """Return a secret that the node declares. Raises SecretUndeclaredError for another."""
        secrets = {} if self.attempt is None else self.attempt.secrets
        if name not in secrets:
            known = ", ".join(sorted(secrets)) or "none"
            raise SecretUndeclaredError(f"The node declares no secret {name}; it declares {known}.")
        return secrets[name]

    @property
    def state(self) -> Any:
        """What `set_state` was last given, in this call or an earlier visit of the node; None: nothing."""
        return self._state

    def set_state(self, value: Any) -> None:
        """Keep a value for later visits of the node, if the call succeeds."""
        self._state = value
        self.state_changed = True

    @property
    def log(self) -> LoggerAdapter[Logger] | Logger:
        """A logger whose records belong to the call, also in threads that the tool starts."""
        return self._outlet.logger()

    def progress(self, current: float, total: float | None = None, message: str | None = None) -> None:
        """Tell how far the tool is: `current` of `total`, in whatever unit; None: nobody knows how much there is."""
        self._outlet.say(["progress", current, total, message])

    def emit(self, value: Any) -> None:
        """Send an item, as a generator does by `yield`; waits until the host takes it.

        Raises ToolStreamsError where the caller takes none, CallCancelledError where the call is cancelled meanwhile.
        """
        self._outlet.emit(value)

    async def emit_async(self, value: Any) -> None:
        """Do the same in an async tool: other tools run while it waits."""
        await self._outlet.emit_async(value)

    def items(self) -> Any:
        """Return the items that the host feeds the tool with: `for item in …`, or `async for` in an async tool."""
        return self._outlet.items()

    def call_host(self, name: str, /, **arguments: Any) -> Any:
        """Call a function of the host, one of its `hostTools`, with arguments by name, and return what it returns.

        Waits for that, and holds the thread: in an async tool, await `call_host_async`. Raises HostToolError for what
        the function throws, CallCancelledError where the call is cancelled meanwhile, ValueNotEncodableError and
        PayloadTooLargeError for arguments that cannot be passed.
        """
        stand_in = self._host_tools.get(name)
        return self._outlet.ask(name, arguments) if stand_in is None else stand_in(**arguments)

    async def call_host_async(self, name: str, /, **arguments: Any) -> Any:
        """Do the same in an async tool: other tools run while it waits."""
        stand_in = self._host_tools.get(name)
        return await self._outlet.ask_async(name, arguments) if stand_in is None else stand_in(**arguments)

    def span(self, name: str, **attributes: Any) -> AbstractContextManager[Span]:
        """Measure the body of a `with` as a span of the trace that the call belongs to; nothing happens without one."""
        return measured(name, self.traceparent, attributes, self._outlet.say)

    def empty(self, shape: int | tuple[int, ...], dtype: Any = "float64") -> Any:
        """Return a numpy array to be filled and returned: a large one is passed to the host without being copied.

        What it holds at first is not known, and it must not be changed when it was returned.
        """
        return self._outlet.empty(shape, dtype)


class HasContext(Protocol):
    """What code runs for."""

    @property
    def context(self) -> Context:
        """What `current_context()` returns."""


@dataclass(frozen=True, slots=True)
class _Entered:
    context: Context


current_call: Final[ContextVar[HasContext | None]] = ContextVar("lockstep_call", default=None)
"""The call that this code runs for."""


def current_context() -> Context:
    """Return the context of the call that this code runs in. Raises LookupError outside of calls."""
    call = current_call.get()
    if call is None:
        raise LookupError("No tool is being called here; a thread that a tool starts has no context.")
    return call.context


@contextmanager
def entered(context: Context) -> Iterator[Context]:
    """Let `current_context()` return a context inside a `with`."""
    token = current_call.set(_Entered(context))
    try:
        yield context
    finally:
        current_call.reset(token)
