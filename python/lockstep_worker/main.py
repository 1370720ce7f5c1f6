"""A worker process, from its arguments to its end."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from time import monotonic
from typing import Any, Final, NoReturn

from . import logging_bridge
from .calls import Calls
from .errors import LockstepError, SettingsError
from .lifelines import Event, Events, die_with_parent, end_group, watch_stdin
from .server import Server
from .settings import PROTOCOL, Settings, read_settings

_WAIT_ALONE_SECONDS: Final = 1.0
"""How long tools get to end where no host is left to decide that."""

_log = logging.getLogger(__name__)


def main(arguments: Sequence[str]) -> NoReturn:
    """Be a worker; `arguments`: the last one names the file with the settings. Returns never: the process ends."""
    _write_lines()
    events = Events()
    die_with_parent()
    watch_stdin(events)
    settings, ready_file = _settings(arguments)
    if isinstance(settings, SettingsError):
        _end_unserved(ready_file, settings)
    sys.path[:0] = settings.paths
    calls = Calls(settings)
    logging_bridge.install(calls)
    server = Server(settings, calls.connected)
    calls.info.handler = lambda: server.handler
    try:
        for module in settings.preload:
            calls.performer.registry.load(module)
        calls.start()
        address = server.start()
    except LockstepError as error:
        _end_unserved(ready_file, error)
    _write_ready(settings.ready_file, {"address": address, "pid": os.getpid()})
    event = events.wait()
    server.refuse_health()
    calls.stop(lambda: events.tell("idle"))
    _wait_until_idle(event, events)
    calls.end_stream()
    server.stop()
    _end(0)


def _write_lines() -> None:
    """Write what is printed line by line, also where PYTHONUNBUFFERED is set.

    Unbuffered, print() writes a text and its end apart, and another thread may print between them.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(line_buffering=True, write_through=False)


def _wait_until_idle(event: Event | None, events: Events) -> None:
    """Wait until all calls are over: as long as the host likes, and not long when it is gone."""
    until: float | None = None
    while event not in ("idle", None):
        if event == "host gone" and until is None:
            until = monotonic() + _WAIT_ALONE_SECONDS
        event = events.wait(None if until is None else max(0.0, until - monotonic()))


def _settings(arguments: Sequence[str]) -> tuple[Settings | SettingsError, str | None]:
    if not arguments:
        return SettingsError("The last argument of a worker names the file with its settings; there is none."), None
    return read_settings(arguments[-1])


def _end_unserved(ready_file: str | None, error: LockstepError) -> NoReturn:
    """Say why the worker cannot serve, and end."""
    _log.error("The worker cannot serve.", exc_info=error)
    if ready_file is not None:
        _write_ready(ready_file, {"error": {"code": error.code, "message": str(error)}})
    _end(2)


def _write_ready(path: str, content: dict[str, Any]) -> None:
    unfinished = Path(f"{path}.{os.getpid()}")
    unfinished.write_text(json.dumps({"protocol": PROTOCOL, **content}), "utf-8")
    unfinished.replace(path)


def _end(code: int) -> NoReturn:
    """End at once: threads that still run, and what they hold, must not keep the process."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # A tool has closed it, or put something else in its place.
            stream.flush()
    end_group()
    os._exit(code)
