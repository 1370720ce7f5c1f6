"""Tools that workflows of the tests have as nodes."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time

from lockstep_worker import UNDEFINED, Context, tool

log = logging.getLogger("node_tools")


class NoLuckError(Exception):
    code = "NO_LUCK"


def await_file(path):
    while not os.path.exists(path):
        time.sleep(0.002)


@tool
def same(value=UNDEFINED):
    return value


@tool
def add(a, b=1):
    return a + b


@tool
async def double(value):
    return value * 2


@tool
def halves(value):
    return {"left": value[: len(value) // 2], "right": value[len(value) // 2 :]}


@tool
def size(value):
    return "many" if len(value) > 2 else "few"


@tool
def fail(value):
    raise NoLuckError(f"no luck with {value}")


@tool
def fail_from(value):
    try:
        {}[value]
    except KeyError as error:
        raise NoLuckError("no such key") from error


@tool
def flaky(value, ctx: Context):
    """Fail as often as it is told."""
    if ctx.attempt.failures < value:
        raise NoLuckError(f"failure {ctx.attempt.failures}")
    return ctx.attempt.attempt


@tool
def fail_odd(value):
    if value % 2 == 1:
        raise NoLuckError(f"{value} is odd")
    return value


@tool
def where(ctx: Context, value=None):
    attempt = ctx.attempt
    return [attempt.node_id, attempt.scope, attempt.visit, list(attempt.iterations), attempt.idempotency_key]


@tool
def newton(value, target):
    return (value + target / value) / 2


@tool
def count(ctx: Context, value=None):
    ctx.set_state((ctx.state or 0) + 1)
    return ctx.state


@tool
def items(value):
    for each in value:
        yield each * 10
    return len(value)


@tool
def unreadable(value=None):
    return {"rows": [1, object()]}


@tool
def whole(ctx: Context, value=None):
    return "no dict"


@tool
def matrix(rows, columns):
    import numpy

    return numpy.arange(rows * columns, dtype="float64").reshape(rows, columns)


@tool
def total(value):
    return float(value.sum())


# What they say


@tool
def chatter(ctx: Context, value=None):
    log.warning("through logging", extra={"n": 1})
    ctx.log.info("through the context")
    print("printed")
    return "said"


@tool
def print_together(folder, ctx: Context):
    """Print while another call of it does."""
    name = f"{folder}/{ctx.attempt.node_id}"
    write(f"{name}-begun")
    while sum(each.endswith("-begun") for each in os.listdir(folder)) < 2:
        time.sleep(0.002)
    sys.stdout.write(f"printed by {ctx.attempt.node_id}\n")
    write(f"{name}-printed")
    while sum(each.endswith("-printed") for each in os.listdir(folder)) < 2:
        time.sleep(0.002)


@tool
def whisper(ctx: Context):
    key = ctx.secret("KEY")
    print(f"printed {key}", flush=True)
    log.warning("logged %s", key, extra={"key": key})
    apart = threading.Thread(target=log.warning, args=("apart %s", key), kwargs={"extra": {"key": key}})
    apart.start()
    apart.join()
    ctx.progress(1, message=f"doing {key}")
    ctx.emit({"key": key})
    raise NoLuckError(f"raised {key}")


# Files that tests look at


def write(path, text=""):
    with open(path, "w") as file:
        file.write(text)


@tool
def note(path, ctx: Context, value=None):
    """Add a line to a file: an effect that can be counted."""
    with open(path, "a") as file:
        file.write(f"{ctx.attempt.node_id} {ctx.attempt.attempt}\n")
    return value


@tool
def hold(folder, ctx: Context):
    """Say in a folder that it has begun, and go on when a file is there or the call is cancelled."""
    name = f"{folder}/{ctx.attempt.node_id}"
    write(f"{name}-begun")
    while not os.path.exists(f"{folder}/go") and not ctx.cancelled:
        time.sleep(0.002)
    write(f"{name}-ended", "cancelled" if ctx.cancelled else "done")
    return ctx.attempt.node_id


@tool
def pid(value=None):
    return os.getpid()


@tool
def pid_beside(folder, number, ctx: Context):
    """Tell the process, once as many calls have begun."""
    write(f"{folder}/{ctx.attempt.node_id}")
    while len(os.listdir(folder)) < number:
        time.sleep(0.002)
    return os.getpid()


@tool
def note_and_hold(path, ctx: Context):
    """Count an attempt; hold the thread in the first one, deaf to cancels, beside a child that is deaf to SIGTERM."""
    number = ctx.attempt.attempt
    with open(path, "a") as file:
        file.write(f"{ctx.attempt.node_id} {number}\n")
    if number > 1:
        return number
    script = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    child.stdout.readline()
    write(f"{path}-new", f"{os.getpid()} {child.pid}")
    os.rename(f"{path}-new", f"{path}-pids")
    await_file(f"{path}-never")
    return number


# Ends


def _die_once(path):
    if not os.path.exists(path):
        write(path)
        os._exit(3)


@tool
def die_once(path):
    """End the process the first time."""
    _die_once(path)
    return "survived"


@tool(idempotent=True)
def die_once_idempotent(path):
    _die_once(path)
    return "survived"


@tool(idempotent=True)
async def die_once_later(path):
    _die_once(path)
    return "survived"


def _hang(folder, ctx):
    if ctx.attempt.attempt == 1:
        write(f"{folder}/{ctx.attempt.node_id}")
        time.sleep(600)
    return ctx.attempt.attempt


@tool
def hang(folder, ctx: Context):
    """Never end the first time."""
    return _hang(folder, ctx)


@tool(idempotent=True)
def hang_idempotent(folder, ctx: Context):
    return _hang(folder, ctx)


@tool
def die_beside(folder, number):
    """End the process when as many others have begun."""
    while len(os.listdir(folder)) < number:
        time.sleep(0.002)
    os.kill(os.getpid(), signal.SIGKILL)


@tool
def traced(ctx: Context):
    with ctx.span("load", rows=3) as span:
        span.set(kind="table")
        with ctx.span("parse"):
            pass
    try:
        with ctx.span("fit"):
            raise NoLuckError("flat")
    except NoLuckError:
        pass
    return ctx.traceparent


@tool
def print_later(path):
    """Prints once a file is there, long after it has answered."""

    def wait():
        await_file(path)
        print("printed later", flush=True)

    threading.Thread(target=wait, daemon=True).start()
