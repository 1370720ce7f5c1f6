"""One call that the host has made."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from types import MappingProxyType
from typing import Any

from .asking import Asking
from .codec import decode_value
from .context import Attempt, Context
from .errors import CallCancelledError, FrameUnreadableError
from .frames import Frame
from .stream import Stream
from .streaming import Inflow, Outflow
from .tools import Tool
from .typed_arrays import BytesLike

_first = threading.Lock()
"""Held by who makes what several threads of a tool may need at the same time."""


class Call:
    """What is known of a call, and whether anybody still waits for it."""

    # Values of the class, so that a call that needs none of this costs nothing to make.

    command = ""
    arguments: Mapping[str, Any] = MappingProxyType({})
    left_ms: float | None = None
    deadline: float | None = None
    """By `time.monotonic()`."""
    credit: int | None = None
    feed = False
    traceparent: str | None = None
    attempt: Attempt | None = None
    tool: Tool | None = None
    begun = False
    """Whether an async tool has begun."""
    reason: str | None = None
    """Why it is cancelled; None: it is not."""
    gone = False
    """Whether nobody waits for its answer any more."""
    over = False
    """Whether its last frame was said."""
    outflow: Outflow | None = None
    """None: the host takes no items."""
    inflow: Inflow | None = None
    """None: the host feeds no items."""
    asking: Asking | None = None
    """None: its tool has asked the host for nothing."""
    lender: Call | None = None
    """In whose place this call may be performed: that of one which waits for what has made it."""
    files: tuple[str, ...] = ()
    """Those that its tool has reserved."""
    cancel_task: Callable[[], object] | None = None
    """Cancels the task that performs it."""
    known_context: Context | None = None
    """The context, if the tool has asked for it."""

    def __init__(self, stream: Stream, frame: Frame, make_context: Callable[[Call], Context]) -> None:
        """`make_context`: called when the tool first asks for its context."""
        self.id = frame.call
        self.stream = stream
        self.frame: Frame | None = frame
        """None from when it was read."""
        self.pause: Callable[[], None] = stream.flush
        """Sends what was said, because the tool waits."""
        self._make_context = make_context

    def read(self, segments: Sequence[BytesLike]) -> None:
        """Read the text of the frame. Raises FrameUnreadableError."""
        assert self.frame is not None
        text, self.frame = self.frame.text, None
        said = decode_value(text, segments=segments)
        try:
            self.command, self.arguments, left_ms, credit, self.feed, self.traceparent, attempt = said
            if type(self.command) is not str or type(self.arguments) is not dict:
                raise TypeError("no command")
            if left_ms is not None:
                self.left_ms = left_ms
                self.deadline = monotonic() + left_ms / 1000
            if credit is not None:
                self.credit = credit if type(credit) is int else int("no credit")
            if attempt is not None:
                self.attempt = _attempt_of(attempt, self.traceparent)
        except (TypeError, ValueError) as error:
            raise FrameUnreadableError("A frame CALL does not hold what it should.") from error

    @property
    def context(self) -> Context:
        """The call, as its tool sees it."""
        if self.known_context is None:
            self.known_context = self._make_context(self)
            # Whoever cancels sets the reason first and looks for a context then: one of both sees the other.
            if self.reason is not None:
                self.known_context.cancellation.cancel(self.reason)
        return self.known_context

    def asking_with(self, say: Callable[[int, str, Mapping[str, Any]], None]) -> Asking:
        """Return what asks the host for something; `say`: sends a question."""
        with _first:
            if self.asking is None:
                self.asking = Asking(self, say)
            return self.asking

    def cancel(self, reason: str, *, gone: bool) -> None:
        """Let the tool know that it should stop."""
        self.gone = self.gone or gone
        if self.reason is None:
            self.reason = reason
        if self.known_context is not None:
            self.known_context.cancellation.cancel_elsewhere(reason)
        if self.outflow is not None:
            self.outflow.wake()
        if self.inflow is not None:
            self.inflow.wake()
        if self.asking is not None:
            self.asking.wake()
        if self.cancel_task is not None:
            self.cancel_task()

    def check(self) -> None:
        """Raise CallCancelledError if it is cancelled."""
        if self.reason is not None:
            raise CallCancelledError(f"The call was cancelled: {self.reason}.", reason=self.reason)


def _attempt_of(said: Any, traceparent: str | None) -> Attempt:
    run, node, scope, attempt, failures, visit, iterations, most, key, context, secrets, state = said
    return Attempt(
        run_id=run,
        node_id=node,
        scope=scope,
        attempt=attempt,
        failures=failures,
        visit=visit,
        iterations=tuple(iterations),
        max_iterations=most,
        idempotency_key=key,
        context=context,
        secrets=secrets,
        state=state,
        traceparent=traceparent,
    )
