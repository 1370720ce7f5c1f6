"""Whether somebody still waits for a call."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from .errors import CallCancelledError

_log = logging.getLogger(__name__)


class Cancellation:
    """Told by one thread that a call is cancelled, asked by the one that performs it."""

    __slots__ = ("_actions", "_lock", "reason")

    def __init__(self) -> None:
        """Begin as not cancelled."""
        self.reason: str | None = None
        self._actions: list[Callable[[], object]] = []
        self._lock = threading.Lock()

    @property
    def cancelled(self) -> bool:
        """Whether the call is cancelled."""
        return self.reason is not None

    def check(self) -> None:
        """Raise CallCancelledError if the call is cancelled."""
        if self.reason is not None:
            raise CallCancelledError(f"The call was cancelled: {self.reason}.", reason=self.reason)

    def on_cancel(self, action: Callable[[], object]) -> None:
        """Call `action` once when the call is cancelled, in the thread that cancels; at once if that has happened."""
        with self._lock:
            if self.reason is None:
                self._actions.append(action)
                return
        _perform(action)

    def cancel_elsewhere(self, reason: str) -> None:
        """Cancel the call; actions, which may take long, are performed by a thread of their own."""
        if self._actions:
            threading.Thread(target=self.cancel, args=(reason,), name="lockstep-cancel", daemon=True).start()
        else:
            self.cancel(reason)

    def cancel(self, reason: str) -> None:
        """Cancel the call; the second time does nothing. What an action raises is logged."""
        with self._lock:
            if self.reason is not None:
                return
            self.reason = reason
            actions, self._actions = self._actions, []
        for action in actions:
            _perform(action)


def _perform(action: Callable[[], object]) -> None:
    try:
        action()
    except Exception:
        _log.exception("An action of on_cancel raised an exception.")
