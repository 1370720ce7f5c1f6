"""The tools that test/contract/executor.ts asks every executor for."""

import os
import time

from lockstep_worker import UNDEFINED, Context, tool


@tool
def echo(value=UNDEFINED):
    return value


class NoLuckError(Exception):
    code = "NO_LUCK"


@tool
def fail(value):
    raise NoLuckError(f"no luck with {value}")


def write(path, text=""):
    with open(path, "w") as file:
        file.write(text)


@tool
def hold(value, ctx: Context):
    """End when the call is cancelled, and say so in a file."""
    write(value["started"])
    while not ctx.cancelled:
        time.sleep(0.002)
    write(value["told"], "aborted" if ctx.awaited else "gone")
    return "told"


@tool
def late(value, ctx: Context):
    """End when a file says so, whatever the call is told."""
    if ctx.attempt.attempt > 1:
        return ctx.attempt.attempt
    while not os.path.exists(value["finish"]) and os.path.exists(os.path.dirname(value["finish"])):
        time.sleep(0.002)
    if os.path.exists(value["finish"]):
        write(value["finished"])
    return "too late"


@tool
def meet(value, ctx: Context):
    """End when as many of it are in flight together."""
    write(f"{value['folder']}/{ctx.attempt.node_id}")
    while len(os.listdir(value["folder"])) < value["number"]:
        time.sleep(0.002)
    return "met"


@tool
def alone(value, ctx: Context):
    """Fail where another call of it is in flight."""
    if any(name.startswith("busy") for name in os.listdir(value)):
        raise RuntimeError("not alone")
    busy = f"{value}/busy-{ctx.attempt.node_id}"
    write(busy)
    time.sleep(0.005)
    os.remove(busy)
    return "alone"


@tool
def about(ctx: Context, value=None):
    attempt = ctx.attempt
    return {
        "runId": attempt.run_id,
        "nodeId": attempt.node_id,
        "attempt": attempt.attempt,
        "visit": attempt.visit,
        "idempotencyKey": attempt.idempotency_key,
        "state": ctx.state,
        "context": attempt.context,
        "secret": ctx.secret("KEY"),
    }


@tool
def talk(value, ctx: Context):
    ctx.log.info("begins")
    ctx.progress(1, 2, "one")
    ctx.emit(value)


@tool
def count(ctx: Context, value=None):
    ctx.set_state(ctx.state + 1)
    return ctx.state


@tool
def die(value=None):
    """End the process."""
    os._exit(3)
