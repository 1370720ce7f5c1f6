"""What a tool knows about the call that it performs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from .cancellation import Cancellation
from .errors import SecretUndeclaredError


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
        now: Callable[[], float] = time.time,
    ) -> None:
        """Describe a call that begins now; tests of tools make one with what they need.

        `attempt`: None for a call that is not part of a run. `left_ms`: how long the host waits; None: for ever.
        `session`: shared by all calls of a worker. `now`: seconds since 1970.
        """
        self.attempt = attempt
        self.deadline = None if left_ms is None else now() + left_ms / 1000
        """Until when the host waits, in seconds since 1970; None: for ever."""
        self.session_id = session_id
        self.session: dict[str, Any] = {} if session is None else session
        """What calls leave for later ones. It ends with its worker; calls that run at the same time share it."""
        self._cancellation = Cancellation() if cancellation is None else cancellation
        self._now = now
        self._state = None if attempt is None else attempt.state
        self.state_changed = False
        """Whether the tool has called `set_state`."""

    @property
    def cancelled(self) -> bool:
        """Whether the host has no more use for the answer: its time is over, or its run was cancelled."""
        return self._cancellation.cancelled

    def check(self) -> None:
        """Raise CallCancelledError if the call is cancelled. To be called now and then by a tool that takes long."""
        self._cancellation.check()

    def on_cancel(self, action: Callable[[], object]) -> None:
        """Call `action` once when the call is cancelled, in another thread; at once if that has happened."""
        self._cancellation.on_cancel(action)

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


_current: ContextVar[Context] = ContextVar("lockstep_context")


def current_context() -> Context:
    """Return the context of the call that this code runs in. Raises LookupError outside of calls."""
    try:
        return _current.get()
    except LookupError:
        raise LookupError("No tool is being called here; a thread that a tool starts has no context.") from None


@contextmanager
def entered(context: Context) -> Iterator[Context]:
    """Let `current_context()` return a context inside a `with`."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)
