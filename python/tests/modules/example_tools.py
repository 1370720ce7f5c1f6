from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import lockstep_worker
from lockstep_worker import Context, tool

if TYPE_CHECKING:
    from elsewhere import Unknown

    from lockstep_worker import Context as Seen  # noqa: F401


@tool
def score(rows: list[float], limit: int = 100, *, ctx: Context) -> Unknown:
    return (rows, limit, ctx)


@tool(name="renamed", idempotent=True)
def other(here: Context | None, there: lockstep_worker.Context | None = None, value: Unknown = 1):
    return here, there, value


@tool
def later(ctx: Context | Defined) -> None: ...


class Defined: ...


@tool
def anything(first, **others: Any):
    return first, others


@tool
async def fetch(url: str): ...


@tool
def tokens(text: str):
    yield text


@tool
async def pages(url: str):
    yield url


def traced(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*arguments: Any, **named: Any) -> Any:
        return function(*arguments, **named)

    return wrapper


@tool
@traced
def wrapped(a: int, ctx: Context) -> int: ...


def undeclared(): ...
