from __future__ import annotations

import asyncio
import builtins
import contextlib
import logging
import os
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lockstep_worker import CallCancelledError, Context, HostToolError, LockstepError, Result, current_context, tool

# Simple ones


@tool(idempotent=True)
def add(a: int, b: int = 10) -> int:
    return a + b


@tool
async def add_later(a: int, b: int) -> int:
    await asyncio.sleep(0)
    return a + b


@tool
def same(value: Any) -> Any:
    return value


@tool
async def same_later(value: Any) -> Any:
    return value


@tool
def describe(ctx: Context) -> dict[str, Any]:
    attempt = ctx.attempt
    return {
        "node": attempt and attempt.node_id,
        "iteration": attempt and attempt.iteration,
        "secret": attempt and ctx.secret("TOKEN"),
        "state": ctx.state,
        "context": attempt and attempt.context,
        "remaining": ctx.remaining(),
        "session": ctx.session_id,
        "traceparent": ctx.traceparent,
        "here": current_context() is ctx,
    }


@tool
async def describe_later() -> Any:
    await asyncio.sleep(0)
    return current_context().session_id


@tool
def remember(value: Any, ctx: Context) -> None:
    ctx.set_state(value)


# Some that take until they are told


def _gate(ctx: Context, name: str) -> threading.Event:
    return ctx.session.setdefault(name, threading.Event())


@tool
def hold(name: str, ctx: Context) -> str:
    ctx.progress(0, message="begun")
    _gate(ctx, name).wait(10)
    return name


@tool
async def release(name: str, ctx: Context) -> None:
    _gate(ctx, name).set()


@tool
def spin(ctx: Context) -> None:
    ctx.progress(0, message="begun")
    while True:
        ctx.check()
        time.sleep(0.0005)


@tool
def finish_anyway(ctx: Context) -> str:
    ctx.progress(0, message="begun")
    told = threading.Event()
    ctx.on_cancel(told.set)
    told.wait(10)
    return "finished"


@tool
def finish_late(ctx: Context) -> str:
    while not ctx.cancelled:
        time.sleep(0.0005)
    ctx.session["awaited at the end"] = ctx.awaited
    return "finished"


@tool
async def sleep_long(ctx: Context) -> None:
    ctx.progress(0, message="begun")
    try:
        await asyncio.sleep(60)
    finally:
        ctx.session["cleaned"] = True


@tool
def note(name: str, ctx: Context) -> None:
    ctx.session[name] = True


@tool
def noted(name: str, ctx: Context) -> bool:
    return bool(ctx.session.pop(name, False))


@tool
def thread_count() -> int:
    return threading.active_count()


@tool
def start_process() -> int:
    return subprocess.Popen(["sleep", "60"]).pid


# Some that fail


class OddError(Exception):
    code = "E_ODD"


@tool
def fail(message: str) -> None:
    try:
        raise KeyError("inner")
    except KeyError as error:
        raise OddError(message) from error


@tool
async def fail_later(message: str) -> None:
    raise OddError(message)


@tool
def fail_deep(levels: int) -> None:
    try:
        if levels > 1:
            fail_deep(levels - 1)
    except ValueError as error:
        raise ValueError(f"level {levels}") from error
    raise ValueError(f"level {levels}")


class GroupLike(Exception):
    """What Python 3.11 and later call ExceptionGroup."""

    def __init__(self, message: str, exceptions: list[Exception]) -> None:
        super().__init__(f"{message} ({len(exceptions)} sub-exceptions)")
        self.exceptions = tuple(exceptions)


@tool
def fail_together() -> None:
    group = getattr(builtins, "ExceptionGroup", GroupLike)
    raise group("together", [ValueError("one"), TypeError("two")])


@tool
def leave() -> None:
    sys.exit(3)


class SilentError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@tool
def fail_silently() -> None:
    raise SilentError


class TextlessError(Exception):
    def __str__(self) -> str:
        raise KeyboardInterrupt


class PropertyError(Exception):
    @property
    def code(self) -> str:
        raise RuntimeError("no code")


ODD_ERRORS: dict[str, Any] = {
    "no text": TextlessError,
    "no code": lambda: PropertyError("its code cannot be had"),
    "unpassable details": lambda: CallCancelledError("mine", thing=object()),
}


@tool
def fail_oddly(how: str) -> None:
    raise ODD_ERRORS[how]()


@tool
async def fail_oddly_later(how: str) -> None:
    raise ODD_ERRORS[how]()


@tool
def fail_at_length(levels: int, members: int, text: int) -> None:
    group = getattr(builtins, "ExceptionGroup", GroupLike)

    def made(level: int) -> Exception:
        if level == 0:
            return ValueError("v" * text)
        found: Exception = group("g" * text, [made(level - 1) for _ in range(members)])
        return found

    raise made(levels)


@tool
def fork() -> list[int]:
    """Return the pid of the worker and that of its child, which returns too."""
    return [os.getpid(), os.fork()]


@tool
def wait_for(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@tool
async def leave_task(leave: bool) -> str:
    """Have the event loop stopped: by a task that raises SystemExit, or by its name."""

    async def end() -> None:
        sys.exit(3)

    loop = asyncio.get_running_loop()
    left = loop.create_task(end()) if leave else loop.call_soon(loop.stop)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return "on" if left is not None else ""


@tool
def emit_in_own_loop(ctx: Context) -> str:
    """Wait for credit in an event loop that is closed when it comes."""

    async def emit() -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(ctx.emit_async("never"), 0.001)

    asyncio.run(emit())
    next(iter(ctx.items()))
    return "done"


@tool
def close_streams() -> None:
    sys.stdout.close()
    sys.stderr = None  # type: ignore[assignment]


@tool
def ask_secret(ctx: Context) -> str:
    return ctx.secret("OTHER")


@tool
def unpassable() -> Any:
    return {"rows": [1, {"f": object()}]}


@tool
def big(size: int) -> bytes:
    return b"x" * size


# Streams


@tool
def count(to: int, ctx: Context) -> Any:
    try:
        yield from range(to)
        return {"counted": to}
    finally:
        ctx.session["closed"] = True


@tool
async def count_later(to: int, ctx: Context) -> Any:
    try:
        for number in range(to):
            yield number
        yield Result({"counted": to})
    finally:
        ctx.session["closed"] = True


@tool
async def no_result() -> Any:
    yield 1


@tool
async def too_late() -> Any:
    yield Result(1)
    yield 2


@tool
def fail_after(items: int) -> Any:
    yield from range(items)
    raise OddError("after")


@tool
async def fail_after_later(items: int) -> Any:
    for number in range(items):
        yield number
    raise OddError("after")


@tool
def yield_bytes(size: int, to: int) -> Any:
    for _ in range(to):
        yield bytes(size)


@tool
async def emit_bytes_later(size: int, to: int, ctx: Context) -> None:
    for _ in range(to):
        await ctx.emit_async(bytes(size))


@tool
def yield_unpassable() -> Any:
    yield object()


@tool
def emit(to: int, ctx: Context) -> str:
    for number in range(to):
        ctx.emit(number)
    return "done"


@tool
async def emit_later(to: int, ctx: Context) -> str:
    for number in range(to):
        await ctx.emit_async(number)
    return "done"


@tool
def total(ctx: Context) -> int:
    return sum(ctx.items())


@tool
async def total_later(ctx: Context) -> int:
    result = 0
    async for item in ctx.items():
        result += item
    return result


@tool
def doubled(ctx: Context) -> Any:
    for item in ctx.items():
        yield 2 * item


@tool
async def doubled_later(ctx: Context) -> Any:
    async for item in ctx.items():
        yield 2 * item


@tool
def ignore_items() -> str:
    return "ignored"


# By the way


@tool
def chat(text: str, ctx: Context) -> None:
    logging.getLogger("chat").info("said %s", text, extra={"n": 1, "odd": object, "text": text})
    warnings.warn("careful", stacklevel=2)
    thread = threading.Thread(target=lambda: ctx.log.error("from a thread"))
    thread.start()
    thread.join()
    try:
        raise ValueError("logged")
    except ValueError:
        logging.getLogger("chat").debug("not told")
        logging.getLogger("chat").exception("failed")


@tool
async def chat_later() -> None:
    await asyncio.sleep(0)
    logging.getLogger("chat").warning("later")


@tool
def trace(ctx: Context) -> Any:
    with ctx.span("outer", size=3) as span:
        span.set(more=True)
    try:
        with ctx.span("inner"):
            raise LockstepError("on purpose")
    except LockstepError:
        pass
    return span.traceparent


@tool
def make_array(kind: str, ctx: Context) -> Any:
    array = ctx.empty((512, 1024), kind)
    array[:] = 7
    return array


@tool
def change(value: Any) -> Any:
    value[0] = 5
    return value[:3]


@tool
def ask_host(name: str, arguments: dict[str, Any], ctx: Context) -> Any:
    return ctx.call_host(name, **arguments)


@tool
async def ask_host_later(name: str, arguments: dict[str, Any], ctx: Context) -> Any:
    return await ctx.call_host_async(name, **arguments)


@tool
async def ask_host_in_loop(ctx: Context) -> Any:
    return ctx.call_host("any")


@tool
async def ask_host_with_patience(ctx: Context) -> Any:
    """Give up a question, and return the answer to another."""
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(ctx.call_host_async("first"), 0.01)
    return await ctx.call_host_async("second")


@tool
def ask_host_in_threads(count: int, ctx: Context) -> list[Any]:
    """Ask as many questions at a time as there are threads."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda number: ctx.call_host("double", number=number), range(count)))


@tool
def catch_host_error(ctx: Context) -> dict[str, Any]:
    try:
        return {"returned": ctx.call_host("fail")}
    except HostToolError as error:
        cause = error.__cause__
        assert isinstance(cause, HostToolError)
        told = {"code": error.code, "name": error.name, "message": str(error), "tool": error.tool}
        return {**told, "cause": [cause.code, cause.name, str(cause)]}


@tool
def ask_host_for_much(size: int, ctx: Context) -> Any:
    return ctx.call_host("any", data=bytes(size))
