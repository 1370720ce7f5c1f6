import array
import math
from datetime import datetime, timezone
from typing import Any

import numpy as np
import pytest
from conftest import golden

from lockstep_worker import typed_arrays
from lockstep_worker.codec import VALUE_CODEC_VERSION, decode_value, encode_value
from lockstep_worker.values import (
    UNDEFINED,
    ArrayBuffer,
    Bare,
    BigInt,
    Buffer,
    Clamped,
    DataView,
    JsDate,
    JsMap,
    JsSet,
    Sparse,
)

TEXTS = golden("values.json")


def moment(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone.utc)  # type: ignore[arg-type, misc]


def numbers(dtype: str, *items: Any) -> Any:
    return np.array(items, dtype=dtype)


VALUES: dict[str, Any] = {
    "null": None,
    "booleans": [True, False],
    "integers": [0, 1, -1, 9007199254740991, -9007199254740991, 4294967296],
    "exponents of numbers": [1e21, 123456789012345680000.0, 1e-7, 0.000001, 5e-324, 1.7976931348623157e308],
    "fractions of numbers": [0.1, 0.30000000000000004, -2.5, 100],
    "escapes in a string": '"\\/\b\f\n\r\t\x00\x1f\x7f\u2028',
    "characters beyond ASCII": "é € 😀",
    "lone surrogates": ["\ud800", "\udc00\ud800", {"\udfff": 1}],
    "nested lists and objects": {"a": [], "b": {}, "c": [[1], {"d": None}]},
    "order of keys": {"b": 1, "a": 2, "": 3},
    "integer keys": {"9": "first", "10": "second", "a": "third"},
    "a key __proto__": {"__proto__": {"a": 1}, "constructor": 2},
    "undefined": UNDEFINED,
    "undefined in an object and in a list": {"a": UNDEFINED, "b": [UNDEFINED, None]},
    "numbers that JSON cannot hold": [math.nan, math.inf, -math.inf, -0.0],
    "bigints": [BigInt(0), BigInt(-1), BigInt(12345678901234567890123456789)],
    "dates": [
        moment(1970, 1, 1),
        moment(1969, 12, 31, 23, 59, 59, 999_000),
        moment(2024, 2, 29, 12, 30, 15, 250_000),
        JsDate(8_640_000_000_000_000),
    ],
    "an invalid date": JsDate(None),
    "a map": JsMap(
        [
            ("b", 1),
            ("a", {"c": 2}),
            (3, None),
            (moment(1970, 1, 1), JsMap()),
            (math.nan, UNDEFINED),
        ]
    ),
    "a set": JsSet(["b", "a", BigInt(1), [2], JsSet()]),
    "an object with the key $": {"$": "date", "v": 0},
    "the key $ at several levels": {"a": [{"$": {"$": 1}, "b": moment(1970, 1, 1, 0, 0, 0, 1_000)}]},
    "an object without a prototype": Bare(a=1, b=Bare()),
    "an object without a prototype, with the keys $ and __proto__": Bare({"$": 1, "__proto__": 2}),
    "an array with holes": Sparse(5, {1: "a", 3: -0.0}),
    "an array that is nothing but holes": Sparse(3, {}),
    "no bytes": b"",
    "bytes": [b"\xff", b"\x00\x01", b"\xfb\xff\xbe", bytes(range(0, 256, 4))],
    "a buffer": Buffer(b"Lockstep"),
    "an ArrayBuffer": ArrayBuffer(b"\x01\x02\x03"),
    "a DataView of a part": DataView(b"\x02\x03"),
    "a typed array of a part": numbers("int16", -2, 3),
    "typed arrays of integers": [
        numbers("int8", -128, 127),
        Clamped(b"\x00\xff"),
        numbers("int16", -32768, 258),
        numbers("uint16", 65535, 258),
        numbers("int32", -2147483648, 16909060),
        numbers("uint32", 4294967295, 16909060),
        numbers("int64", -(2**63), 1),
        numbers("uint64", 2**64 - 1, 1),
    ],
    "typed arrays of fractions": [
        numbers("float32", 1.5, -0.0, math.inf),
        numbers("float64", 0.1, 5e-324, -math.inf),
    ],
}


def shown(value: Any) -> Any:
    """A value as it can be compared to the last bit: types named, the sign of zero kept, arrays with what they hold."""
    kind = type(value).__name__
    if isinstance(value, list | tuple):
        return [kind, *map(shown, value)]
    if isinstance(value, JsMap):
        return [kind, *((shown(key), shown(item)) for key, item in value.pairs)]
    if isinstance(value, dict):
        return [kind, *((key, shown(item)) for key, item in value.items())]
    if isinstance(value, Sparse):
        return [kind, value.length, *((index, shown(item)) for index, item in value.items.items())]
    if isinstance(value, np.ndarray):
        return [kind, value.dtype.str, value.shape, value.tobytes()]
    return [kind, repr(value)]


def test_there_is_a_value_for_each_text_of_version_1() -> None:
    assert VALUE_CODEC_VERSION == 1
    assert [text["name"] for text in TEXTS] == list(VALUES)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text["name"])
def test_values_are_written_as_their_text_stands(text: dict[str, str]) -> None:
    assert encode_value(VALUES[text["name"]]) == text["encoded"]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text["name"])
def test_texts_are_read_as_they_are_described(text: dict[str, str]) -> None:
    assert shown(decode_value(text["encoded"])) == shown(VALUES[text["name"]])


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text["name"])
def test_values_come_back_beside_others_of_their_kind(text: dict[str, str]) -> None:
    value = {"list": [VALUES[text["name"]], 1.0], "after": None}
    assert shown(decode_value(encode_value(value))) == shown({**value, "list": [VALUES[text["name"]], 1]})


@pytest.fixture
def no_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typed_arrays, "numpy_module", lambda: None)


@pytest.mark.usefixtures("no_numpy")
@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text["name"])
def test_texts_come_back_without_numpy(text: dict[str, str]) -> None:
    assert encode_value(decode_value(text["encoded"])) == text["encoded"]


@pytest.mark.usefixtures("no_numpy")
def test_typed_arrays_are_those_of_the_standard_library_without_numpy() -> None:
    found = decode_value('[{"$":"int16","v":"/v8DAA=="},{"$":"float64","v":"mpmZmZmZuT8="}]')
    assert found == [array.array("h", [-2, 3]), array.array("d", [0.1])]
