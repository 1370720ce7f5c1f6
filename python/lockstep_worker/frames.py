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
    BEGUN = 4
    ITEM = 5
    END = 6
    CREDIT = 7
    CANCEL = 8
    ANSWER = 9
    FAILURE = 10
    SAID = 11
    PING = 12
    PONG = 13
    DRAIN = 14
    DRAINED = 15


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

_CALL: Final = struct.Struct("<BI")
_SIZE: Final = struct.Struct("<BQ")


def _varint(value: int) -> bytes:
    if value < 0x80:
        return bytes((value,))
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


def _frame(frame: Frame) -> bytes:
    parts = [_CALL.pack(1 << 3 | _FIXED32, frame.call), b"\x10", _varint(frame.kind), _field(3, frame.text.encode())]
    parts.extend(_field(4, _segment(segment)) for segment in frame.segments)
    return b"".join(parts)


def encode_batch(frames: Iterable[Frame]) -> bytes:
    """Return frames as one message: every field of each, in the order of its number, zero and empty ones too."""
    return b"".join(_field(1, _frame(frame)) for frame in frames)


class _Reader:
    """Reads the fields of one protobuf message, from front to back."""

    __slots__ = ("_at", "_data", "_end")

    def __init__(self, data: memoryview) -> None:
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
    for number, kind, content in _Reader(data).fields():
        if (number, kind) == (1, _BYTES):
            path = _text(content)
        elif (number, kind) == (2, _FIXED64):
            size = content
    if size > _MAX_SIZE:
        raise FrameUnreadableError("A file is longer than can be counted.")
    return SharedFile(path, size)


def _read_segment(data: memoryview) -> BytesLike | SharedFile:
    segment: BytesLike | SharedFile | None = None
    for number, kind, content in _Reader(data).fields():
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
    for number, kind, content in _Reader(data).fields():
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
    fields = _Reader(memoryview(data)).fields()
    return [_read_frame(content) for number, kind, content in fields if (number, kind) == (1, _BYTES)]
