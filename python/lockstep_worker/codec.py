"""The value codec: JSON in which what JSON cannot hold is a tagged object. `proto/golden/README.md` is its norm."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from json.encoder import encode_basestring as quoted
from typing import Any, Final, NoReturn

from .errors import FrameUnreadableError
from .number_text import MAX_SAFE_INTEGER, integer_of
from .typed_arrays import BytesLike
from .value_reader import revive
from .value_writer import ValueWriter, well_formed

VALUE_CODEC_VERSION: Final = 1
"""The version of the norm that this module keeps to."""

_DEEPEST_PLAIN: Final = 100
"""How deep a value may be for the fast way of writing it, which uses the stack of the thread."""

_CONTAINERS: Final = (dict, list, tuple)

_LONG_NUMBER: Final = re.compile("[0-9][0-9]{15}")
"""Sixteen digits, written so that `re` looks for the first one fast."""
_ZERO: Final = re.compile(r"-0(?![.0-9eE])")

_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant)
_DOUBLES_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=integer_of)


def _plain_encoder() -> Callable[[Any], str]:
    """Return what writes plain values: `_ENCODER.encode`, without what it does before it gets to work."""
    make = json.encoder.c_make_encoder  # type: ignore[attr-defined]
    if make is None:  # An interpreter that has none.
        return _ENCODER.encode
    encode = make(None, _ENCODER.default, quoted, None, ":", ",", False, False, False)
    return lambda value: "".join(encode(value, 0))


_encode_plain: Final = _plain_encoder()


def encode_value(value: Any, at: str = "value", *, segments: list[BytesLike] | None = None) -> str:
    """Return the text of a value: of equal values whose keys have the same order, the same.

    `at` is what the value is called in errors; the path inside it follows, as in `output.rows[3]`. Bytes from 256 on
    are appended to `segments`, and the text refers to them by their position there; without it they stay in the text.
    A datetime is written to the millisecond.

    Raises ValueNotEncodableError, with the path, for what would not come back: functions, instances of classes,
    values that contain themselves.
    """
    if _is_plain(value, _DEEPEST_PLAIN):
        return well_formed(_encode_plain(value))
    return ValueWriter(at, segments).write(value)


def decode_value(text: str, *, segments: Sequence[BytesLike] = ()) -> Any:
    """Return the value of a text that the value codec wrote, here or in another language.

    Nothing in it is shared with another value. Raises FrameUnreadableError where the text is none, or refers to bytes
    that are not among `segments`.
    """
    try:
        parsed = _parsed(text)
        return revive(parsed, segments) if '"$":' in text else parsed
    except RecursionError as error:
        raise FrameUnreadableError("A value has more levels than Python's JSON reader takes.") from error
    except (ValueError, TypeError, LookupError) as error:
        raise FrameUnreadableError(f"A value cannot be read: {error}.") from error


def _parsed(text: str) -> Any:
    # Python reads some numbers as others than ECMAScript does; where one of them may be, each is looked at.
    unlike = _LONG_NUMBER.search(text) or ("-0" in text and _ZERO.search(text))
    decoder = _DOUBLES_DECODER if unlike else _DECODER
    try:
        parsed, end = decoder.scan_once(text, 0)  # type: ignore[attr-defined]
    except StopIteration:
        end = -1
    return parsed if end == len(text) else decoder.decode(text)  # White space around it, or no JSON at all.


def _is_plain(value: Any, depth: int) -> bool:
    """Return whether Python's JSON encoder writes a value as ECMAScript does, which depends on its floats too.

    All in one function: every value that passes to the host is looked at here, and a call costs more than a look.
    """
    kind = type(value)
    if kind is dict:
        for key in value:
            if type(key) is not str or key == "$":
                return False
        value = value.values()
    elif kind is not list and kind is not tuple:
        value = (value,)
    for item in value:
        kind = type(item)
        if kind is str or kind is bool or item is None:
            continue
        if kind is int:
            if not -MAX_SAFE_INTEGER <= item <= MAX_SAFE_INTEGER:
                return False
        elif kind is float:
            if not 1e-4 <= abs(item) < 1e16 or item % 1 == 0:
                return False
        elif kind not in _CONTAINERS or depth == 0 or not _is_plain(item, depth - 1):
            return False
    return True
