"""Tools that benchmarks call."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
from lockstep_worker import tool


@tool
def take(data: np.ndarray) -> int:
    """Return how many items came."""
    return len(data)


@cache
def _ones(items: int) -> np.ndarray:
    return np.ones(items)


@tool
def give(items: int) -> np.ndarray:
    """Return an array that was there before."""
    return _ones(items)


@tool
def count(items: int, text: str) -> Iterator[str]:
    """Yield a text so many times."""
    for _ in range(items):
        yield text
