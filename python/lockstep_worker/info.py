"""What a worker knows of itself."""

from __future__ import annotations

import os
import platform
import resource
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from .settings import Settings

if TYPE_CHECKING:
    from .calls import Calls

_STARTED: Final = time.time()


class Info:
    """Counts calls, and describes the worker."""

    def __init__(self, settings: Settings, calls: Calls) -> None:
        """Begin to count."""
        self._settings = settings
        self._calls = calls
        self.begun = 0
        """Counted by who reads, so by one thread at a time."""
        self._failed = 0
        self._cancelled = 0
        self._lock = threading.Lock()
        self.handler: Callable[[], str] = lambda: "unknown"
        """Tells how the stream is handled; see `Server.handler`."""

    def count_failed(self) -> None:
        """Count one more call that failed."""
        with self._lock:
            self._failed += 1

    def count_cancelled(self) -> None:
        """Count one more call that was cancelled."""
        with self._lock:
            self._cancelled += 1

    def _call_counts(self) -> dict[str, int]:
        with self._lock:
            failed, cancelled = self._failed, self._cancelled
        answered = self.begun - failed - cancelled - self._calls.live
        return {"begun": self.begun, "answered": answered, "failed": failed, "cancelled": cancelled}

    def worker(self) -> dict[str, Any]:
        """Return what a frame WELCOME says."""
        from . import __version__  # noqa: PLC0415

        return {
            "id": self._settings.worker,
            "pid": os.getpid(),
            "version": __version__,
            "language": "python",
            "languageVersion": platform.python_version(),
            "executable": sys.executable,
            "packages": installed_packages(),
        }

    def load(self, asking: int = 0) -> dict[str, Any]:
        """Return how much there is to do at present, without `asking` calls that are performed to ask this."""
        calls = self._calls
        waiting = calls.crew.waiting
        return {
            "running": max(0, calls.live - waiting - asking),
            "waiting": waiting,
            "held": calls.held,
            "threads": threading.active_count(),
            "rssBytes": _resident_bytes(),
        }

    def all(self) -> dict[str, Any]:
        """Return what the command `info` returns."""
        worker = self.worker()
        del worker["id"]
        return {
            **worker,
            "handler": self.handler(),
            "startedMs": int(_STARTED * 1000),
            "modules": {
                module: [
                    {
                        "name": tool.name,
                        "parameters": [
                            {"name": one.name, "annotation": one.annotation, "required": one.required}
                            for one in tool.parameters
                        ],
                        "returns": tool.returns,
                        "form": tool.form,
                        "idempotent": tool.idempotent,
                    }
                    for tool in tools.values()
                ]
                for module, tools in self._calls.performer.registry.loaded.items()
            },
            "calls": self._call_counts(),
            "load": self.load(asking=1),
        }


@cache
def installed_packages() -> dict[str, str]:
    """Return the installed packages with their versions, by what their folders are called: nothing is opened."""
    found: dict[str, str] = {}
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            if name.endswith(".dist-info"):
                package, _, version = name.removesuffix(".dist-info").rpartition("-")
                found.setdefault(package.lower().replace("_", "-"), version)
    return dict(sorted(found.items()))


def _resident_bytes() -> int:
    """Return how much memory this process holds; where Linux does not say so, how much it held at most."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
