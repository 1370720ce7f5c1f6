"""Spans of W3C Trace Context, below the one that the host gave to a call."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

_TRACEPARENT: Final = re.compile("([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


class Span:
    """A part of a call that is measured."""

    def __init__(self, traceparent: str | None, attributes: dict[str, Any]) -> None:
        """`traceparent`: of the span itself; None: nobody traces the call."""
        self.traceparent = traceparent
        """To be passed on to what is called inside of it; None: nobody traces the call."""
        self.attributes = attributes

    def set(self, **attributes: Any) -> None:
        """Add attributes; those of the same name are replaced."""
        self.attributes.update(attributes)


def child_of(traceparent: str | None) -> str | None:
    """Return a new span of the same trace; None where there is none."""
    parts = None if traceparent is None else _TRACEPARENT.fullmatch(traceparent)
    return None if parts is None else f"{parts[1]}-{parts[2]}-{secrets.token_hex(8)}-{parts[4]}"


@contextmanager
def measured(
    name: str, traceparent: str | None, attributes: dict[str, Any], say: Callable[[list[Any]], None]
) -> Iterator[Span]:
    """Give a new span below `traceparent`, and say how long the body took; nothing is said where nobody traces."""
    span = Span(child_of(traceparent), attributes)
    start, began = time.time(), time.perf_counter()
    error: str | None = None
    try:
        yield span
    except BaseException as raised:
        error = f"{type(raised).__qualname__}: {raised}"
        raise
    finally:
        if span.traceparent is not None:
            start_ms = round(start * 1000, 3)
            end_ms = round(start_ms + (time.perf_counter() - began) * 1000, 3)
            say(["span", name, span.traceparent, start_ms, end_ms, span.attributes, error])
