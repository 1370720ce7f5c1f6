"""Tools that the tests of workers call."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from array import array

from lockstep_worker import Context, Result, tool


def await_file(path):
    while not os.path.exists(path):
        time.sleep(0.002)


@tool
def same(value=None):
    return value


@tool
async def same_later(value):
    await asyncio.sleep(0)
    return value


@tool
def await_then(path, ctx: Context, value=None):
    """Hold a thread until there is a file, deaf to cancels."""
    ctx.progress(1, message="begun")
    await_file(path)
    return value


@tool
def await_gently(ctx: Context):
    """Hold a thread until the call is cancelled."""
    ctx.progress(1, message="begun")
    while True:
        ctx.check()
        time.sleep(0.001)


@tool
async def await_event(ctx: Context):
    """Hold no thread until the call is cancelled."""
    ctx.progress(1, message="begun")
    await asyncio.Event().wait()


@tool
def note(name, ctx: Context):
    ctx.session[name] = ctx.session.get(name, 0) + 1
    return ctx.session[name]


@tool
def noted(name, ctx: Context):
    return ctx.session.get(name, 0)


@tool
def session(ctx: Context):
    return ctx.session_id


@tool
def traceparent(ctx: Context):
    return ctx.traceparent


@tool
def remaining(ctx: Context):
    return ctx.remaining()


@tool
def attempt(ctx: Context):
    ctx.set_state({"visits": (ctx.state or {"visits": 0})["visits"] + 1})
    ctx.log.info("logged", extra={"n": 1})
    with ctx.span("inner", size=2):
        pass
    return [ctx.attempt.run_id, ctx.attempt.node_id, ctx.attempt.visit, ctx.secret("KEY"), ctx.attempt.idempotency_key]


# Streams


@tool
def count(upto, wide=0):
    for n in range(upto):
        yield [n, "x" * wide] if wide else n
    return "counted"


@tool
async def count_later(upto):
    for n in range(upto):
        yield n
    yield Result("counted")


@tool
def count_noting(name, ctx: Context):
    """Yield for ever, and note how many items were let go."""
    n = 0
    try:
        while True:
            ctx.session[name] = n
            yield n
            n += 1
    finally:
        ctx.session[name + " closed"] = True


@tool
def long_noting(name, size, ctx: Context):
    """Yield long items for ever, and note how many were let go."""
    n = 0
    while True:
        ctx.session[name] = n
        yield bytes(size)
        n += 1


@tool
def double(ctx: Context):
    for item in ctx.items():
        yield item * 2
    return "fed"


@tool
def total(ctx: Context):
    return sum(ctx.items())


@tool
def first_two(ctx: Context):
    items = ctx.items()
    return [next(items), next(items)]


@tool
def count_then_fail(upto):
    for n in range(upto):
        yield n
    raise ValueError("no more")


@tool
def count_then_die(upto, ctx: Context):
    for n in range(upto):
        yield n
    os.kill(os.getpid(), signal.SIGKILL)


@tool
def count_arrays(upto, length):
    for n in range(upto):
        yield array("d", [n]) * length


# Errors


class TeapotError(Exception):
    code = "TEAPOT"


@tool
def fail(message="bad"):
    raise ValueError(message)


@tool
async def fail_later():
    raise TeapotError("short and stout")


@tool
def fail_because():
    try:
        {}["key"]
    except KeyError as error:
        raise TeapotError("no tea") from error


@tool
def unwritable():
    return {"rows": [1, object()]}


# Ends


@tool
def exit_with(code):
    os._exit(code)


@tool
def die(ctx: Context, name="SIGKILL"):
    os.kill(os.getpid(), getattr(signal, name))
    time.sleep(60)


@tool
def hold_interpreter(seconds, ctx: Context):
    """Hold the lock of the interpreter: no other thread runs."""
    ctypes.PyDLL(None).usleep(int(seconds * 1e6))
    return "held"


@tool
def start_child():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    return child.pid


@tool
def start_large_child(size):
    """Return when a child holds so many bytes."""
    program = "import sys; held = b'x' * int(sys.argv[1]); print(len(held), flush=True); sys.stdin.read()"
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(size)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert int(child.stdout.readline()) == size
    return child.pid


@tool
def threads():
    return threading.active_count()


@tool
def long_bytes(length):
    return bytes(length)


@tool
def long_text(length):
    return "x" * length


@tool
def length_of(value):
    return len(value)


@tool
def output_modes():
    return [[stream.line_buffering, stream.write_through] for stream in (sys.stdout, sys.stderr)]


@tool
def complain(text):
    print(text)
    print(text, file=sys.stderr)
