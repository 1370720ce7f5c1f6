"""The event loop in which all asynchronous tools run, in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from .call import Call
from .context import current_call

_log = logging.getLogger(__name__)


class AioLoop:
    """Begins calls in its loop. Any number of them runs at a time; none of them holds a thread."""

    def __init__(self, perform: Callable[[Call], Coroutine[Any, Any, None]], flush: Callable[[], None]) -> None:
        """`perform`: performs a call; raises nothing. `flush`: sends what calls have said."""
        self._perform = perform
        self._flush = flush
        self._loop = asyncio.new_event_loop()
        self._new: deque[Call] = deque()
        self._scheduled = False
        self._flushing = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread: int | None = None

    def start(self) -> None:
        """Start the thread, which ends with the process."""
        threading.Thread(target=self._run, name="lockstep-aio", daemon=True).start()

    def begin(self, call: Call) -> None:
        """Have a call performed; several that come together cost the loop one awakening."""
        self._new.append(call)
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon_threadsafe(self._begin_all)

    def flush_soon(self) -> None:
        """Send what was said when all that can run now has run. To be called in the loop."""
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush_all)

    def pause(self) -> None:
        """Send what was said, from any thread."""
        if threading.get_ident() == self._thread:
            self.flush_soon()
        else:
            self._flush()

    def _run(self) -> None:
        self._thread = threading.get_ident()
        asyncio.set_event_loop(self._loop)
        while True:
            # A tool may stop the loop, and so may what a task of it raises: SystemExit. The tools of others go on.
            try:
                self._loop.run_forever()
            except BaseException:
                _log.exception("A task that a tool has left in the event loop raised an exception.")

    def _begin_all(self) -> None:
        self._scheduled = False
        while self._new:
            self._begin(self._new.popleft())

    def _begin(self, call: Call) -> None:
        token = current_call.set(call)  # The task runs in a copy of this context.
        try:
            task = self._loop.create_task(self._perform(call))
        finally:
            current_call.reset(token)
        call.cancel_task = lambda: self._loop.call_soon_threadsafe(task.cancel)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _flush_all(self) -> None:
        self._flushing = False
        self._flush()
