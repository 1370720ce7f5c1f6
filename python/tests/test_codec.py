import array
import collections
import dataclasses
import datetime
import decimal
import enum
import json
import math
import random
import struct
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from conftest import REPOSITORY

from lockstep_worker import typed_arrays
from lockstep_worker.codec import decode_value, encode_value
from lockstep_worker.errors import FrameUnreadableError, ValueNotEncodableError
from lockstep_worker.number_text import number_text
from lockstep_worker.values import UNDEFINED, Bare, BigInt, JsDate, JsMap, JsSet, Sparse, Undefined


class Colour(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    LOW = 1


@dataclasses.dataclass
class Point:
    x: int


class Text(str):
    pass


def returned(value: Any) -> Any:
    return decode_value(encode_value(value))


# What comes back


@pytest.mark.parametrize("value", [None, True, False, 0, 1, -(2**53) + 1, 2**53 - 1, "", "a", [], {}, 0.5, 1e300])
def test_plain_values_keep_their_type(value: Any) -> None:
    found = returned([value])
    assert found == [value]
    assert type(found[0]) is type(value)


def test_integers_that_a_double_rounds_travel_as_bigint() -> None:
    assert encode_value([2**53, -(2**53), 2**53 + 1]) == (
        '[{"$":"bigint","v":"9007199254740992"},{"$":"bigint","v":"-9007199254740992"},'
        '{"$":"bigint","v":"9007199254740993"}]'
    )
    assert returned(2**53 + 1) == 2**53 + 1


def test_a_bigint_stays_one_however_small() -> None:
    assert repr(returned(BigInt(5))) == "BigInt(5)"
    assert returned(BigInt(5)) + 1 == 6


@pytest.mark.parametrize("number", [2.0**53, 123456789012345680000.0, 1e16, 1.2345678901234568e20, -1e18])
def test_numbers_that_javascript_writes_like_integers_stay_doubles(number: float) -> None:
    assert repr(returned(number)) == repr(number)


def test_a_whole_float_is_the_same_number_as_an_integer_where_there_is_one_type_of_number() -> None:
    assert encode_value([1.0, -3.0]) == "[1,-3]"


def test_negative_zero_is_read_in_json_notation_too() -> None:
    assert [math.copysign(1, zero) for zero in decode_value("[-0,-0.0,0]")] == [-1, -1, 1]


def test_numbers_too_large_for_a_double_are_infinite_as_in_javascript() -> None:
    assert decode_value(f"[1e400,{'9' * 400},{'9' * 5000}]") == [math.inf, math.inf, math.inf]


def test_digits_and_zeros_in_a_string_are_no_numbers() -> None:
    assert returned("-0 1234567890123456789") == "-0 1234567890123456789"


def test_random_doubles_have_the_text_that_javascript_gives_them() -> None:
    source = random.Random(7)
    doubles = [struct.unpack("<d", source.randbytes(8))[0] for _ in range(2_000)]
    doubles += [sign * digit * 10.0**exponent for sign in (1, -1) for digit in (1, 1.5) for exponent in range(-12, 24)]
    doubles = [number for number in doubles if math.isfinite(number)]
    program = "process.stdout.write(JSON.stringify(JSON.parse(require('fs').readFileSync(0,'utf8')).map(String)))"
    told = subprocess.run(
        ["node", "-e", program], input=json.dumps(doubles), capture_output=True, check=True, text=True
    )
    assert [number_text(number) for number in doubles] == json.loads(told.stdout)


def test_halves_of_one_character_are_written_as_the_character() -> None:
    assert encode_value("\ud83d\ude00") == '"😀"'
    assert encode_value(["\ud83d\ude00", UNDEFINED, "\ud83d"]) == '["😀",{"$":"undefined"},"\\ud83d"]'


def test_a_text_that_was_written_can_be_sent_as_utf_8() -> None:
    assert encode_value({"\ud800": "\udfff😀"}).encode() == '{"\\ud800":"\\udfff😀"}'.encode()


def test_tuples_are_lists_and_python_sets_are_sets() -> None:
    assert encode_value((1, (2,))) == "[1,[2]]"
    assert encode_value({3}) == '{"$":"set","v":[3]}'
    assert encode_value(frozenset()) == '{"$":"set","v":[]}'


def test_a_dict_with_keys_that_are_no_text_is_a_map() -> None:
    assert encode_value({1: "a", None: "b"}) == '{"$":"map","v":[[1,"a"],[null,"b"]]}'


def test_a_map_is_asked_by_keys_of_the_same_type() -> None:
    found = decode_value('{"$":"map","v":[[1,"number"],[true,"boolean"],[[1],"list"]]}')
    assert [found[1], found[True], found[[1]], dict(JsMap([(1, 2)])), list(found)] == [
        "number",
        "boolean",
        "list",
        {1: 2},
        [1, True, [1]],
    ]
    with pytest.raises(KeyError):
        found[1.0]


def test_a_datetime_of_any_zone_is_written_to_the_millisecond() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=2))
    written = encode_value(datetime.datetime(1970, 1, 1, 2, 0, 0, 1_999, tzinfo=zone))
    assert written == '{"$":"date","v":1}'


@pytest.mark.parametrize("time", [-62135596800000, 253402300799999, 1.5, -1])
def test_a_date_in_the_years_of_datetime_is_one(time: float) -> None:
    assert type(decode_value(f'{{"$":"date","v":{time}}}')) is datetime.datetime


@pytest.mark.parametrize("time", [-62135596800001, 253402300800000, -8640000000000000])
def test_a_date_in_other_years_keeps_its_milliseconds(time: int) -> None:
    assert returned(JsDate(time)) == JsDate(time)


def test_a_date_beyond_the_latest_is_none_as_in_javascript() -> None:
    assert decode_value('{"$":"date","v":8640000000000001}') == JsDate(None)


def test_of_a_key_that_occurs_twice_the_last_counts_as_in_javascript() -> None:
    assert list(decode_value('{"a":1,"b":2,"a":3}').items()) == [("a", 3), ("b", 2)]


def test_undefined_is_false_and_the_only_one() -> None:
    assert returned([UNDEFINED])[0] is UNDEFINED
    assert not UNDEFINED
    assert isinstance(UNDEFINED, Undefined)
    assert repr(UNDEFINED) == "UNDEFINED"


def test_what_is_read_is_shared_with_nothing() -> None:
    shared = [BigInt(1)]
    first, second = returned([shared, shared])
    assert first == second
    assert first is not second


def test_a_value_is_written_however_deep_it_is() -> None:
    value: Any = UNDEFINED
    for _ in range(20_000):
        value = [value]
    assert encode_value(value) == "[" * 20_000 + '{"$":"undefined"}' + "]" * 20_000


def test_tagged_objects_are_read_down_to_the_depth_of_the_json_reader() -> None:
    depth = 300
    text = '{"$":"set","v":[' * depth + "1" + "]}" * depth
    assert encode_value(decode_value(text)) == text


# Bytes and arrays


@pytest.mark.parametrize(
    "value", [bytearray(b"ab"), memoryview(b"ab"), array.array("B", b"ab"), np.array([97, 98], "u1")]
)
def test_whatever_holds_bytes_is_bytes(value: Any) -> None:
    assert encode_value(value) == '{"$":"bytes","v":"YWI="}'


@pytest.mark.parametrize("code", "bhilqHILQfd")
def test_arrays_of_numbers_and_views_of_them_are_typed_arrays(code: str) -> None:
    numbers = array.array(code, [1, 2, 3])
    for value in (numbers, memoryview(numbers)):
        found = returned(value)
        assert found.tolist() == [1, 2, 3]
        assert found.dtype.itemsize == numbers.itemsize
        assert found.dtype.kind == {"f": "f", "d": "f"}.get(code, "i" if code.islower() else "u")


@pytest.mark.parametrize("dtype", [">i2", ">f8"])
def test_arrays_of_another_byte_order_are_turned(dtype: str) -> None:
    found = returned(np.array([1, -2], dtype))
    assert found.tolist() == [1, -2]
    assert found.dtype == np.dtype(dtype).newbyteorder("<")


def test_arrays_with_gaps_are_written_as_what_they_show() -> None:
    assert returned(np.arange(6, dtype="int32")[::2]).tolist() == [0, 2, 4]


@pytest.mark.parametrize("shape", [(), (0,), (2, 3), (1, 0, 2), (2, 1, 3)])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int64", "uint16", "float32", "float64"])
def test_arrays_of_any_shape_come_back(shape: tuple[int, ...], dtype: str) -> None:
    value = (np.arange(math.prod(shape)) % 2).astype(dtype).reshape(shape)
    found = returned({"a": [value]})["a"][0]
    if len(shape) == 1 and dtype == "uint8":
        assert found == value.tobytes()
        return
    assert (found.dtype, found.shape, found.tobytes()) == (value.dtype, value.shape, value.tobytes())


def test_an_array_of_two_dimensions_is_plain_data_on_the_wire() -> None:
    assert encode_value(np.array([[1, 2], [3, 4]], "int16").T) == (
        '{"kind":"ndarray","dtype":"int16","shape":[2,2],"data":{"$":"int16","v":"AQADAAIABAA="}}'
    )


def test_data_that_only_looks_like_an_array_stays_data() -> None:
    data = np.array([1.0, 2.0])
    for change in (
        {"shape": [3]},
        {"shape": [-1]},
        {"shape": [True, 2]},
        {"shape": 2},
        {"dtype": "int64"},
        {"more": 1},
    ):
        value = {"kind": "ndarray", "dtype": "float64", "shape": [2], "data": data, **change}
        assert type(returned(value)) is dict


def test_an_array_that_arrived_can_be_changed() -> None:
    flat, deep = returned([np.array([1.0]), np.array([[1.0]])])
    flat[0] = 2
    deep[0, 0] = 3
    assert (flat.tolist(), deep.tolist()) == ([2], [[3]])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float64(0.1), "0.1"),
        (np.float32(0.5), "0.5"),
        (np.float64("nan"), '{"$":"number","v":"NaN"}'),
        (np.int8(-3), "-3"),
        (np.int64(2**62), '{"$":"bigint","v":"4611686018427387904"}'),
        (np.bool_(True), "true"),
        (np.str_("ä"), '"ä"'),
    ],
)
def test_single_numbers_of_numpy_are_numbers(value: Any, text: str) -> None:
    assert encode_value([value]) == f"[{text}]"


def test_bytes_travel_beside_the_text_from_256_on() -> None:
    segments: list[Any] = []
    value = {
        "short": bytes(255),
        "long": bytes(256),
        "numbers": np.zeros((4, 8)),
        "array": array.array("b", bytes(300)),
    }
    text = encode_value(value, segments=segments)
    assert json.loads(text)["long"] == {"$": "segment", "v": [0, "bytes"]}
    assert json.loads(text)["numbers"]["data"] == {"$": "segment", "v": [1, "float64"]}
    assert [len(segment) for segment in segments] == [256, 256, 300]

    found = decode_value(text, segments=segments)

    assert (found["short"], found["long"]) == (bytes(255), bytes(256))
    assert found["numbers"].shape == (4, 8)
    assert found["array"].tolist() == [0] * 300


def test_numpy_is_not_imported_before_an_array_arrives() -> None:
    program = (
        "import sys; from lockstep_worker.codec import *; decode_value(encode_value([1, b'a', {'b': UNDEFINED}]));"
        'assert \'numpy\' not in sys.modules; decode_value(\'{"$":"int8","v":""}\'); assert \'numpy\' in sys.modules'
    ).replace("UNDEFINED", "2**60")
    subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY / "python", check=True)


def test_bytes_are_turned_where_the_machine_has_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typed_arrays.sys, "byteorder", "big")
    monkeypatch.setattr(typed_arrays, "numpy_module", lambda: None)
    turned = array.array("h", [1, 2])
    turned.byteswap()
    assert encode_value(turned) == '{"$":"int16","v":"AQACAA=="}'
    assert decode_value('{"$":"int16","v":"AQACAA=="}') == turned


# What cannot be written


CYCLE: list[Any] = []
CYCLE.append({"again": CYCLE})

REFUSED: list[tuple[Any, str]] = [
    (len, "is of type builtin_function_or_method; pass plain data instead"),
    (object(), "is of type object; pass plain data instead"),
    (Colour.RED, "is of type test_codec.Colour; pass plain data instead"),
    (Level.LOW, "is of type test_codec.Level; pass plain data instead"),
    (Point(1), "is of type test_codec.Point; pass plain data instead"),
    (Text("a"), "is of type test_codec.Text; pass plain data instead"),
    (decimal.Decimal("0.1"), "is of type decimal.Decimal; pass plain data instead"),
    (collections.OrderedDict(), "is of type collections.OrderedDict; pass plain data instead"),
    (datetime.date(2024, 1, 1), "is of type datetime.date; pass plain data instead"),
    (1j, "is of type complex; pass plain data instead"),
    (memoryview(b"abcd").cast("B", (2, 2)), "is of type memoryview; pass plain data instead"),
    (datetime.datetime(2024, 1, 1), "is a datetime without a time zone; give it one, as in datetime.now(timezone.utc)"),
    (10**5000, "has more digits than sys.set_int_max_str_digits() allows"),
    (np.array([1j]), "is a numpy array of complex128"),
    (np.array(["a"]), "is a numpy array of str32"),
    (np.array([[None]]), "is a numpy array of object"),
    (np.array([1.0], "float16"), "is a numpy array of float16"),
    (np.array(["2024-01-01"], "datetime64[D]"), "is a numpy array of datetime64[D]"),
    (np.ma.masked_array([1.0]), "is of type numpy.ma.MaskedArray; pass plain data instead"),
    (np.complex128(1), "is a complex128 of numpy"),
    (np.timedelta64(1, "s"), "is a timedelta64 of numpy"),
]


@pytest.mark.parametrize(("value", "why"), REFUSED, ids=[why for _, why in REFUSED])
def test_what_would_not_come_back_is_refused_with_its_path(value: Any, why: str) -> None:
    with pytest.raises(ValueNotEncodableError) as caught:
        encode_value({"rows": [0, {"two words": value}]}, "output")
    assert str(caught.value) == f'The value at output.rows[1]["two words"] {why}.'
    assert (caught.value.code, caught.value.at) == ("VALUE_NOT_ENCODABLE", 'output.rows[1]["two words"]')


@pytest.mark.parametrize(
    ("around", "path"),
    [
        (lambda bad: {bad: 1}, "v[0][0]"),
        (lambda bad: {1: 2, 3: bad}, "v[1][1]"),
        (lambda bad: JsMap([([bad], 1)]), "v[0][0][0]"),
        (lambda bad: JsSet([1, bad]), "v[1]"),
        (lambda bad: Bare(a=bad), "v.a"),
        (lambda bad: {"$": bad}, "v.$"),
        (lambda bad: Sparse(9, {7: bad}), "v[7]"),
        (lambda bad: (1, bad), "v[1]"),
    ],
)
def test_the_path_leads_through_every_kind_of_value(around: Any, path: str) -> None:
    with pytest.raises(ValueNotEncodableError) as caught:
        encode_value(around(len), "v")
    assert caught.value.at == path


def test_a_value_that_contains_itself_is_refused() -> None:
    with pytest.raises(ValueNotEncodableError, match=r"^The value at v\[0\]\.again contains itself\.$"):
        encode_value(CYCLE, "v")


def test_a_very_long_path_is_shortened_in_the_middle() -> None:
    value: Any = len
    for _ in range(100):
        value = [value]
    with pytest.raises(ValueNotEncodableError) as caught:
        encode_value(value, "v")
    assert len(caught.value.at) == 121
    assert caught.value.at.startswith("v[0][0]")
    assert "…" in caught.value.at


# What cannot be read


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[NaN]",
        "[Infinity]",
        "[-Infinity]",
        "[1,]",
        "[01]",
        '["\n"]',
        "[1] 2",
        "'a'",
        '{"$":"regexp","v":"a"}',
        '{"$":1}',
        '{"$":null}',
        '{"$":[],"v":""}',
        '{"$":"number","v":"1"}',
        '{"$":"number","v":[]}',
        '{"$":"bigint","v":"1.5"}',
        '{"$":"bigint","v":1}',
        '{"$":"bigint","v":"\u0661"}',
        '{"$":"bigint","v":"1\\n"}',
        '{"$":"date","v":"2024-01-01"}',
        '{"$":"date","v":true}',
        '{"$":"map","v":{}}',
        '{"$":"map","v":[1]}',
        '{"$":"map","v":[[1]]}',
        '{"$":"set"}',
        '{"$":"object","v":[null]}',
        '{"$":"object","v":[[1,2]]}',
        '{"$":"bare","v":"ab"}',
        '{"$":"sparse","v":[-1,[]]}',
        '{"$":"sparse","v":[4294967296,[]]}',
        '{"$":"sparse","v":[1,[[1,"a"]]]}',
        '{"$":"sparse","v":[1]}',
        '{"$":"bytes","v":[1]}',
        '{"$":"bytes","v":"ab*d"}',
        '{"$":"bytes","v":"abc"}',
        '{"$":"bytes","v":"a=bc"}',
        '{"$":"bytes","v":"é"}',
        '{"$":"int16","v":"AA=="}',
        '{"$":"blob","v":"00"}',
        '{"$":"segment","v":[1,"bytes"]}',
        '{"$":"segment","v":[-1,"bytes"]}',
        '{"$":"segment","v":["0","bytes"]}',
        '{"$":"segment","v":[true,"bytes"]}',
        '{"$":"segment","v":[0]}',
        '{"$":"segment","v":[0,"date"]}',
        '{"$":"segment","v":[0,"int16"]}',
        '{"$":"segment","v":0}',
        "[" * 100_000 + "]" * 100_000,
    ],
)
def test_texts_that_no_codec_writes_are_refused(text: str) -> None:
    with pytest.raises(FrameUnreadableError) as caught:
        decode_value(text, segments=[bytes(7)])
    assert caught.value.code == "FRAME_UNREADABLE"


@pytest.mark.usefixtures("without_numpy")
def test_numbers_that_are_cut_off_are_refused_without_numpy_too() -> None:
    with pytest.raises(FrameUnreadableError):
        decode_value('{"$":"int16","v":"AA=="}')


@pytest.fixture
def without_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typed_arrays, "numpy_module", lambda: None)


# Values that only JavaScript has


def test_values_of_javascript_are_equal_to_their_like_only() -> None:
    assert JsMap([([1], 2)]) == JsMap([([1], 2)])
    assert JsMap([(1, 2), (3, 4)]) != JsMap([(3, 4), (1, 2)])
    assert JsMap([(1, 2)]) != {1: 2}
    assert Sparse(2, {0: 1}) == Sparse(2, {0: 1})
    assert Sparse(2, {0: 1}) != Sparse(3, {0: 1})
    assert Sparse(2, {0: 1}) != (2, {0: 1})
    assert len({JsDate(1), JsDate(1), JsDate(None)}) == 2
    assert JsDate(1) != 1


def test_the_longest_array_is_that_of_javascript() -> None:
    assert decode_value('{"$":"sparse","v":[4294967295,[[4294967294,1]]]}') == Sparse(2**32 - 1, {2**32 - 2: 1})
