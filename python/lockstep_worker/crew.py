"""The threads that read what the host says and perform its calls, in turns.

Whoever reads a message performs what came with it too: a call that is over quickly costs no switch of threads. Only
where something has waited for a whole tick is another thread woken for it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from contextlib import suppress
from typing import Any, Final, Generic, Literal, Protocol, TypeVar

_TICK: Final = 0.001
"""Seconds."""
_QUIET_TICKS: Final = 20
"""After how many ticks in which nothing happened they stop."""

_log = logging.getLogger(__name__)

Job = TypeVar("Job")
Done_contra = TypeVar("Done_contra", contravariant=True)


class Duties(Protocol[Done_contra]):
    """What a crew does. Nothing of it raises exceptions."""

    def read(self) -> bool:
        """Wait for a message and take in what it says. False: there is nothing more to read, until `begin_reading`."""

    def perform(self, job: Done_contra, /) -> None:
        """Do a job that was added."""

    def flush(self) -> None:
        """Say what is still to be said. May take long where the host does not listen."""

    def unsaid(self) -> bool:
        """Return whether anything is still to be said."""

    def look(self, now: float, /) -> float | None:
        """Look for what is due by `time.monotonic()`; return when to look again, None: no time is known."""


_READ: Final = object()


class Crew(Generic[Job]):
    """One thread more than jobs that may run at a time, so that one is always left to read."""

    def __init__(self, limit: int, duties: Duties[Job]) -> None:
        """`limit`: how many jobs may run at a time. The others wait, in order."""
        self._limit = limit
        self._duties = duties
        self._lock = threading.Lock()
        self._waiting: deque[Job] = deque()
        self._lenders: dict[Job, Job] = {}
        """Of jobs that wait: in whose place they may be done."""
        self._lent: set[Job] = set()
        """Those in whose place another job is done."""
        self._parked: list[threading.Lock] = []
        self._sources = 0
        """How many there have been to read from."""
        self._source = 0
        """The one that is being read from."""
        self._readable = False
        self._reading = False
        self._reads = 0
        self._arrived = 0
        self._taken = 0
        self._running = 0
        self._ticker = _Ticker(self._tick)
        self._seen = (0, 0, False)
        self._speak = threading.Lock()
        self._speak.acquire()

    @property
    def waiting(self) -> int:
        """How many jobs wait for one."""
        return len(self._waiting)

    def start(self) -> None:
        """Start the threads. They end with the process."""
        for number in range(self._limit + 1):
            threading.Thread(target=self._work, name=f"lockstep-{number}", daemon=True).start()
        threading.Thread(target=self._say, name="lockstep-say", daemon=True).start()
        threading.Thread(target=self._ticker.run, name="lockstep-tick", daemon=True).start()

    def begin_reading(self) -> None:
        """Have one of the threads read from now on."""
        with self._lock:
            self._sources += 1
            self._readable = True
            self._wake(1)

    def add(self, job: Job, lender: Job | None = None) -> None:
        """Have a job done when it is its turn, or in the place of another that runs and waits for it: its lender."""
        with self._lock:
            full = len(self._waiting) >= self._limit - self._running
            self._waiting.append(job)
            self._arrived += 1
            lends = full and lender is not None and lender not in self._lent
            if lender is not None:
                self._lenders[job] = lender
                if lends:
                    self._lent.add(lender)
        if lends:
            threading.Thread(target=self._work_for, args=(lender,), name="lockstep-lent", daemon=True).start()
        self._ticker.wake()

    def remove(self, job: Job) -> bool:
        """Return whether a job was still waiting; then it is not done at all."""
        with self._lock:
            try:
                self._waiting.remove(job)
            except ValueError:
                return False
            self._taken += 1
            self._lenders.pop(job, None)
            return True

    def listen(self) -> None:
        """Have somebody read at once: who calls this waits for what comes."""
        with self._lock:
            if self._readable and not self._reading:
                self._wake(1)

    def attend(self) -> None:
        """Have `look` called within a tick, and what is unsaid said within two."""
        self._ticker.wake()

    def _work(self) -> None:
        sleep = threading.Lock()
        sleep.acquire()
        duties = self._duties
        after: Literal["nothing", "read", "end", "job"] = "nothing"
        while True:
            if not self._waiting:
                duties.flush()
            job = self._next(after, sleep)
            after = "nothing"
            if job is None:
                sleep.acquire()
            elif job is _READ:
                after = "read" if self._guarded(duties.read) else "end"
            else:
                self._guarded(duties.perform, job)
                after = "job"

    def _next(self, after: str, sleep: threading.Lock) -> Any:
        """Return what to do now; None: sleep until woken."""
        with self._lock:
            if after == "job":
                self._running -= 1
            elif after != "nothing":
                self._reading = False
                if after == "end" and self._source == self._sources:
                    self._readable = False
            if self._waiting and self._running < self._limit:
                self._running += 1
                self._taken += 1
                job = self._waiting.popleft()
                self._lenders.pop(job, None)
            elif self._readable and not self._reading:
                self._reading = True
                self._source = self._sources
                self._reads += 1
                return _READ
            else:
                self._parked.append(sleep)
                return None
        self._ticker.wake()
        return job

    def _work_for(self, lender: Job) -> None:
        """Do what waits for the place of a job, one after the other, while that waits for it."""
        while (job := self._next_for(lender)) is not None:
            self._guarded(self._duties.perform, job)
            self._guarded(self._duties.flush)

    def _next_for(self, lender: Job) -> Job | None:
        with self._lock:
            for job in self._waiting:
                if self._lenders.get(job) is lender:
                    self._waiting.remove(job)
                    self._taken += 1
                    del self._lenders[job]
                    return job
            self._lent.discard(lender)
            return None

    def _guarded(self, duty: Any, *arguments: Any) -> Any:
        try:
            return duty(*arguments)
        except BaseException:
            _log.exception("A duty of the worker raised an exception.")
            return True

    def _wake(self, count: int) -> None:
        while count > 0 and self._parked:
            self._parked.pop().release()
            count -= 1

    def _say(self) -> None:
        """Say what nobody else had the time to say: a thread of its own, because it may take long."""
        while True:
            self._speak.acquire()
            self._guarded(self._duties.flush)

    def _tick(self, now: float) -> tuple[bool, float | None]:
        """Wake threads for what has waited since the last tick; return whether ticks can stop, and until when."""
        unsaid = self._duties.unsaid()
        with self._lock:
            arrived, reads, was_unsaid = self._seen
            late = min(arrived - self._taken, self._limit - self._running)
            unread = self._readable and not self._reading and reads == self._reads
            self._wake(max(0, late) + unread)
            self._seen = (self._arrived, self._reads, unsaid)
            unattended = self._readable and not self._reading
            startable = bool(self._waiting) and self._running < self._limit
        if unsaid and was_unsaid and self._speak.locked():
            self._speak.release()
        return not (unattended or startable or unsaid), self._duties.look(now)


class _Ticker:
    """A thread that ticks as long as anything goes on."""

    def __init__(self, tick: Any) -> None:
        self._tick = tick
        self._asleep = False
        self._bell = threading.Lock()
        self._bell.acquire()

    def wake(self) -> None:
        if self._asleep:
            self._asleep = False
            with suppress(RuntimeError):  # Another thread was first.
                self._bell.release()

    def run(self) -> None:
        quiet_ticks = 0
        while True:
            time.sleep(_TICK)
            quiet, due = self._tick(time.monotonic())
            quiet_ticks = quiet_ticks + 1 if quiet else 0
            if quiet_ticks <= _QUIET_TICKS:
                continue
            self._asleep = True
            quiet, due = self._tick(time.monotonic())
            if quiet:
                self._bell.acquire(timeout=-1 if due is None else max(_TICK, due - time.monotonic()))
            self._asleep = False
            quiet_ticks = 0
