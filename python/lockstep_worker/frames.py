"""Frames as protobuf messages `Batch`, written and read by hand; `proto/golden/frames.json` holds examples."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from enum import IntEnum
from typing import Any, Final, NamedTuple

from .errors import FrameUnreadableError
from .typed_arrays import BytesLike


class FrameKind(IntEnum):
    """What a frame says, by the numbers of `proto/lockstep/worker/v1/worker.proto`, which explains each."""

    HELLO = 1
    WELCOME = 2
    CALL = 3
    ITEM = 4
    END = 5
    CREDIT = 6
    CANCEL = 7
    ANSWER = 8
    FAILURE = 9
    SAID = 10
    PING = 11
    PONG = 12
    ASK = 13
    REPLY = 14
    WITHIN = 15


class SharedFile(NamedTuple):
    """Bytes in a file that holds nothing else."""

    path: str
    """Absolute."""
    size: int
    """In bytes."""


class Frame(NamedTuple):
    """One thing that one side says to the other."""

    call: int
    """The call that it is about, 1 to 2^32-1; 0: the worker as a whole."""
    kind: int
    """One of `FrameKind`; of a frame that was read, maybe one that this version does not know."""
    text: str
    """One list in the text of the value codec; what its items are depends on the kind."""
    segments: tuple[BytesLike | SharedFile, ...] = ()
    """Bytes beside the text. Those of a frame that was read are a view of what was received."""


_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT: Final = 10
_MAX_KIND: Final = 2**31 - 1
_MAX_TAG: Final = 2**32 - 1
_MAX_SIZE: Final = 2**53 - 1

_HEAD: Final = struct.Struct("<BIBBB")
"""The fields `call` and `kind` and the tag of `text`, as long as the kind is a small number."""
_HEAD_TAGS: Final = (1 << 3 | _FIXED32, 2 << 3 | _VARINT, 3 << 3 | _BYTES)
_SIZE: Final = struct.Struct("<BQ")


_SMALL: Final = [bytes((value,)) for value in range(0x80)]


def _varint(value: int) -> bytes:
    if value < 0x80:
        return _SMALL[value]
    if value < 0x4000:
        return bytes((value & 0x7F | 0x80, value >> 7))
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _field(number: int, content: BytesLike) -> bytes:
    return b"".join((bytes((number << 3 | _BYTES,)), _varint(len(content)), content))


def _segment(segment: BytesLike | SharedFile) -> bytes:
    if isinstance(segment, SharedFile):
        return _field(2, _field(1, segment.path.encode()) + _SIZE.pack(2 << 3 | _FIXED64, segment.size))
    return _field(1, segment)


def encode_frame(call: int, kind: int, text: str, segments: Iterable[BytesLike | SharedFile] = ()) -> bytes:
    """Return one frame as it stands in a message."""
    content = text.encode()
    size = _varint(len(content))
    if kind < 0x80:
        head = _HEAD.pack(_HEAD_TAGS[0], call, _HEAD_TAGS[1], kind, _HEAD_TAGS[2])
    else:
        head = b"".join((_HEAD.pack(_HEAD_TAGS[0], call, _HEAD_TAGS[1], 0, 0)[:6], _varint(kind), b"\x1a"))
    if not segments:
        return b"".join((b"\x0a", _varint(len(head) + len(size) + len(content)), head, size, content))
    return _field(1, b"".join((head, size, content, *(_field(4, _segment(segment)) for segment in segments))))


def encode_batch(frames: Iterable[Frame]) -> bytes:
    """Return frames as one message: every field of each, in the order of its number, zero and empty ones too."""
    return b"".join(encode_frame(*frame) for frame in frames)


class MessageReader:
    """Reads the fields of one protobuf message, from front to back."""

    __slots__ = ("_at", "_data", "_end")

    def __init__(self, data: memoryview) -> None:
        """`data`: the message."""
        self._data = data
        self._at = 0
        self._end = len(data)

    def fields(self) -> Iterable[tuple[int, int, Any]]:
        """Return number, wire type and value of each field."""
        while self._at < self._end:
            tag = self._varint()
            number, kind = tag >> 3, tag & 7
            if number == 0 or tag > _MAX_TAG:
                raise FrameUnreadableError("A message has a field without a possible number.")
            yield number, kind, self._value(kind)

    def _value(self, kind: int) -> Any:
        if kind == _BYTES:
            return self._take(self._varint())
        if kind == _VARINT:
            return self._varint()
        if kind == _FIXED32:
            return int.from_bytes(self._take(4), "little")
        if kind == _FIXED64:
            return int.from_bytes(self._take(8), "little")
        raise FrameUnreadableError("A message has a field without a possible type.")

    def _varint(self) -> int:
        value = 0
        for index in range(_LONGEST_VARINT):
            byte = self._take(1)[0]
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                return value
        raise FrameUnreadableError("A message has a number that does not end.")

    def _take(self, size: int) -> memoryview:
        start = self._at
        if size > self._end - start:
            raise FrameUnreadableError("A message is cut off.")
        self._at = start + size
        return self._data[start : self._at]


def _text(content: memoryview) -> str:
    try:
        return str(content, "utf-8")
    except UnicodeDecodeError as error:
        raise FrameUnreadableError("A text is no UTF-8.") from error


def _read_file(data: memoryview) -> SharedFile:
    path, size = "", 0
    for number, kind, content in MessageReader(data).fields():
        if (number, kind) == (1, _BYTES):
            path = _text(content)
        elif (number, kind) == (2, _FIXED64):
            size = content
    if size > _MAX_SIZE:
        raise FrameUnreadableError("A file is longer than can be counted.")
    return SharedFile(path, size)


def _read_segment(data: memoryview) -> BytesLike | SharedFile:
    segment: BytesLike | SharedFile | None = None
    for number, kind, content in MessageReader(data).fields():
        if (number, kind) == (1, _BYTES):
            segment = content
        elif (number, kind) == (2, _BYTES):
            segment = _read_file(content)
    if segment is None:
        raise FrameUnreadableError("A segment is nowhere.")
    return segment


def _read_frame(data: memoryview) -> Frame:
    call, frame_kind, text = 0, 0, ""
    segments: list[BytesLike | SharedFile] = []
    for number, kind, content in MessageReader(data).fields():
        if (number, kind) == (1, _FIXED32):
            call = content
        elif (number, kind) == (2, _VARINT):
            frame_kind = content
        elif (number, kind) == (3, _BYTES):
            text = _text(content)
        elif (number, kind) == (4, _BYTES):
            segments.append(_read_segment(content))
    if frame_kind > _MAX_KIND:
        raise FrameUnreadableError("A frame is of an impossible kind.")
    return Frame(call, frame_kind, text, tuple(segments))


def decode_batch(data: BytesLike) -> list[Frame]:
    """Return the frames of a message, whoever wrote it.

    Fields may be in any order, missing ones are zero or empty, of those that occur twice the last one counts, and
    unknown ones are passed over. Raises FrameUnreadableError for bytes that are no such message.
    """
    frames = _usual_frames(data)
    if frames is not None:
        return frames
    fields = MessageReader(memoryview(data)).fields()
    return [_read_frame(content) for number, kind, content in fields if (number, kind) == (1, _BYTES)]


def _usual_frames(data: BytesLike) -> list[Frame] | None:
    """Return the frames of a message that is written as `encode_batch` writes it; None: it is another, or none."""
    frames: list[Frame] = []
    at, end = 0, len(data)
    try:
        while at < end:
            if data[at] != 0x0A:
                return None
            size, at = _usual_size(data, at + 1)
            stop = at + size
            call_tag, call, kind_tag, kind, text_tag = _HEAD.unpack_from(data, at)
            size, start = _usual_size(data, at + _HEAD.size)
            after = start + size
            if (call_tag, kind_tag, text_tag) != _HEAD_TAGS or kind > 0x7F or after > stop or stop > end:
                return None
            text = str(data[start:after], "utf-8")
            if after == stop:
                frames.append(Frame(call, kind, text))
            else:
                frames.append(_read_frame(memoryview(data)[at:stop]))
            at = stop
    except (IndexError, struct.error, UnicodeDecodeError):
        return None
    return frames


def _usual_size(data: BytesLike, at: int) -> tuple[int, int]:
    """Return a length below 2^28 and where it ends. Raises IndexError for others."""
    size = data[at]
    if size < 0x80:
        return size, at + 1
    size &= 0x7F
    for index in (1, 2, 3):
        byte = data[at + index]
        size |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return size, at + index + 1
    raise IndexError
