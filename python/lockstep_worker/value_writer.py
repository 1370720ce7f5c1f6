"""Writes values that are more than JSON: with a stack of its own, so that depth is limited by memory only."""

from __future__ import annotations

import base64
import math
import re
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from json.encoder import encode_basestring as quoted
from typing import Any, Final, NoReturn

from .errors import ValueNotEncodableError
from .number_text import MAX_SAFE_INTEGER, number_text
from .typed_arrays import BytesLike, is_numpy_array, shaped_data, typed_bytes
from .value_path import path_step, short_path
from .values import UNDEFINED, Bare, BigInt, JsDate, JsMap, JsSet, Sparse

SEGMENT_FROM_BYTES: Final = 256
"""From how many bytes on they travel beside the text: base64 of fewer costs less than a segment."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND: Final = timedelta(milliseconds=1)

_SURROGATE_PAIR: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")

_Member = tuple[str, str | int | tuple[int, int], Any]
"""What is written before a member, its key, and the member itself."""


def well_formed(text: str) -> str:
    """Return a JSON text in which two halves of a character are one, and a half without its other half is escaped."""
    if text.isascii() or _SURROGATE.search(text) is None:
        return text
    joined = _SURROGATE_PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)
    return _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", joined)


def _tagged(tag: str, content: str) -> str:
    return f'{{"$":"{tag}","v":{content}}}'


def _list_members(items: Any) -> Iterator[_Member]:
    for index, item in enumerate(items):
        yield "," if index else "", index, item


def _record_members(record: dict[str, Any]) -> Iterator[_Member]:
    for index, (key, item) in enumerate(record.items()):
        yield f"{',' if index else ''}{quoted(key)}:", key, item


def _entry_members(entries: Iterator[tuple[str | int, Any]]) -> Iterator[_Member]:
    for index, (key, item) in enumerate(entries):
        name = quoted(key) if isinstance(key, str) else key
        yield f"{'],' if index else ''}[{name},", key, item


def _pair_members(pairs: Iterator[tuple[Any, Any]]) -> Iterator[_Member]:
    for index, (key, item) in enumerate(pairs):
        yield "],[" if index else "[", (index, 0), key
        yield ",", (index, 1), item


class _Frame:
    """A value that is being written: what is left of its members, and what is written behind them."""

    __slots__ = ("close", "key", "members", "value")

    def __init__(self, value: Any, members: Iterator[_Member], close: str) -> None:
        self.value = value
        self.members = members
        self.close = close
        self.key: str | int | tuple[int, int] = 0

    @property
    def step(self) -> str:
        if isinstance(self.key, tuple):
            return "".join(map(path_step, self.key))
        return path_step(self.key)


class ValueWriter:
    """Writes one value."""

    def __init__(self, at: str, segments: list[BytesLike] | None) -> None:
        """`at`: what the value is called in errors; `segments`: takes long bytes; None: all stay in the text."""
        self._at = at
        self._segments = segments
        self._texts: list[str] = []
        self._open: list[_Frame] = []
        self._ancestors: set[int] = set()

    def write(self, value: Any) -> str:
        """Return the text of a value. Raises ValueNotEncodableError with the path of what cannot be written."""
        self._value(value)
        while self._open:
            frame = self._open[-1]
            member = next(frame.members, None)
            if member is None:
                self._texts.append(frame.close)
                self._ancestors.discard(id(frame.value))
                self._open.pop()
            else:
                before, frame.key, item = member
                self._texts.append(before)
                self._value(item)
        return well_formed("".join(self._texts))

    def _value(self, value: Any) -> None:
        text = self._simple(value)
        if text is None:
            text = self._bytes(value)
        if text is None:
            self._container(value)
        else:
            self._texts.append(text)

    def _simple(self, value: Any) -> str | None:  # noqa: PLR0911
        kind = type(value)
        if kind is str:
            return quoted(value)
        if kind is int:
            return str(value) if -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER else self._big(value)
        if kind is float:
            return _float_text(value)
        if kind is bool:
            return "true" if value else "false"
        if value is None:
            return "null"
        if value is UNDEFINED:
            return '{"$":"undefined"}'
        if kind is BigInt:
            return self._big(value)
        if kind is JsDate:
            return _tagged("date", "null" if value.milliseconds is None else str(value.milliseconds))
        return self._date(value) if kind is datetime else self._numpy_scalar(value)

    def _big(self, value: int) -> str:
        try:
            return _tagged("bigint", f'"{int(value)}"')
        except ValueError:
            self._refuse("has more digits than sys.set_int_max_str_digits() allows")

    def _date(self, value: datetime) -> str:
        if value.utcoffset() is None:
            self._refuse("is a datetime without a time zone; give it one, as in datetime.now(timezone.utc)")
        return _tagged("date", str((value - _EPOCH) // _MILLISECOND))

    def _numpy_scalar(self, value: Any) -> str | None:
        numpy = sys.modules.get("numpy")
        if numpy is None or not isinstance(value, numpy.generic):
            return None
        kinds = (numpy.bool_, numpy.integer, numpy.float16, numpy.float32, numpy.float64, numpy.str_)
        if isinstance(value, kinds) and not isinstance(value, numpy.timedelta64):
            return self._simple(value.item())
        self._refuse(f"is a {type(value).__name__} of numpy")

    def _bytes(self, value: Any) -> str | None:
        found = typed_bytes(value)
        if found is None:
            return None
        tag, data = found
        if self._segments is None or len(data) < SEGMENT_FROM_BYTES:
            return _tagged(tag, f'"{base64.b64encode(data).decode()}"')
        self._segments.append(data)
        return _tagged("segment", f'[{len(self._segments) - 1},"{tag}"]')

    def _container(self, value: Any) -> None:
        if id(value) in self._ancestors:
            self._refuse("contains itself")
        opening, frame = self._frame_of(value)
        self._ancestors.add(id(value))
        self._open.append(frame)
        self._texts.append(opening)

    def _frame_of(self, value: Any) -> tuple[str, _Frame]:  # noqa: PLR0911
        kind = type(value)
        if kind is list or kind is tuple:
            return "[", _Frame(value, _list_members(value), "]")
        if kind is dict:
            return _dict_frame(value)
        if kind is Bare:
            return _entries_frame(value, '{"$":"bare","v":[', iter(value.items()), len(value))
        if kind is JsMap:
            return _map_frame(value, iter(value.pairs), len(value))
        if kind is JsSet or kind is set or kind is frozenset:
            return '{"$":"set","v":[', _Frame(value, _list_members(value), "]}")
        if kind is Sparse:
            opening, frame = _entries_frame(value, "", iter(value.items.items()), len(value.items))
            frame.close = f"{frame.close[:-1]}]}}"
            return f'{{"$":"sparse","v":[{value.length},[{opening}', frame
        if is_numpy_array(value):
            data = shaped_data(value)
            if data is not None:
                return "{", _Frame(value, _record_members(data), "}")
            self._refuse(f"is a numpy array of {value.dtype.name}")
        self._refuse(f"is of type {_name_of(kind)}; pass plain data instead")

    def _refuse(self, why: str) -> NoReturn:
        at = self._at + "".join(frame.step for frame in self._open)
        raise ValueNotEncodableError(short_path(at), why)


def _float_text(value: float) -> str:
    if value == 0:
        return "0" if math.copysign(1, value) > 0 else _tagged("number", '"-0"')
    if math.isfinite(value):
        return number_text(value)
    return _tagged("number", '"NaN"' if math.isnan(value) else '"Infinity"' if value > 0 else '"-Infinity"')


def _dict_frame(value: dict[Any, Any]) -> tuple[str, _Frame]:
    if not all(type(key) is str for key in value):
        return _map_frame(value, iter(value.items()), len(value))
    if "$" in value:
        return _entries_frame(value, '{"$":"object","v":[', iter(value.items()), len(value))
    return "{", _Frame(value, _record_members(value), "}")


def _entries_frame(value: Any, opening: str, entries: Iterator[tuple[Any, Any]], count: int) -> tuple[str, _Frame]:
    return opening, _Frame(value, _entry_members(entries), "]]}" if count else "]}")


def _map_frame(value: Any, pairs: Iterator[tuple[Any, Any]], count: int) -> tuple[str, _Frame]:
    return '{"$":"map","v":[', _Frame(value, _pair_members(pairs), "]]}" if count else "]}")


def _name_of(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
