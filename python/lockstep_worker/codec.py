"""The value codec: JSON in which what JSON cannot hold is a tagged object. `proto/golden/README.md` is its norm."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
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

_UNLIKE_PYTHON: Final = re.compile(r"[0-9]{16}|-0(?![.0-9eE])")
"""Finds every text in which a number may be that Python reads as another than ECMAScript."""

_encode_plain: Final = json.JSONEncoder(
    separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
).encode


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_parse: Final = json.JSONDecoder(parse_constant=_refuse_constant).decode
_parse_doubles: Final = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=integer_of).decode


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
        parsed = (_parse_doubles if _UNLIKE_PYTHON.search(text) else _parse)(text)
        return revive(parsed, segments) if '"$":' in text else parsed
    except RecursionError as error:
        raise FrameUnreadableError("A value has more levels than Python's JSON reader takes.") from error
    except (ValueError, TypeError, LookupError) as error:
        raise FrameUnreadableError(f"A value cannot be read: {error}.") from error


def _is_plain(value: Any, depth: int) -> bool:  # noqa: PLR0911
    """Return whether Python's JSON encoder writes a value as ECMAScript does, which depends on its floats too."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return bool(-MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER)
    if kind is float:
        return bool(1e-4 <= abs(value) < 1e16 and value % 1 != 0)
    if depth == 0:
        return False
    if kind is list or kind is tuple:
        return all(_is_plain(item, depth - 1) for item in value)
    if kind is dict:
        return all(type(key) is str and key != "$" and _is_plain(item, depth - 1) for key, item in value.items())
    return False
