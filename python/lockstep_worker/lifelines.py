"""How a worker learns that it is to end: its host is gone, or asks."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import threading
from typing import Final, Literal

Event = Literal["host gone", "asked", "idle"]
"""What happens to a worker: `idle`, all calls are over, is told only to one that was asked to end."""

_PR_SET_PDEATHSIG: Final = 1
_CODES: Final[dict[int, Event]] = {int(signal.SIGTERM): "asked", 200: "host gone", 201: "idle"}
"""Signals by their number, other events by numbers that no signal has."""


class Events:
    """What happens to a worker, for the one thread that waits for it: a pipe.

    A signal may come in another thread, or just before the main thread begins to wait, which then goes on waiting:
    Python calls handlers in the main thread only. But it writes the number into this pipe at once, whatever the thread.
    """

    def __init__(self) -> None:
        """Take signals from now on. SIGINT means the terminal of the host, which will say what it wants."""
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            # A function, not SIG_IGN, which whatever the tools start would inherit.
            signal.signal(number, lambda _number, _frame: None)

    def tell(self, event: Event) -> None:
        """Tell the thread that waits."""
        code = next(code for code, known in _CODES.items() if known == event)
        os.write(self._writing, bytes((code,)))

    def wait(self, seconds: float | None = None) -> Event | None:
        """Return the next event; None: there was none for so long."""
        while True:
            readable, _, _ = select.select([self._reading], [], [], seconds)
            if not readable:
                return None
            event = _CODES.get(os.read(self._reading, 1)[0])
            if event is not None:
                return event


def die_with_parent() -> None:
    """Have the system kill this process when the thread that started it ends. Linux only; elsewhere nothing happens."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # It ended before the system knew.
        os._exit(1)


def watch_stdin(events: Events) -> None:
    """Tell when stdin ends, which the host holds open as long as it lives.

    Tools and what they start get an empty stdin instead, so that nobody else reads from it or keeps it open.
    """
    try:
        lifeline = os.dup(0)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
    except OSError:
        events.tell("host gone")  # It is closed.
        return
    threading.Thread(target=_wait_for_end, args=(lifeline, events), name="lockstep-lifeline", daemon=True).start()


def _wait_for_end(lifeline: int, events: Events) -> None:
    try:
        while os.read(lifeline, 4096):
            pass
    except OSError:
        pass
    events.tell("host gone")


def end_group() -> None:
    """Ask what this process has started to end too, if it leads a group of its own, as a host starts it."""
    if os.getpgrp() == os.getpid():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(os.getpid(), signal.SIGTERM)
