"""Python functions as nodes of Lockstep workflows: what a module of tools imports."""

from __future__ import annotations

from .context import Attempt, Context, current_context
from .errors import CallCancelledError, HostToolError, LockstepError, SecretUndeclaredError, ValueNotEncodableError
from .streaming import Result
from .tools import tool
from .tracing import Span
from .values import (
    UNDEFINED,
    ArrayBuffer,
    Bare,
    BigInt,
    Buffer,
    Clamped,
    DataView,
    JsDate,
    JsMap,
    JsSet,
    Sparse,
    Undefined,
)

__version__ = "0.1.0"

__all__ = [
    "UNDEFINED",
    "ArrayBuffer",
    "Attempt",
    "Bare",
    "BigInt",
    "Buffer",
    "CallCancelledError",
    "Clamped",
    "Context",
    "DataView",
    "HostToolError",
    "JsDate",
    "JsMap",
    "JsSet",
    "LockstepError",
    "Result",
    "SecretUndeclaredError",
    "Span",
    "Sparse",
    "Undefined",
    "ValueNotEncodableError",
    "__version__",
    "current_context",
    "tool",
]
