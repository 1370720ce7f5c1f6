"""Passes what is logged in this process, and warnings, on to the host."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, Final, Protocol

from .codec import encode_value
from .context import current_call
from .errors import ValueNotEncodableError

_CALL: Final = "lockstep_call"
"""The attribute of a record that names the call it belongs to, where the thread that logs does not."""
_KNOWN: Final = frozenset(
    (*vars(logging.LogRecord("", 0, "", 0, "", None, None)), "message", "asctime", "taskName", _CALL)
)


class Listener(Protocol):
    """Who is told what was logged."""

    def log(self, call: Any, content: list[Any], /) -> bool:
        """Pass on what a frame SAID holds, about a call, if it is one; return whether there was anybody to tell."""


class HostHandler(logging.Handler):
    """Tells the host; as long as there is none, stderr."""

    def __init__(self, listener: Listener) -> None:
        """`listener`: who passes it on."""
        super().__init__()
        self._listener = listener
        self._stderr = logging.StreamHandler(sys.stderr)

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one record on."""
        try:
            call = getattr(record, _CALL, None) or current_call.get()
            if not self._listener.log(call, content_of(record)):
                self._stderr.handle(record)
        except Exception:
            self.handleError(record)


if TYPE_CHECKING:
    _Adapter = logging.LoggerAdapter[logging.Logger]
else:  # Python 3.10 does not take the type at run time.
    _Adapter = logging.LoggerAdapter


class CallLogger(_Adapter):
    """A logger whose records belong to one call, whichever thread logs."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the call to what the user adds."""
        kwargs["extra"] = {**(kwargs.get("extra") or {}), **(self.extra or {})}
        return msg, kwargs


def call_logger(name: str, call: object) -> CallLogger:
    """Return a logger of a name for a call."""
    return CallLogger(logging.getLogger(name), {_CALL: call})


def install(listener: Listener) -> None:
    """Have the root logger pass on what is logged from INFO on, and warnings too."""
    root = logging.getLogger()
    root.addHandler(HostHandler(listener))
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)


def content_of(record: logging.LogRecord) -> list[Any]:
    """Return what a frame SAID holds of a record. Fields that cannot be passed are told as Python shows them."""
    fields = {name: _passable(value) for name, value in vars(record).items() if name not in _KNOWN}
    if record.exc_info:
        fields["exception"] = logging.Formatter().formatException(record.exc_info)
    return ["log", level_name(record.levelno), record.name, record.getMessage(), fields]


def level_name(level: int) -> str:
    """Return what the host calls a level."""
    if level < logging.INFO:
        return "debug"
    if level < logging.WARNING:
        return "info"
    return "warn" if level < logging.ERROR else "error"


def _passable(value: Any) -> Any:
    try:
        encode_value(value)
    except ValueNotEncodableError:
        return repr(value)
    return value
