"""Tools: the functions that a host may call, and how its arguments are given to them."""

from __future__ import annotations

import difflib
import importlib
import inspect
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import FunctionType, ModuleType
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, overload

from .context import Context
from .errors import ArgumentsError, ImportFailedError, LockstepError, ModuleMissingError, ToolUndeclaredError
from .values import UNDEFINED

Form = Literal["function", "coroutine", "generator", "async generator"]
"""How a tool gives what it returns."""

_ATTRIBUTE: Final = "__lockstep_tool__"
_CONTEXT_TEXTS: Final = {f"{module}Context" for module in ("", "lockstep_worker.", "lockstep_worker.context.")}

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a tool that the host gives an argument for."""

    name: str
    annotation: str | None
    """As it is written in Python; None: there is none."""
    required: bool


class Tool:
    """A function that a host may call by name."""

    def __init__(self, function: FunctionType, name: str, *, idempotent: bool) -> None:
        """`idempotent`: whether it may be called again where nobody knows if the first call took effect.

        Raises TypeError for parameters that have no name for a caller.
        """
        self.function = function
        self.name = name
        self.idempotent = idempotent
        self.form: Final = _form_of(function)
        self.yields: Final = self.form in ("generator", "async generator")
        self.is_async: Final = self.form in ("coroutine", "async generator")
        for parameter in _signature(function).parameters.values():
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
                raise TypeError(f"The tool {name} is called with arguments by name, and {parameter.name} has none.")

    @cached_property
    def _all_parameters(self) -> list[inspect.Parameter]:
        return list(_signature(self.function).parameters.values())

    @cached_property
    def context_parameter(self) -> str | None:
        """The name of the parameter that is annotated with Context; None: there is none.

        Looked for when it is first needed, because an annotation may name what its module defines further down.
        """
        for parameter in self._all_parameters:
            if _means_context(parameter.annotation, inspect.unwrap(self.function).__globals__):
                return parameter.name
        return None

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """What the host gives arguments for, in order."""
        return tuple(
            Parameter(parameter.name, _annotation_text(parameter.annotation), parameter.default is parameter.empty)
            for parameter in self._all_parameters
            if parameter.kind is not parameter.VAR_KEYWORD and parameter.name != self.context_parameter
        )

    @cached_property
    def takes_any(self) -> bool:
        """Whether arguments without a parameter of their own are taken too."""
        return any(parameter.kind is parameter.VAR_KEYWORD for parameter in self._all_parameters)

    @property
    def returns(self) -> str | None:
        """The annotation of what it returns, as it is written in Python; None: there is none."""
        return _annotation_text(_signature(self.function).return_annotation)

    def bind(self, arguments: Mapping[str, Any], context: Context | None) -> dict[str, Any]:
        """Return what the function is to be called with: arguments by name, and the context where it is asked for.

        `context` may be None where `context_parameter` is. An argument that is `undefined` in JavaScript counts as
        none, as it does there: a default takes its place.
        Raises ArgumentsError naming all that are missing and all that are unknown.
        """
        given = {name: value for name, value in arguments.items() if value is not UNDEFINED}
        if not (self._required.issubset(given) and self._names.issuperset(given)):
            self._refuse_unfit(given)
        if self.context_parameter is not None:
            given[self.context_parameter] = context
        return given

    @cached_property
    def _required(self) -> frozenset[str]:
        return frozenset(parameter.name for parameter in self.parameters if parameter.required)

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(parameter.name for parameter in self.parameters)

    def _refuse_unfit(self, given: Mapping[str, Any]) -> None:
        names = [parameter.name for parameter in self.parameters]
        missing = [name for name in names if name in self._required and name not in given]
        unknown = [] if self.takes_any else [name for name in given if name not in names]
        if self.context_parameter is not None and self.context_parameter in given:
            unknown = list(dict.fromkeys((*unknown, self.context_parameter)))
        if missing or unknown:
            raise ArgumentsError(self._complaint(missing, unknown, names), missing=missing, unknown=unknown)

    def _complaint(self, missing: list[str], unknown: list[str], names: list[str]) -> str:
        problems = [f"{name} is missing" for name in missing]
        problems += [f"{name} is unknown{did_you_mean(name, names)}" for name in unknown]
        takes = ", ".join(p.name if p.required else f"{p.name} (optional)" for p in self.parameters) or "none"
        what = "; ".join(problems)
        end = "" if what.endswith("?") else "."
        return f"The arguments of the tool {self.name} do not fit: {what}{end} It takes {takes}."


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of a function without asking what its annotations mean: that may not be known yet."""
    if sys.version_info >= (3, 14):
        import annotationlib  # noqa: PLC0415

        return inspect.signature(function, annotation_format=annotationlib.Format.FORWARDREF)
    return inspect.signature(function)


def _form_of(function: FunctionType) -> Form:
    if inspect.isasyncgenfunction(function):
        return "async generator"
    if inspect.iscoroutinefunction(function):
        return "coroutine"
    return "generator" if inspect.isgeneratorfunction(function) else "function"


def _annotation_text(annotation: Any) -> str | None:
    if annotation is inspect.Parameter.empty:
        return None
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _means_context(annotation: Any, names: dict[str, Any]) -> bool:
    """Return whether an annotation is Context, maybe as a text, maybe beside None."""
    if isinstance(annotation, str):
        if annotation.strip("'\"") in _CONTEXT_TEXTS:
            return True
        try:
            annotation = eval(annotation, dict(names))
        except Exception:
            return False  # It names what only a type checker knows.
        return _means_context(annotation, names)
    if get_origin(annotation) is Union or type(annotation).__name__ == "UnionType":
        return any(_means_context(part, names) for part in get_args(annotation))
    return annotation is Context


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence that names what is spelt nearly the same, or nothing."""
    nearest = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {nearest[0]}?" if nearest else ""


@overload
def tool(function: Function, /) -> Function: ...
@overload
def tool(*, name: str | None = None, idempotent: bool = False) -> Callable[[Function], Function]: ...
def tool(function: Any = None, /, *, name: str | None = None, idempotent: bool = False) -> Any:
    """Declare a function that a host may call, which stays what it was: `@tool` or `@tool(name=…, idempotent=True)`.

    `name`: by which it is called, instead of its own. `idempotent`: it may be called again where nobody knows if the
    first call took effect; False by default. Raises TypeError for what is no function, and for parameters that cannot
    be passed by name.
    """

    def declare(declared: Any) -> Any:
        if not isinstance(declared, FunctionType):
            raise TypeError(f"@tool declares functions, and {declared!r} is none.")
        setattr(declared, _ATTRIBUTE, Tool(declared, name or declared.__name__, idempotent=idempotent))
        return declared

    return declare if function is None else declare(function)


def tools_of(module: ModuleType) -> dict[str, Tool]:
    """Return the tools that a module holds, by name: those it declares and those it imports.

    Raises ToolUndeclaredError where two have one name.
    """
    tools: dict[str, Tool] = {}
    for value in vars(module).values():
        found = getattr(value, _ATTRIBUTE, None) if isinstance(value, FunctionType) else None
        if not isinstance(found, Tool):
            continue
        if tools.setdefault(found.name, found) is not found:
            raise ToolUndeclaredError(f"{module.__name__} holds two tools of the name {found.name}.")
    return tools


class ToolRegistry:
    """Finds tools by module and name. A module that could not be imported is not tried again."""

    def __init__(self) -> None:
        """Begin without any module."""
        self.loaded: dict[str, dict[str, Tool]] = {}
        """The tools of each module, by name."""
        self._lock = threading.RLock()
        self._failures: dict[str, LockstepError] = {}

    def find(self, module: str, name: str) -> Tool:
        """Return a tool, importing its module if need be.

        Raises ModuleMissingError, ImportFailedError, or ToolUndeclaredError naming the tools that the module has.
        """
        tools = self.load(module)
        found = tools.get(name)
        if found is None:
            known = ", ".join(sorted(tools)) or "none"
            hint = did_you_mean(name, tools)
            message = f"{module} declares no tool {name}{hint or '.'} It declares {known}."
            raise ToolUndeclaredError(message, module=module, tool=name, tools=sorted(tools))
        return found

    def load(self, module: str) -> dict[str, Tool]:
        """Return the tools of a module by name, importing it the first time."""
        with self._lock:
            failure = self._failures.get(module)
            if failure is not None:
                raise failure.with_traceback(None)
            if module not in self.loaded:
                try:
                    self.loaded[module] = tools_of(_imported(module))
                except LockstepError as error:
                    self._failures[module] = error
                    raise
            return self.loaded[module]


def _imported(module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}."):
            looked = f"There is no module {module}; looked in {', '.join(sys.path)}."
            raise ModuleMissingError(looked, module=module) from error
        what = f"{module} cannot be imported: {type(error).__qualname__}: {error}"
        raise ImportFailedError(what, module=module) from error
