"""Paths into a value, as error messages show them: in the notation of JavaScript, on both sides of the wire."""

from __future__ import annotations

import json
import re

_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_LONGEST_PATH = 120


def path_step(key: str | int) -> str:
    """Return one step of a path: `.rows`, `["two words"]`, `[3]`."""
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if _IDENTIFIER.fullmatch(key) else f"[{json.dumps(key)}]"


def short_path(path: str) -> str:
    """Return a path as a message shows it: the middle of a very long one is left out."""
    if len(path) <= _LONGEST_PATH:
        return path
    return f"{path[: _LONGEST_PATH // 2]}…{path[-_LONGEST_PATH // 2 :]}"
