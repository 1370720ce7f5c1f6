import importlib
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lockstep_worker import UNDEFINED, Context, tool
from lockstep_worker.errors import ArgumentsError, ImportFailedError, ModuleMissingError, ToolUndeclaredError
from lockstep_worker.tools import Parameter, Tool, ToolRegistry, tools_of


@pytest.fixture(autouse=True)
def modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "modules"))
    yield
    for name in [name for name in sys.modules if name.endswith("_tools")]:
        del sys.modules[name]


@pytest.fixture
def tools() -> dict[str, Tool]:
    return tools_of(importlib.import_module("example_tools"))


# Declaring


def test_a_module_has_the_tools_that_it_declares(tools: dict[str, Tool]) -> None:
    assert list(tools) == ["score", "renamed", "later", "anything", "fetch", "tokens", "pages", "wrapped"]
    assert [name for name, one in tools.items() if one.idempotent] == ["renamed"]


def test_a_tool_knows_how_it_gives_what_it_returns(tools: dict[str, Tool]) -> None:
    assert {name: tools[name].form for name in ("score", "fetch", "tokens", "pages")} == {
        "score": "function",
        "fetch": "coroutine",
        "tokens": "generator",
        "pages": "async generator",
    }


def test_a_declared_function_stays_what_it_was() -> None:
    @tool
    def double(n: int) -> int:
        return 2 * n

    assert double(4) == 8


def test_a_tool_that_a_module_imports_is_its_tool_too(tools: dict[str, Tool]) -> None:
    module = type(sys)("importing_tools")
    module.mine = tools["score"].function  # type: ignore[attr-defined]
    assert tools_of(module) == {"score": tools["score"]}


def test_only_functions_can_be_declared() -> None:
    class Callable_:
        def __call__(self) -> None: ...

    for value in (Callable_(), Callable_, len, 1):
        with pytest.raises(TypeError, match="^@tool declares functions, and "):
            tool(value)  # type: ignore[call-overload]


def test_parameters_without_a_name_for_callers_are_refused() -> None:
    def first(value: int, /) -> None: ...
    def second(*values: int) -> None: ...

    with pytest.raises(TypeError, match="^The tool first is called with arguments by name, and value has none"):
        tool(first)
    with pytest.raises(TypeError, match="^The tool second .* values has none"):
        tool(second)


# Signatures


def test_parameters_are_described_as_they_are_annotated(tools: dict[str, Tool]) -> None:
    assert tools["score"].parameters == (Parameter("rows", "list[float]", True), Parameter("limit", "int", False))
    assert tools["score"].returns == "Unknown"
    assert tools["anything"].parameters == (Parameter("first", None, True),)
    assert tools["anything"].returns is None


def test_annotations_that_are_no_texts_are_described_alike() -> None:
    @tool
    def score(rows: list[float], price: Decimal, ctx: Context) -> dict[str, int]: ...

    found: Tool = score.__lockstep_tool__  # type: ignore[attr-defined]
    assert [one.annotation for one in found.parameters] == ["list[float]", "decimal.Decimal"]
    assert (found.context_parameter, found.returns) == ("ctx", "dict[str, int]")


@pytest.mark.parametrize(
    ("name", "parameter"),
    [("score", "ctx"), ("renamed", "here"), ("later", "ctx"), ("wrapped", "ctx"), ("anything", None)],
)
def test_the_context_is_found_however_it_is_annotated(tools: dict[str, Tool], name: str, parameter: str | None) -> None:
    assert tools[name].context_parameter == parameter


def test_the_context_is_found_where_only_a_type_checker_imports_it() -> None:
    scope: dict[str, Any] = {"tool": tool}
    code = (
        "from __future__ import annotations\n@tool\ndef f(c: Context): ...\n"
        "@tool\ndef g(c: 'lockstep_worker.Context'): ..."
    )
    exec(code, scope)
    assert [scope[name].__lockstep_tool__.context_parameter for name in "fg"] == ["c", "c"]


# Arguments


def test_arguments_are_given_by_name_with_the_context(tools: dict[str, Tool]) -> None:
    context = Context()
    given = tools["score"].bind({"rows": [1.5]}, context)
    assert tools["score"].function(**given) == ([1.5], 100, context)


def test_undefined_leaves_a_default_in_its_place(tools: dict[str, Tool]) -> None:
    assert tools["score"].bind({"rows": None, "limit": UNDEFINED}, Context()).keys() == {"rows", "ctx"}
    with pytest.raises(ArgumentsError, match="rows is missing"):
        tools["score"].bind({"rows": UNDEFINED}, Context())


def test_all_arguments_that_do_not_fit_are_named_at_once(tools: dict[str, Tool]) -> None:
    with pytest.raises(ArgumentsError) as caught:
        tools["score"].bind({"limt": 1, "zzz": 2}, Context())
    assert str(caught.value) == (
        "The arguments of the tool score do not fit: rows is missing; limt is unknown, did you mean limit?; "
        "zzz is unknown. It takes rows, limit (optional)."
    )
    assert caught.value.code == "PYTHON_ARGUMENTS"
    with pytest.raises(ArgumentsError, match=r"did you mean limit\? It takes"):
        tools["score"].bind({"rows": [], "limt": 1}, Context())


def test_a_tool_without_parameters_says_so() -> None:
    @tool
    def nothing() -> None: ...

    with pytest.raises(ArgumentsError, match="a is unknown. It takes none.$"):
        nothing.__lockstep_tool__.bind({"a": 1}, Context())  # type: ignore[attr-defined]


def test_nobody_passes_a_context_by_its_name(tools: dict[str, Tool]) -> None:
    with pytest.raises(ArgumentsError, match="fit: ctx is unknown. It takes"):
        tools["score"].bind({"rows": [], "ctx": 1}, Context())


def test_a_tool_that_takes_any_argument_gets_all(tools: dict[str, Tool]) -> None:
    given = tools["anything"].bind({"first": 1, "self": 2, "more": 3}, Context())
    assert tools["anything"].function(**given) == (1, {"self": 2, "more": 3})
    with pytest.raises(ArgumentsError, match="first is missing"):
        tools["anything"].bind({"more": 3}, Context())


# Finding


def test_a_tool_is_found_by_module_and_name() -> None:
    assert ToolRegistry().find("example_tools", "renamed").function.__name__ == "other"


def test_an_undeclared_function_is_refused_with_those_that_are_declared() -> None:
    with pytest.raises(ToolUndeclaredError) as caught:
        ToolRegistry().find("example_tools", "undeclared")
    assert str(caught.value) == (
        "example_tools declares no tool undeclared. "
        "It declares anything, fetch, later, pages, renamed, score, tokens, wrapped."
    )
    with pytest.raises(ToolUndeclaredError, match=r"no tool scor, did you mean score\? It declares"):
        ToolRegistry().find("example_tools", "scor")
    with pytest.raises(ToolUndeclaredError, match=r"no tool a\. It declares none\."):
        ToolRegistry().find("json", "a")


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(ToolUndeclaredError, match="^double_tools holds two tools of the name same.$"):
        ToolRegistry().find("double_tools", "same")


@pytest.mark.parametrize("name", ["not_there", "not_there.inner", "lockstep_worker.not_there"])
def test_a_module_that_is_not_there_is_told_from_one_that_fails(name: str) -> None:
    with pytest.raises(ModuleMissingError, match=f"^There is no module {name}; looked in "):
        ToolRegistry().find(name, "a")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("broken_tools", "ValueError: broken on purpose"),
        ("needy_tools", "ModuleNotFoundError: No module named 'a_package_that_is_not_there'"),
        ("ending_tools", "SystemExit: 3"),
    ],
)
def test_a_module_that_fails_is_named_with_its_cause_and_not_tried_again(
    name: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = ToolRegistry()
    with pytest.raises(ImportFailedError) as caught:
        registry.find(name, "a")
    assert str(caught.value) == f"{name} cannot be imported: {why}"
    assert f"{type(caught.value.__cause__).__name__}: {caught.value.__cause__}" == why

    monkeypatch.setattr(importlib, "import_module", lambda _: pytest.fail("imported again"))
    with pytest.raises(ImportFailedError) as again:
        registry.find(name, "b")
    assert again.value is caught.value
