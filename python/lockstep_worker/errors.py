"""Errors with a code that the host knows them by."""

from __future__ import annotations

from typing import Any


class LockstepError(Exception):
    """What every error of this package is. `code` is stable; the message says what happened and what to do."""

    code: str

    def __init__(self, message: str, **details: Any) -> None:
        """`details`: what the message is about, by name, as plain data."""
        super().__init__(message)
        self.details = details


class ValueNotEncodableError(LockstepError):
    """A value cannot be passed to the host: it would not arrive as what it is."""

    code = "VALUE_NOT_ENCODABLE"

    def __init__(self, at: str, why: str) -> None:
        """`at`: where the value is, as in `output.rows[3]`; `why`: the rest of a sentence about it."""
        super().__init__(f"The value at {at} {why}.", at=at)
        self.at = at


class FrameUnreadableError(LockstepError):
    """What the other end of the stream sent cannot be read."""

    code = "FRAME_UNREADABLE"


class CallCancelledError(LockstepError):
    """The host has no more use for the answer. Raised by `Context.check()`; a tool may clean up and lets it pass."""

    code = "CALL_CANCELLED"


class SecretUndeclaredError(LockstepError):
    """A tool asked for a secret that its node does not declare."""

    code = "SECRET_UNDECLARED"


class HostToolError(LockstepError):
    """A function of the host, called with `Context.call_host`, has failed, or there is none of that name.

    What it threw was caused by is the `__cause__`, another HostToolError.
    """

    def __init__(self, message: str, *, tool: str, code: str, name: str) -> None:
        """Say what was thrown: `code` and `name` are those of the error in the host, `tool` is who threw it."""
        super().__init__(message)
        self.tool = tool
        self.code = code
        self.name = name


class ArgumentsError(LockstepError):
    """A tool was called with arguments that do not fit its signature."""

    code = "PYTHON_ARGUMENTS"


class ModuleMissingError(LockstepError):
    """The module of a tool does not exist where this worker looks for modules."""

    code = "PYTHON_MODULE_MISSING"


class ImportFailedError(LockstepError):
    """The module of a tool raised an exception while it was imported, which is the `__cause__`."""

    code = "PYTHON_IMPORT_FAILED"


class ToolUndeclaredError(LockstepError):
    """A module has no tool of the name that was called."""

    code = "TOOL_UNDECLARED"


class SettingsError(LockstepError):
    """A worker was started with settings that it cannot use."""

    code = "SETTINGS_INVALID"


class ServingError(LockstepError):
    """A worker cannot serve where it is told to."""

    code = "SERVING_FAILED"


class ToolStreamsError(LockstepError):
    """A tool yields or emits items, and whoever calls it takes none."""

    code = "TOOL_STREAMS"


class PayloadTooLargeError(LockstepError):
    """A value has more bytes than the host and its workers pass to each other."""

    code = "PAYLOAD_TOO_LARGE"


class WorkerStoppedError(LockstepError):
    """The worker ends, and begins nothing more."""

    code = "WORKER_STOPPED"


class UnknownFrameError(LockstepError):
    """The host said something that this version of the worker does not know."""

    code = "UNKNOWN_FRAME"
