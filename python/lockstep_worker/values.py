"""Values that JavaScript has and Python does not: what they arrive as, and what they go back as."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, final


@final
class Undefined:
    """The class of `UNDEFINED`."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return the name of its only instance."""
        return "UNDEFINED"

    def __bool__(self) -> bool:
        """Return False, as `undefined` is in JavaScript."""
        return False


UNDEFINED: Final = Undefined()
"""No value, as JavaScript knows it beside null, which is None."""


class BigInt(int):
    """An integer that is a `bigint` in JavaScript, whatever its size. Calculating with it gives an `int`."""

    def __repr__(self) -> str:
        """Return how it is made."""
        return f"BigInt({int(self)})"


class JsDate:
    """A `Date` that no `datetime` can hold: an invalid one, or one outside the years 1 to 9999."""

    __slots__ = ("milliseconds",)

    def __init__(self, milliseconds: int | None) -> None:
        """`milliseconds`: since 1970-01-01T00:00:00Z; None: no point in time."""
        self.milliseconds = milliseconds

    def __eq__(self, other: object) -> bool:
        """Return whether both are the same point in time, or none."""
        return isinstance(other, JsDate) and other.milliseconds == self.milliseconds

    def __hash__(self) -> int:
        """Return a hash that equal dates share."""
        return hash((JsDate, self.milliseconds))

    def __repr__(self) -> str:
        """Return how it is made."""
        return f"JsDate({self.milliseconds})"


class JsMap(Mapping[Any, Any]):
    """A `Map`: its keys are any values, lists too, so they are compared one by one. `dict(m)` if all can be hashed."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: Iterable[tuple[Any, Any]] = ()) -> None:
        """`pairs`: keys and values, in the order of the map."""
        self.pairs: list[tuple[Any, Any]] = [(key, value) for key, value in pairs]

    def __getitem__(self, key: Any) -> Any:
        """Return the value under a key of the same type that is equal."""
        for known, value in self.pairs:
            if known is key or (type(known) is type(key) and known == key):
                return value
        raise KeyError(key)

    def __iter__(self) -> Iterator[Any]:
        """Return the keys, in order."""
        return (key for key, _ in self.pairs)

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self.pairs)

    def __eq__(self, other: object) -> bool:
        """Return whether both have equal pairs in the same order."""
        return isinstance(other, JsMap) and other.pairs == self.pairs

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Return how it is made."""
        return f"JsMap({self.pairs!r})"


class JsSet(list[Any]):
    """The items of a `Set`, in its order: they may be lists and dicts, which no Python set holds."""


class Bare(dict[str, Any]):
    """An object without a prototype."""


class Sparse:
    """An array with holes."""

    __slots__ = ("items", "length")

    def __init__(self, length: int, items: Mapping[int, Any]) -> None:
        """`items`: what is there, by its index, ascending and below `length`."""
        self.length = length
        self.items = dict(items)

    def __eq__(self, other: object) -> bool:
        """Return whether both have the same length and equal items."""
        return isinstance(other, Sparse) and (other.length, other.items) == (self.length, self.items)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Return how it is made."""
        return f"Sparse({self.length}, {self.items!r})"


class Buffer(bytes):
    """The bytes of a `Buffer` of Node. Plain `bytes` are a `Uint8Array`."""


class ArrayBuffer(bytes):
    """The bytes of an `ArrayBuffer`."""


class DataView(bytes):
    """The bytes of a `DataView`."""


class Clamped(bytes):
    """The bytes of a `Uint8ClampedArray`."""
