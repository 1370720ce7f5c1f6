"""The commands that every worker has. Whoever reads them performs them, so they never wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from .errors import ArgumentsError

BUILTIN: Final = frozenset(("ping", "echo", "info"))


def perform_builtin(command: str, arguments: Mapping[str, Any], info: Callable[[], dict[str, Any]]) -> Any:
    """Return what a command returns. Raises ArgumentsError for arguments that it does not take."""
    takes = ("value",) if command == "echo" else ()
    missing = [name for name in takes if name not in arguments]
    unknown = [name for name in arguments if name not in takes]
    if missing or unknown:
        problems = [f"{name} is missing" for name in missing] + [f"{name} is unknown" for name in unknown]
        what = f"The arguments of the command {command} do not fit: {'; '.join(problems)}."
        raise ArgumentsError(what, missing=missing, unknown=unknown)
    if command == "echo":
        return arguments["value"]
    return "pong" if command == "ping" else info()
