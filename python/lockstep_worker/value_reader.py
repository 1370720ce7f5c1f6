"""Puts the values of tagged objects in their place, inside what was parsed, without using the stack of the thread."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from .typed_arrays import BytesLike, shaped_array, typed_value
from .values import UNDEFINED, Bare, BigInt, JsDate, JsMap, JsSet, Sparse

_NUMBERS: Final = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf"), "-0": -0.0}
_INTEGER: Final = re.compile("-?[0-9]+")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LONGEST_ARRAY: Final = 2**32 - 1
_LATEST_DATE: Final = 8_640_000_000_000_000
"""Milliseconds from 1970 to the latest time of an ECMAScript Date, and back to the earliest."""


def revive(parsed: Any, segments: Sequence[BytesLike]) -> Any:
    """Return what was parsed with the values of its tagged objects in their place.

    Raises ValueError, TypeError or LookupError where a tagged object is none that the value codec writes.
    """
    root: list[Any] = [parsed]
    unread: list[Any] = [root]
    places: list[tuple[Any, Any]] = []
    while unread:
        holder = unread.pop()
        for key, value in enumerate(holder) if type(holder) is list else holder.items():
            if type(value) is dict:
                if "$" in value or "kind" in value:
                    places.append((holder, key))
                unread.append(value)
            elif type(value) is list:
                unread.append(value)
    # From the last to the first: what is inside a tagged object was found after it, and is revived before it.
    for holder, key in reversed(places):
        found = holder[key]
        holder[key] = _untagged(found, segments) if "$" in found else _shaped(found)
    return root[0]


def _shaped(found: dict[str, Any]) -> Any:
    array = shaped_array(found)
    return found if array is None else array


def _untagged(found: dict[str, Any], segments: Sequence[BytesLike]) -> Any:
    tag, content = found["$"], found.get("v")
    if tag == "undefined":
        return UNDEFINED
    if tag == "segment":
        return _segment_value(content, segments)
    read = _READERS.get(tag) if type(tag) is str else None
    return _byte_value(tag, content) if read is None else read(content)


def _list_of(content: Any) -> list[Any]:
    if type(content) is not list:
        raise TypeError("no list")
    return content


def _pairs_of(content: Any) -> list[tuple[Any, Any]]:
    return [(key, value) for key, value in map(_list_of, _list_of(content))]


def _named_of(content: Any) -> list[tuple[str, Any]]:
    pairs = _pairs_of(content)
    if not all(type(key) is str for key, _ in pairs):
        raise TypeError("no key")
    return pairs


def _number(content: Any) -> float:
    return _NUMBERS[content]


def _bigint(content: Any) -> BigInt:
    if type(content) is not str or _INTEGER.fullmatch(content) is None:
        raise TypeError("no integer")
    return BigInt(content)


def _date(content: Any) -> datetime | JsDate:
    if content is None:
        return JsDate(None)
    if type(content) not in (int, float):
        raise TypeError("no time")
    if not -_LATEST_DATE <= content <= _LATEST_DATE:
        return JsDate(None)
    try:
        return _EPOCH + timedelta(milliseconds=int(content))
    except OverflowError:
        return JsDate(int(content))


def _sparse(content: Any) -> Sparse:
    length, items = _list_of(content)
    if type(length) is not int or not 0 <= length <= _LONGEST_ARRAY:
        raise ValueError("no length")
    pairs = _pairs_of(items)
    if not all(type(index) is int and 0 <= index < length for index, _ in pairs):
        raise ValueError("no index")
    return Sparse(length, dict(pairs))


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "number": _number,
    "bigint": _bigint,
    "date": _date,
    "map": lambda content: JsMap(_pairs_of(content)),
    "set": lambda content: JsSet(_list_of(content)),
    "object": lambda content: dict(_named_of(content)),
    "bare": lambda content: Bare(_named_of(content)),
    "sparse": _sparse,
}


def _known(value: Any | None) -> Any:
    if value is None:
        raise LookupError("a tag that is not known")
    return value


def _byte_value(tag: Any, content: Any) -> Any:
    data = base64.b64decode(content, validate=True) if type(content) is str else None
    return _known(None if data is None else typed_value(tag, data))


def _segment_value(content: Any, segments: Sequence[BytesLike]) -> Any:
    place, tag = _list_of(content)
    if type(place) is not int or place < 0:
        raise TypeError("no place among segments")
    return _known(typed_value(tag, segments[place]))
