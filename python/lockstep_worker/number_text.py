"""Numbers between the text of ECMAScript, where every number is a double, and Python."""

from __future__ import annotations

MAX_SAFE_INTEGER = 2**53 - 1
"""The largest integer n such that neither n nor n + 1 is rounded where numbers are doubles."""

_MOST_DIGITS = len(str(MAX_SAFE_INTEGER))
_LAST_PLAIN_POINT = 21
_FIRST_PLAIN_POINT = -5


def number_text(value: float) -> str:
    """Return a finite number other than -0 as ECMAScript writes it (ECMA-262, Number::toString)."""
    text = repr(value)
    if "e" not in text:
        return text.removesuffix(".0")
    mantissa, exponent = text.split("e")
    sign = "-" if mantissa.startswith("-") else ""
    digits = mantissa.removeprefix("-").replace(".", "")
    point = int(exponent) + 1
    if len(digits) <= point <= _LAST_PLAIN_POINT:
        return sign + digits.ljust(point, "0")
    if _FIRST_PLAIN_POINT <= point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1:+d}"


def integer_of(text: str) -> int | float:
    """Return the number of a JSON text without fraction and exponent: a float where a double rounds it, and for -0."""
    if text == "-0":
        return -0.0
    if len(text.removeprefix("-")) > _MOST_DIGITS:
        return float(text)
    number = int(text)
    return number if -MAX_SAFE_INTEGER <= number <= MAX_SAFE_INTEGER else float(text)
