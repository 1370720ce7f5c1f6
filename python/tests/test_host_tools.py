import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_worker_calls import cancelled
from worker_process import Answers, Host, WorkerProcess

from lockstep_worker import Context, HostToolError
from lockstep_worker.frames import FrameKind

BOTH = pytest.mark.parametrize("tool", ["ask_host", "ask_host_later"])


@pytest.fixture(scope="module")
def alone(script: Path) -> Iterator[Host]:
    """A host whose worker has one thread for tools."""
    with WorkerProcess(script, maxConcurrentCalls=1) as worker:
        yield worker.host()


def asked(answers: Answers) -> Any:
    while (found := answers.next())[0] == FrameKind.SAID:
        pass
    assert found[0] == FrameKind.ASK, found
    return found[1]


def begin(host: Host, tool: str, name: str = "lookup", arguments: Any = None, **words: Any) -> tuple[int, Answers]:
    number = host.begin(f"worker_tools:{tool}", name=name, arguments=arguments or {}, **words)
    return number, host.answers(number)


def serve(host: Host, number: int, count: int, answer: Callable[[dict[str, Any]], Any]) -> None:
    """Answer so many questions of a call, the last one first."""
    questions = [asked(host.answers(number)) for _ in range(count)]
    for question, _name, arguments in reversed(questions):
        host.say(number, FrameKind.REPLY, [question, answer(arguments), None])


@BOTH
def test_a_tool_is_given_what_the_host_returns(host: Host, tool: str) -> None:
    number, answers = begin(host, tool, arguments={"key": [1, {"two words": b"\x00"}], "name": None})
    assert asked(answers) == [1, "lookup", {"key": [1, {"two words": b"\x00"}], "name": None}]
    host.say(number, FrameKind.REPLY, [1, {"found": 2**60}, None])
    assert answers.last() == (FrameKind.ANSWER, [{"found": 2**60}, None])


@BOTH
def test_bytes_travel_beside_the_text(host: Host, tool: str) -> None:
    number, answers = begin(host, tool, arguments={"data": bytes(300)})
    assert asked(answers)[2] == {"data": bytes(300)}
    host.say(number, FrameKind.REPLY, [1, bytes(400), None])
    assert answers.last() == (FrameKind.ANSWER, [bytes(400), None])


def test_several_threads_of_a_tool_may_ask(host: Host) -> None:
    number = host.begin("worker_tools:ask_host_in_threads", count=20)
    serve(host, number, 20, lambda arguments: arguments["number"] * 2)
    assert host.answers(number).last() == (FrameKind.ANSWER, [[2 * n for n in range(20)], None])


def test_what_the_host_throws_is_an_exception_with_its_code_and_causes(host: Host) -> None:
    number = host.begin("worker_tools:catch_host_error")
    asked(host.answers(number))
    failure = ["NO_ROW", "RangeError", "no such row", ["ECONNREFUSED", "Error", "refused", None]]
    host.say(number, FrameKind.REPLY, [1, None, failure])
    told = {"code": "NO_ROW", "name": "RangeError", "message": "no such row", "tool": "fail"}
    expected = {**told, "cause": ["ECONNREFUSED", "Error", "refused"]}
    assert host.answers(number).last() == (FrameKind.ANSWER, [expected, None])


@BOTH
def test_a_tool_that_lets_it_pass_fails_with_it(host: Host, tool: str) -> None:
    number, answers = begin(host, tool)
    asked(answers)
    host.say(number, FrameKind.REPLY, [1, None, ["NO_ROW", "RangeError", "no such row", ["X", "Error", "why", None]]])
    kind, (code, raised, message, traceback, details, cause) = answers.last()
    assert (kind, code, message, details) == (FrameKind.FAILURE, "PYTHON_RAISED", "no such row", {"code": "NO_ROW"})
    assert raised == "lockstep_worker.errors.HostToolError"
    assert "ctx.call_host" in traceback
    assert cause[:2] == ["lockstep_worker.errors.HostToolError", "why"]


def test_what_cannot_be_passed_to_the_host_says_where_it_is(host: Host, script: Path) -> None:
    number, answers = begin(host, "ask_host", arguments={"data": bytes(10)})
    asked(answers)
    host.say(number, FrameKind.REPLY, [1, None, None])
    assert answers.last()[1] == [None, None]
    with WorkerProcess(script, maxValueBytes=2_000) as worker:
        small = worker.host()
        failure = small.failure("worker_tools:ask_host_for_much", size=3_000)
    assert failure[0] == "PAYLOAD_TOO_LARGE"
    assert failure[4] == {"at": "host.any", "size": 3_000, "limit": 2_000}


@BOTH
@pytest.mark.parametrize("gone", [False, True])
def test_a_call_that_is_cancelled_waits_no_more(host: Host, tool: str, gone: bool) -> None:
    number, answers = begin(host, tool)
    asked(answers)
    host.say(number, FrameKind.CANCEL, ["no more", gone])
    assert answers.last() == cancelled("no more")
    host.say(number, FrameKind.REPLY, [1, "late", None])  # Finds nobody.
    assert host.call("ping") == "pong"


@BOTH
def test_a_call_whose_time_is_over_waits_no_more(host: Host, tool: str) -> None:
    _number, answers = begin(host, tool, left_ms=20)
    asked(answers)
    assert answers.last() == cancelled("its time is over")


def test_an_answer_that_nobody_waits_for_any_more_finds_nobody(host: Host) -> None:
    number = host.begin("worker_tools:ask_host_with_patience")
    answers = host.answers(number)
    assert asked(answers) == [1, "first", {}]
    assert asked(answers) == [2, "second", {}]
    host.say(number, FrameKind.REPLY, [1, "late", None])
    host.say(number, FrameKind.REPLY, [2, "in time", None])
    assert answers.last() == (FrameKind.ANSWER, ["in time", None])


@BOTH
def test_an_answer_that_cannot_be_read_is_an_exception(host: Host, tool: str) -> None:
    number, answers = begin(host, tool)
    asked(answers)
    host.say(number, FrameKind.REPLY, [1])
    kind, (code, _, message, _, details, _) = answers.last()
    assert (kind, code, details) == (FrameKind.FAILURE, "PYTHON_RAISED", {"code": "FRAME_UNREADABLE"})
    assert message == "What the host answered cannot be read."


def test_an_async_tool_does_not_hold_the_loop_while_it_asks(host: Host) -> None:
    first, second = begin(host, "ask_host_later")[0], begin(host, "ask_host_later")[0]
    for number in (first, second):
        asked(host.answers(number))
    for number in (second, first):
        host.say(number, FrameKind.REPLY, [1, number, None])
        assert host.answers(number).last() == (FrameKind.ANSWER, [number, None])
    failure = host.failure("worker_tools:ask_host_in_loop")
    assert failure[1] == "RuntimeError"
    assert "call_host_async" in failure[2]


def test_a_name_that_is_no_text_is_refused_before_the_host_is_asked(host: Host) -> None:
    failure = host.failure("worker_tools:ask_host", name=5, arguments={})
    assert (failure[1], failure[2]) == ("TypeError", "The name of a host tool is text, and not int.")


# Calls that are made by what a tool waits for


def inner(host: Host, outer: int, command: str, /, **arguments: Any) -> int:
    """Begin a call within another."""
    number = host.number()
    host.say(number, FrameKind.WITHIN, [outer])
    host.say(number, FrameKind.CALL, [command, arguments, None, None, False, None, None])
    return number


def test_a_call_within_another_takes_the_place_of_that(alone: Host) -> None:
    outer, answers = begin(alone, "ask_host")
    asked(answers)
    calls = [outer]
    for _ in range(5):
        calls.append(inner(alone, calls[-1], "worker_tools:ask_host", name="deeper", arguments={}))
        asked(alone.answers(calls[-1]))
    sides = [inner(alone, calls[-1], "worker_tools:add", a=n, b=1) for n in range(5)]
    assert [alone.answers(side).last()[1][0] for side in sides] == [1, 2, 3, 4, 5]
    for number in reversed(calls):
        alone.say(number, FrameKind.REPLY, [1, number, None])
        assert alone.answers(number).last() == (FrameKind.ANSWER, [number, None])


def test_other_calls_wait_until_the_place_is_free(alone: Host) -> None:
    outer, answers = begin(alone, "ask_host")
    asked(answers)
    other = alone.begin("worker_tools:add", a=1, b=1)
    within = inner(alone, outer, "worker_tools:add", a=2, b=2)
    assert alone.answers(within).last()[1][0] == 4
    assert alone.answers(other).frames.empty()
    alone.say(outer, FrameKind.REPLY, [1, None, None])
    assert answers.last()[0] == FrameKind.ANSWER
    assert alone.answers(other).last()[1][0] == 2


def test_a_call_within_one_that_holds_no_place_waits_for_one(alone: Host) -> None:
    outer, answers = begin(alone, "ask_host_later")
    asked(answers)
    holding, held = begin(alone, "ask_host")
    asked(held)
    within = inner(alone, outer, "worker_tools:add", a=1, b=1)
    assert alone.call("ping") == "pong"
    assert alone.answers(within).frames.empty()
    alone.say(holding, FrameKind.REPLY, [1, None, None])
    assert alone.answers(within).last()[1][0] == 2
    alone.say(outer, FrameKind.REPLY, [1, None, None])
    assert answers.last()[0] == FrameKind.ANSWER


def test_a_call_within_one_that_holds_no_place_takes_that_of_the_one_around(alone: Host) -> None:
    outer, answers = begin(alone, "ask_host")
    asked(answers)
    middle = inner(alone, outer, "worker_tools:ask_host_later", name="deeper", arguments={})
    asked(alone.answers(middle))
    within = inner(alone, middle, "worker_tools:add", a=1, b=1)
    assert alone.answers(within).last()[1][0] == 2
    for number in (middle, outer):
        alone.say(number, FrameKind.REPLY, [1, number, None])
        assert alone.answers(number).last() == (FrameKind.ANSWER, [number, None])


# Without a worker


def test_a_tool_that_is_tested_without_a_host_is_told_so() -> None:
    with pytest.raises(HostToolError, match="There is no host here that has a tool lookup") as raised:
        Context(host_tools={"other": print}).call_host("lookup")
    assert (raised.value.code, raised.value.tool) == ("HOST_TOOL_UNKNOWN", "lookup")
    with pytest.raises(HostToolError):
        asyncio.run(Context().call_host_async("lookup"))


def test_functions_may_stand_for_those_of_the_host() -> None:
    context = Context(host_tools={"double": lambda number: number * 2})
    assert context.call_host("double", number=2) == 4
    assert asyncio.run(context.call_host_async("double", number=3)) == 6
