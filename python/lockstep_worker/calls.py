"""All calls of a worker, from the frame that asks for one to the last frame of its answer."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from .aio_loop import AioLoop
from .asking import Reply
from .builtin import BUILTIN
from .call import Call
from .codec import decode_value
from .crew import Crew
from .errors import (
    CallCancelledError,
    FrameUnreadableError,
    LockstepError,
    UnknownFrameError,
    WorkerStoppedError,
)
from .frames import Frame, FrameKind, SharedFile, decode_batch
from .info import Info
from .performer import Performer
from .settings import PROTOCOL, Settings
from .stream import Stream
from .streaming import Inflow, Outflow, item_cost
from .thrown import failure_of
from .voice import Voice

# As plain numbers: every frame is compared with some of them.
_HELLO: Final = int(FrameKind.HELLO)
_CALL: Final = int(FrameKind.CALL)
_ITEM: Final = int(FrameKind.ITEM)
_END: Final = int(FrameKind.END)
_CREDIT: Final = int(FrameKind.CREDIT)
_CANCEL: Final = int(FrameKind.CANCEL)
_FAILURE: Final = int(FrameKind.FAILURE)
_PING: Final = int(FrameKind.PING)
_REPLY: Final = int(FrameKind.REPLY)
_WITHIN: Final = int(FrameKind.WITHIN)

_READ_AT_ONCE: Final = 65_536
"""Texts up to this length are read by who reads the stream, longer ones by who performs the call."""
_STALE: Final = 0.001
"""Seconds. Answers of calls that came together are sent together, but none waits much longer for the next one."""


class Calls:
    """Performs the calls of a host. It has the duties of a crew."""

    def __init__(self, settings: Settings) -> None:
        """Begin without a host."""
        self._table: dict[int, Call] = {}
        """By `_key`."""
        self._next_deadline = math.inf
        self._within: tuple[int, Call | None] = (0, None)
        """The number of the call that comes next, and the call that has asked the host for what makes it."""
        self._stream: Stream | None = None
        self._streams = 0
        self._lock = threading.Lock()
        self._when_idle: Callable[[], None] | None = None
        """Set when the worker has been asked to end."""
        self.crew: Crew[Call] = Crew(settings.max_concurrent_calls, self)
        self.aio = AioLoop(self._perform_async, self.flush)
        self.voice = Voice(settings, self.crew.attend, self.crew.listen)
        self.info = Info(settings, self)
        self.performer = Performer(settings, self.voice, self.info, self._conclude)

    # What a crew does.

    def read(self) -> bool:
        """Wait for a message and take in what it says; see `Duties`."""
        stream = self._stream
        assert stream is not None
        message = stream.receive()
        if message is None:
            self._lose(stream)
            return False
        try:
            frames = decode_batch(message)
        except FrameUnreadableError as error:
            # Calls may have been in it, and would never be answered.
            self.voice.tell(stream, 0, _FAILURE, failure_of(error))
            self._lose(stream)
            return False
        for frame in frames:
            if frame.kind == _CALL and self._when_idle is None:
                self._begin(stream, frame)
            else:
                self._take(stream, frame)
        return True

    def perform(self, job: Call) -> None:
        """Perform a call that holds this thread, up to its last frame."""
        try:
            if job.frame is not None:
                self._read(job)
            tool = job.tool or self.performer.find_tool(job.command)
            job.tool = tool
            if tool.is_async:
                self._begin_async(job)
                return
            self.performer.perform(job, tool)
        except BaseException as error:
            self.performer.fail(job, error)
        if monotonic() - job.stream.flushed > _STALE:
            job.stream.flush()

    def flush(self) -> None:
        """Send what was said."""
        if self._stream is not None:
            self._stream.flush()

    def unsaid(self) -> bool:
        """Return whether there is something that `flush` would send."""
        return self._stream is not None and self._stream.unsaid

    def look(self, now: float) -> float | None:
        """Cancel the calls whose time is over, and return when the next one's will be."""
        if now >= self._next_deadline:
            self._next_deadline = math.inf
            for call in list(self._table.values()):
                if call.deadline is not None and call.reason is None:
                    if call.deadline <= now:
                        self._cancel(call, "its time is over", gone=True)
                    else:
                        self._next_deadline = min(self._next_deadline, call.deadline)
        return None if self._next_deadline == math.inf else self._next_deadline

    # What a worker does.

    def start(self) -> None:
        """Start all threads."""
        self.aio.start()
        self.crew.start()

    def connected(self, stream: Stream) -> bool:
        """Take over the stream of a host, or return False where there is one already."""
        with self._lock:
            if self._stream is not None and not self._stream.ended:
                return False
            self._streams += 1
            stream.number = self._streams
            self._stream = stream
        self.crew.begin_reading()
        return True

    def log(self, call: Any, content: list[Any]) -> bool:
        """Pass on what was logged; return whether there is a host."""
        stream = self._stream
        if stream is None or stream.ended:
            return False
        self.voice.mention(stream, call if isinstance(call, Call) else None, content)
        return True

    def stop(self, idle: Callable[[], None]) -> None:
        """Refuse new calls from now on, and cancel those that there are; `idle`: called when all are over."""
        self._when_idle = idle
        self._cancel_all("the worker ends")
        self.crew.attend()
        if not self._table:
            idle()

    def end_stream(self) -> None:
        """Send what is left to say, and end the stream."""
        if self._stream is not None:
            self._stream.end()
        self.voice.files.end()

    @property
    def live(self) -> int:
        """How many calls are not over."""
        return len(self._table)

    @property
    def held(self) -> int:
        """How many calls go on although they were cancelled."""
        return sum(call.reason is not None for call in list(self._table.values()))

    # Frames of the host.

    def _take(self, stream: Stream, frame: Frame) -> None:
        try:
            if frame.kind == _CALL:
                raise WorkerStoppedError("The worker ends, and begins no more calls.")
            if frame.kind == _ITEM:
                self._feed(stream, frame)
            elif frame.kind == _REPLY:
                self._reply(stream, frame)
            else:
                self._control(stream, frame, decode_value(frame.text))
        except LockstepError as error:
            self.voice.files.discard(frame.segments)
            self.voice.tell(stream, frame.call, _FAILURE, failure_of(error))
        except (TypeError, ValueError) as error:
            failure = FrameUnreadableError(f"A frame of kind {frame.kind} does not hold what it should.")
            failure.__cause__ = error
            self.voice.tell(stream, frame.call, _FAILURE, failure_of(failure))

    def _control(self, stream: Stream, frame: Frame, content: list[Any]) -> None:
        kind, call = frame.kind, self._table.get(_key(stream, frame.call))
        if kind == _CANCEL:
            reason, gone = content
            if call is not None:
                self._cancel(call, str(reason), gone=gone is True)
        elif kind == _CREDIT:
            (count,) = content
            if call is not None and call.outflow is not None:
                call.outflow.grant(count)
        elif kind == _END:
            if call is not None and call.inflow is not None:
                call.inflow.end()
        elif kind == _WITHIN:
            (outer,) = content
            self._within = (frame.call, self._table.get(_key(stream, outer)))
        elif kind == _PING:
            (number,) = content
            self.voice.tell(stream, 0, FrameKind.PONG, [number, self.info.load()])
        elif kind == _HELLO:
            self.voice.tell(stream, 0, FrameKind.WELCOME, [PROTOCOL, self.info.worker()])
        else:
            raise UnknownFrameError(f"This worker knows no frames of kind {kind}.", kind=kind)

    def _begin(self, stream: Stream, frame: Frame) -> None:
        call = Call(stream, frame, self.performer.context_of)
        self.info.begun += 1
        self._table[_key(stream, call.id)] = call
        if self._within[0] == call.id:
            call.lender, self._within = self._within[1], (0, None)
        if len(frame.text) > _READ_AT_ONCE or (frame.segments and _has_files(frame)):
            call.inflow = Inflow(call, lambda count: self.voice.grant(call, count), open=True)
            self._queue(call)
            return
        try:
            self._read(call)
            if call.command in BUILTIN:
                self.performer.perform_builtin(call)
                return
        except BaseException as error:
            self.performer.fail(call, error)
            return
        call.tool = self.performer.known_tool(call.command)
        if call.tool is not None and call.tool.is_async:
            self._begin_async(call)
        else:
            self._queue(call)

    def _queue(self, call: Call) -> None:
        """Have a call performed by a thread; what a tool waits for that holds one must not wait for its place."""
        self.crew.add(call, _holder(call.lender))

    def _read(self, call: Call) -> None:
        frame = call.frame
        assert frame is not None
        call.read(self.voice.received(frame))
        if call.credit is not None:
            call.outflow = Outflow(call, call.credit, self.voice.written, lambda item: self.voice.item(call, item))
        if not call.feed:
            call.inflow = None
        elif call.inflow is None:
            call.inflow = Inflow(call, lambda count: self.voice.grant(call, count), open=True)
        if call.deadline is not None and call.deadline < self._next_deadline:
            self._next_deadline = call.deadline
            self.crew.attend()

    def _feed(self, stream: Stream, frame: Frame) -> None:
        """Hand an item to its call; what is wrong with it, the tool is told."""
        call = self._table.get(_key(stream, frame.call))
        if call is None or call.inflow is None:
            self.voice.files.discard(frame.segments)
            return
        try:
            (item,) = decode_value(frame.text, segments=self.voice.received(frame))
            if not call.inflow.put(item, item_cost(frame.text, frame.segments)):
                raise FrameUnreadableError("The host has sent more items than the tool has asked for.")
        except LockstepError as error:
            call.inflow.end(error)
        except (TypeError, ValueError):
            call.inflow.end(FrameUnreadableError("A frame ITEM does not hold one value."))

    def _reply(self, stream: Stream, frame: Frame) -> None:
        """Hand what a function of the host returned to the tool that waits for it."""
        call = self._table.get(_key(stream, frame.call))
        if call is None or call.asking is None:
            self.voice.files.discard(frame.segments)
            return
        try:
            number, value, failure = decode_value(frame.text, segments=self.voice.received(frame))
            call.asking.answered(number, Reply(value, failure))
        except (LockstepError, TypeError, ValueError):
            call.asking.unreadable()

    def _begin_async(self, call: Call) -> None:
        call.pause = self.aio.pause
        self.aio.begin(call)

    async def _perform_async(self, call: Call) -> None:
        with self._lock:
            if call.over:
                return  # It was cancelled before it began.
            call.begun = True
        assert call.tool is not None
        try:
            await self.performer.perform_async(call, call.tool)
        except BaseException as error:
            self.performer.fail(call, error)
        self.aio.flush_soon()

    def _cancel(self, call: Call, reason: str, *, gone: bool) -> None:
        with self._lock:
            waits = not call.begun and (self.crew.remove(call) or (call.tool is not None and call.tool.is_async))
            if waits:
                call.begun = call.over = True
        call.cancel(reason, gone=gone)
        if waits:
            if call.frame is not None:
                self.voice.files.discard(call.frame.segments)
            self.performer.fail(call, CallCancelledError(reason))

    def _cancel_all(self, reason: str, ended: Stream | None = None) -> None:
        """Cancel all calls, or those of a stream that has ended: nobody waits for them."""
        # From the last one on: what waits must not begin when one that runs makes room.
        for call in reversed(list(self._table.values())):
            if ended is None or call.stream is ended:
                self._cancel(call, reason, gone=ended is not None)

    def _conclude(self, call: Call, frame: bytes) -> None:
        if self._table.pop(_key(call.stream, call.id), None) is None:
            return
        call.over = True
        call.stream.say(frame)
        if call.files:
            self.voice.files.release(call.files)
        if self._when_idle is not None and not self._table:
            self._when_idle()

    def _lose(self, stream: Stream) -> None:
        """Let go of a stream that has ended: nobody waits for what runs."""
        stream.end()
        self.voice.files.end()
        self._cancel_all("the stream of the host has ended", stream)


def _has_files(frame: Frame) -> bool:
    return any(isinstance(one, SharedFile) for one in frame.segments)


def _holder(call: Call | None) -> Call | None:
    """Return the innermost call that holds a thread: `call`, or one that waits for it; None: there is none."""
    while call is not None and (call.over or call.tool is None or call.tool.is_async):
        call = call.lender
    return call


def _key(stream: Stream, call: int) -> int:
    """Return what a call is known by: the numbers of another stream begin at 1 again."""
    return stream.number << 32 | call
