"""Exceptions as the data that the host is told of them."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from .codec import encode_value
from .errors import HostToolError, LockstepError

_DEEPEST: Final = 4
"""How many exceptions of a chain of causes are told, and how many levels of a group."""
_MOST_IN_GROUP: Final = 16
_LONGEST: Final = 32_768
"""Characters of a message, and of a traceback."""
_MOST_TOLD: Final = 1 << 20
"""Characters of all messages and tracebacks of one failure, about: groups of groups would grow beyond all memory."""
_LEAST_SHARE: Final = 64
"""Of as many characters as may pass, messages and tracebacks get one: each stands in a list, and escapes are long."""

_OURS: Final = str(Path(__file__).parent)

REFUSALS: Final = frozenset(
    (
        "PYTHON_IMPORT_FAILED",
        "PYTHON_MODULE_MISSING",
        "TOOL_UNDECLARED",
        "TOOL_STREAMS",
        "PYTHON_ARGUMENTS",
        "VALUE_NOT_ENCODABLE",
        "PAYLOAD_TOO_LARGE",
        "FRAME_UNREADABLE",
        "CALL_CANCELLED",
        "WORKER_STOPPED",
        "UNKNOWN_FRAME",
    )
)
"""Codes with which the worker itself refuses; all others are those of tools."""


def failure_text(error: BaseException, limit: int) -> str:
    """Return what a frame FAILURE says of an exception, however odd that is: a call without a last frame never ends.

    `limit`: how many bytes it may have; where that is little, less is told.
    """
    for most in (_MOST_TOLD, limit // _LEAST_SHARE):
        try:
            text = encode_value(failure_of(error, most))
        except BaseException:
            break  # Its attributes raise exceptions, or what a tool put into a refusal cannot be passed.
        if len(text.encode()) <= limit:
            return text
    message = _Story(limit // _LEAST_SHARE).message(error)
    return encode_value(["PYTHON_RAISED", type(error).__qualname__, message, "", {}, None])


def failure_of(error: BaseException, most: int = _MOST_TOLD) -> list[Any]:
    """Return what a frame FAILURE says of an exception: code, type, message, traceback, details, cause.

    `most`: about how many characters of messages and tracebacks.
    """
    story = _Story(most)
    if isinstance(error, LockstepError) and not isinstance(error, HostToolError) and error.code in REFUSALS:
        return [error.code, "", story.message(error), "", error.details, story.cause(error, 1)]
    return ["PYTHON_RAISED", *story.told(error)]


def cancelled(reason: str) -> list[Any]:
    """Return what a frame FAILURE says of a call that was cancelled."""
    return ["CALL_CANCELLED", "", f"The call was cancelled: {reason}.", "", {"reason": reason}, None]


class _Story:
    """What is told of an exception, its causes and its members: no more in all than there is room for."""

    def __init__(self, room: int) -> None:
        self._room = room

    def told(self, error: BaseException, level: int = 0) -> list[Any]:
        """Return type, message, traceback, details and cause of an exception that a tool or its module raised."""
        message, lines = self.message(error), self._shortened(_traceback_of(error))
        details: dict[str, Any] = {}
        code = _attribute(error, "code")
        if type(code) is str or (type(code) is int and abs(code) < 2**53):
            details["code"] = code
        members = _attribute(error, "exceptions")
        if isinstance(members, tuple) and level < _DEEPEST - 1:
            told = [one for one in members if isinstance(one, BaseException)][:_MOST_IN_GROUP]
            details["exceptions"] = [self.told(one, level + 1) for one in told if self._room > 0]
        return [_name_of(type(error)), message, lines, details, self.cause(error, level + 1)]

    def cause(self, error: BaseException, level: int) -> list[Any] | None:
        cause = error.__cause__
        if cause is None and not error.__suppress_context__:
            cause = error.__context__
        return None if cause is None or level > _DEEPEST or self._room <= 0 else self.told(cause, level)

    def message(self, error: BaseException) -> str:
        return self._shortened(_message_of(error))

    def _shortened(self, text: str) -> str:
        longest = max(0, min(_LONGEST, self._room))
        self._room -= min(longest, len(text)) + 1
        if len(text) <= longest:
            return text
        half = longest // 2
        return f"{text[:half]}\n…\n{text[len(text) - half :]}"


def _name_of(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _attribute(error: BaseException, name: str) -> Any:
    try:
        return getattr(error, name, None)
    except BaseException:  # It is a property, which may raise anything.
        return None


def _message_of(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException as failure:
        return f"<its text cannot be had: {type(failure).__qualname__}>"


def _traceback_of(error: BaseException) -> str:
    try:
        told = traceback.TracebackException(type(error), error, _theirs(error), compact=True)
        text = ""
        for piece in told.format(chain=False):
            text += piece
            if len(text) > _MOST_TOLD:
                break  # A group, with all that its members say.
        return text
    except BaseException:
        return ""


def _theirs(error: BaseException) -> TracebackType | None:
    """Return the traceback from the first line on that is no line of this package: that tells nobody anything."""
    at = error.__traceback__
    while at is not None and at.tb_frame.f_code.co_filename.startswith(_OURS):
        at = at.tb_next
    return at
