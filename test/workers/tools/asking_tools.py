"""Tools that call functions of their host."""

import asyncio

from lockstep_worker import CallCancelledError, Context, HostToolError, tool


@tool
def ask(name, ctx: Context, args=None):
    """Return what a host tool returns."""
    return ctx.call_host(name, **(args or {}))


@tool
async def ask_later(name, ctx: Context, args=None):
    return await ctx.call_host_async(name, **(args or {}))


@tool
def echoed(value, ctx: Context):
    return ctx.call_host("echo", value=value)


@tool
def ask_each(name, count, ctx: Context):
    """Yield what a host tool returns for each number."""
    for n in range(count):
        yield ctx.call_host(name, n=n)
    return "asked"


@tool
async def ask_each_later(name, count, ctx: Context):
    for n in range(count):
        yield await ctx.call_host_async(name, n=n)


@tool
def seen(name, ctx: Context):
    """Return what Python sees of a value that a host tool returns, and what the host sees of it again."""
    value = ctx.call_host(name)
    return {"type": type(value).__name__, "text": repr(value), "back": ctx.call_host("echo", value=value)}


@tool
def caught(name, ctx: Context):
    """Return what is known of the failure of a host tool."""
    try:
        return ctx.call_host(name)
    except HostToolError as error:
        causes = []
        cause = error.__cause__
        while cause is not None:
            causes.append([cause.code, cause.name, str(cause)])
            cause = cause.__cause__
        return {"code": error.code, "name": error.name, "message": str(error), "tool": error.tool, "causes": causes}


@tool
def ask_until_cancelled(name, ctx: Context):
    """Note in the session which exception ended a question."""
    try:
        return ctx.call_host(name)
    except CallCancelledError as error:
        ctx.session["ended"] = str(error)
        raise


@tool
async def ask_until_cancelled_later(name, ctx: Context):
    try:
        return await ctx.call_host_async(name)
    except CallCancelledError as error:
        ctx.session["ended"] = str(error)
        raise


@tool
def ended(ctx: Context):
    return ctx.session.pop("ended", None)


@tool
async def leave_question(name, ctx: Context):
    """Answer while a question of the call is still open."""
    ctx.session["left"] = asyncio.ensure_future(ctx.call_host_async(name))
    await asyncio.sleep(0)
    return "left"


@tool
def array(size, ctx: Context):
    """Have the host double the numbers of an array, and return the sum of the answer."""
    import numpy as np

    doubled = ctx.call_host("double", values=np.arange(size, dtype="float64"))
    return {"sum": float(np.sum(doubled)), "writeable": bool(doubled.flags.writeable), "dtype": str(doubled.dtype)}


@tool
def unpassable(ctx: Context):
    return ctx.call_host("echo", rows=[1, {"two words": object()}])


@tool
def much(size, ctx: Context):
    return ctx.call_host("echo", data=bytes(size))


@tool
def countdown(n, ctx: Context):
    """Have the host call this tool again, until there is nothing left."""
    return 0 if n == 0 else 1 + ctx.call_host("again", n=n - 1)


@tool
async def countdown_later(n, ctx: Context):
    return 0 if n == 0 else 1 + await ctx.call_host_async("again_later", n=n - 1)
