"""Bytes and typed arrays: those of numpy where it is installed (imported when one arrives), `array.array` elsewhere."""

from __future__ import annotations

import array
import importlib
import math
import mmap
import sys
from functools import cache
from typing import Any, Final, TypeGuard

from .values import ArrayBuffer, Buffer, Clamped, DataView

BytesLike = bytes | bytearray | memoryview | mmap.mmap
"""What bytes travel as; mapped ones belong to the value that is made of them."""

_BYTE_CLASSES: Final[dict[str, type[bytes]]] = {
    "bytes": bytes,
    "buffer": Buffer,
    "arraybuffer": ArrayBuffer,
    "dataview": DataView,
    "uint8clamped": Clamped,
}
_BYTE_TAGS: Final = {kind: tag for tag, kind in _BYTE_CLASSES.items()}

_TYPE_CODES: Final = {
    "int8": "b",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}
"""The type code of `array.array` by tag. Their sizes are those of every platform that CPython supports."""

_KINDS: Final = {**dict.fromkeys("bhilq", "int"), **dict.fromkeys("BHILQ", "uint"), "f": "float", "d": "float"}
_NDARRAY_KEYS: Final = {"kind", "dtype", "shape", "data"}


@cache
def numpy_module() -> Any | None:
    """Return numpy, imported by the first call, or None where it is not installed."""
    try:
        return importlib.import_module("numpy")
    except ModuleNotFoundError:
        return None


def typed_value(tag: str, data: BytesLike) -> Any | None:
    """Return the value of a byte tag, which has memory of its own and can be changed, or None for another tag.

    Raises ValueError for bytes that are cut off.
    """
    kind = _BYTE_CLASSES.get(tag)
    if kind is not None:
        return kind(data)
    code = _TYPE_CODES.get(tag)
    if code is None:
        return None
    numpy = numpy_module()
    if numpy is not None:
        own = data if isinstance(data, mmap.mmap) else bytearray(data)
        return numpy.frombuffer(own, dtype=numpy.dtype(tag).newbyteorder("<"))
    numbers = array.array(code)
    numbers.frombytes(data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _number_tag(code: str, size: int) -> str | None:
    kind = _KINDS.get(code)
    tag = None if kind is None else f"{kind}{8 * size}"
    return "bytes" if tag == "uint8" else tag


def typed_bytes(value: Any) -> tuple[str, BytesLike] | None:
    """Return the tag and the bytes of bytes and of flat arrays, or None for a value that is neither."""
    tag = _BYTE_TAGS.get(type(value))
    if tag is not None:
        return tag, value
    if type(value) is bytearray:
        return "bytes", value
    if type(value) is memoryview:
        tag = _number_tag(value.format, value.itemsize) if value.ndim == 1 else None
        return None if tag is None else (tag, _portable(value.tobytes(), value.itemsize))
    if type(value) is array.array:
        tag = _number_tag(value.typecode, value.itemsize)
        return None if tag is None else (tag, _portable(value.tobytes(), value.itemsize))
    if is_numpy_array(value) and value.ndim == 1 and value.dtype.kind in "iuf":
        return _numpy_bytes(value)
    return None


def _portable(data: bytes, size: int) -> bytes:
    """Return the bytes of numbers with the least significant byte first."""
    if sys.byteorder == "little" or size == 1:
        return data
    return b"".join(data[at : at + size][::-1] for at in range(0, len(data), size))


def is_numpy_array(value: object) -> TypeGuard[Any]:
    """Return whether a value is an array of numpy itself: what the items of a subclass mean is not known here."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(value) in (numpy.ndarray, numpy.memmap)


def _numpy_bytes(value: Any) -> tuple[str, BytesLike] | None:
    """Return the tag and the bytes of a numpy array, or None for a type of items that has no tag."""
    name = value.dtype.name
    if name != "uint8" and name not in _TYPE_CODES:
        return None
    portable = value.astype(value.dtype.newbyteorder("<"), copy=False)
    data = memoryview(portable.view("uint8")) if portable.flags.c_contiguous and portable.size else portable.tobytes()
    return "bytes" if name == "uint8" else name, data


def shaped_data(value: Any) -> dict[str, Any] | None:
    """Return a numpy array as the plain data that it travels as, or None for a type of items that has none.

    `data` is a flat typed array, a bool one byte. The shape is a list, empty for a single number.
    """
    flat = value.reshape(-1)
    data = flat.view("uint8") if value.dtype.kind == "b" else flat
    if _numpy_bytes(data[:0]) is None:
        return None
    return {"kind": "ndarray", "dtype": value.dtype.name, "shape": list(value.shape), "data": data}


def shaped_array(value: dict[str, Any]) -> Any | None:
    """Return the numpy array that plain data describes, or None where it describes none or numpy is not installed."""
    if value.keys() != _NDARRAY_KEYS or value["kind"] != "ndarray":
        return None
    numpy = numpy_module()
    dtype, shape, data = value["dtype"], value["shape"], value["data"]
    if numpy is None or type(shape) is not list or not all(type(size) is int and size >= 0 for size in shape):
        return None
    if type(data) is bytes and dtype in ("uint8", "bool"):
        data = numpy.frombuffer(bytearray(data), dtype=dtype)
    if not is_numpy_array(data) or data.dtype.name != dtype or data.size != math.prod(shape):
        return None
    return data.reshape(shape)
