"""Says frames about calls to the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any, Final

from .call import Call
from .codec import encode_value
from .errors import LockstepError, PayloadTooLargeError
from .frames import Frame, FrameKind, encode_frame
from .secret_mask import mask_value
from .segments import SharedFiles, size_of
from .settings import Settings
from .stream import Stream
from .streaming import Written, item_cost
from .typed_arrays import BytesLike

_PROMPT: Final = 0.000_5
"""Seconds. What follows other frames that fast is sent with those that come next, at the latest after two ticks."""

_LONGEST_CHARACTER: Final = 4
"""Bytes, in UTF-8."""
_MOST_VALUES: Final = 2
"""In a frame of the host: the arguments of a call, and the attempt that it is."""
_AROUND_VALUES: Final = 65_536
"""Bytes of what stands around them."""

_ANSWER: Final = int(FrameKind.ANSWER)
_ITEM: Final = int(FrameKind.ITEM)
_ASK: Final = int(FrameKind.ASK)


class Voice:
    """Writes frames, with their bytes beside them, no larger than allowed."""

    def __init__(self, settings: Settings, attend: Callable[[], None], listen: Callable[[], None]) -> None:
        """`attend`: has what was said sent soon. `listen`: has what comes read now, because a tool waits for it."""
        self._limit = settings.max_value_bytes
        self._attend = attend
        self._listen = listen
        self.files = SharedFiles(settings.shared_folder, settings.shared_from_bytes, settings.worker)

    def tell(self, stream: Stream, call: int, kind: int, content: list[Any]) -> None:
        """Say a list of plain data."""
        stream.say(encode_frame(call, kind, encode_value(content)))

    def answer(self, call: Call, value: Any, change: tuple[Any] | None) -> bytes:
        """Return the frame of an answer. Raises ValueNotEncodableError and PayloadTooLargeError."""
        segments: list[BytesLike] = []
        text = self._text(value, "output", segments)
        changed = "null" if change is None else f"[{self._text(change[0], 'state', segments)}]"
        return encode_frame(call.id, _ANSWER, f"[{text},{changed}]", segments and self.files.send(segments))

    def written(self, value: Any) -> Written:
        """Return an item of a stream as it is said. Raises as `answer` does."""
        segments: list[BytesLike] = []
        text = f"[{self._text(value, 'item', segments)}]"
        return Written(text, segments, item_cost(text, segments))

    def item(self, call: Call, item: Written) -> None:
        """Say one item of a stream."""
        call.stream.say(encode_frame(call.id, _ITEM, item.text, self.files.send(item.segments)))
        if monotonic() - call.stream.flushed > _PROMPT:
            call.pause()
        else:
            self._attend()

    def ask(self, call: Call, number: int, name: str, arguments: Mapping[str, Any]) -> None:
        """Ask for a function of the host. Raises as `answer` does."""
        segments: list[BytesLike] = []
        text = self._text(arguments, f"host.{name}", segments)
        content = f"[{number},{encode_value(name)},{text}]"
        call.stream.say(encode_frame(call.id, _ASK, content, self.files.send(segments)))
        self._listen()

    def grant(self, call: Call, count: int) -> None:
        """Let the host send more items."""
        self.tell(call.stream, call.id, FrameKind.CREDIT, [count])
        self._attend()

    def mention(self, stream: Stream, call: Call | None, content: list[Any]) -> None:
        """Say something by the way, without the secrets of the call; nothing where very much is unsent."""
        if stream.crowded:
            return
        if call is not None and call.attempt is not None and call.attempt.secrets:
            content = mask_value(content, call.attempt.secrets.values())
        self.tell(stream, 0 if call is None or call.over else call.id, FrameKind.SAID, content)
        self._attend()

    def received(self, frame: Frame) -> Sequence[BytesLike]:
        """Return the bytes beside the text of a frame. Raises PayloadTooLargeError and FrameUnreadableError.

        How long each value may be is for the host to see to; here it is looked at what no host sends that does.
        """
        if len(frame.text) <= self._limit and not frame.segments:
            return ()
        try:
            most = _MOST_VALUES * self._limit
            self._check_size(size_of(frame.segments), most, "arguments")
            if len(frame.text) > self._limit:
                self._check_size(len(frame.text.encode()), most + _AROUND_VALUES, "arguments")
            return self.files.receive(frame.segments)
        except LockstepError:
            self.files.discard(frame.segments)
            raise

    def _text(self, value: Any, at: str, segments: list[BytesLike]) -> str:
        """Return the text of a value, whose bytes are appended to the segments; neither may be too long."""
        before = len(segments)
        text = encode_value(value, at, segments=segments)
        if segments and len(segments) > before:
            self._check_size(size_of(segments[before:]), self._limit, at)
        if len(text) * _LONGEST_CHARACTER > self._limit:
            self._check_size(len(text.encode()), self._limit, at)
        return text

    def _check_size(self, size: int, limit: int, at: str) -> None:
        if size > limit:
            what = f"The value at {at} has {size} bytes, and {limit} may pass."
            raise PayloadTooLargeError(what, at=at, size=size, limit=limit)
