import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from worker_process import Host, WorkerProcess

from lockstep_worker.codec import encode_value
from lockstep_worker.frames import FrameKind

ATTEMPT = ["run", "node", "", 2, 1, 1, [3, 4], 9, "key", {"tenant": "t"}, {"TOKEN": "abc"}, {"seen": 1}]
RAISED = "PYTHON_RAISED"


@pytest.fixture(scope="module")
def nine(script: Path) -> Iterator[Host]:
    """A host whose worker has nine threads for tools."""
    with WorkerProcess(script, maxConcurrentCalls=9) as worker:
        yield worker.host()


def cancel(host: Host, call: int, reason: str = "no more", *, gone: bool = False) -> None:
    host.say(call, FrameKind.CANCEL, [reason, gone])


def cancelled(reason: str) -> tuple[FrameKind, list[Any]]:
    message = f"The call was cancelled: {reason}."
    return FrameKind.FAILURE, ["CALL_CANCELLED", "", message, "", {"reason": reason}, None]


# Answers


def test_a_host_that_greets_is_told_who_is_there(host: Host, worker: WorkerProcess) -> None:
    host.say(0, FrameKind.HELLO, [1, {"name": "test", "version": "1"}])
    kind, (protocol, about) = host.answers(0).next()
    assert (kind, protocol) == (FrameKind.WELCOME, 1)
    assert list(about) == ["id", "pid", "version", "language", "languageVersion", "executable", "packages"]
    assert (about["id"], about["pid"], about["language"]) == ("w-1", worker.process.pid, "python")
    assert about["packages"]["pytest"] == pytest.__version__


def test_commands_of_every_worker_are_answered(host: Host) -> None:
    assert host.call("ping") == "pong"
    assert host.call("echo", value=[1, "é"]) == [1, "é"]
    assert host.failure("echo")[:3] == [
        "PYTHON_ARGUMENTS",
        "",
        "The arguments of the command echo do not fit: value is missing.",
    ]
    assert host.failure("pong")[0] == "PYTHON_ARGUMENTS"


@pytest.mark.parametrize("tool", ["add", "add_later"])
def test_tools_of_both_kinds_return_values(host: Host, tool: str) -> None:
    assert host.call(f"worker_tools:{tool}", a=1, b=2) == 3


def test_the_host_is_told_once_of_each_tool_that_is_performed(script: Path) -> None:
    with WorkerProcess(script) as worker:
        host = worker.host()
        host.failure("worker_tools:add", nonsense=1)
        assert host.tools == []  # Nothing was performed.
        for _ in range(2):
            host.call("worker_tools:add", a=1)
            host.call("worker_tools:add_later", a=1, b=2)
        assert host.tools == [["worker_tools:add", True], ["worker_tools:add_later", False]]


def test_calls_in_one_message_are_all_answered(host: Host) -> None:
    calls = [host.begin(f"worker_tools:{('add', 'add_later')[n % 2]}", a=n, b=1) for n in range(200)]
    assert [host.answers(call).last()[1][0] for call in calls] == [n + 1 for n in range(200)]


def test_a_tool_knows_its_call(host: Host) -> None:
    said = host.call("worker_tools:describe", left_ms=60_000, traceparent="00-t", attempt=ATTEMPT)
    assert 0 < said.pop("remaining") <= 60
    assert said == {
        "node": "node",
        "iteration": 4,
        "secret": "abc",
        "state": {"seen": 1},
        "context": {"tenant": "t"},
        "session": "w-1",
        "traceparent": "00-t",
        "here": True,
    }
    assert host.call("worker_tools:describe_later") == "w-1"


def test_a_state_that_a_tool_sets_comes_with_its_answer(host: Host) -> None:
    call = host.begin("worker_tools:remember", value={"n": 2})
    assert host.answers(call).last() == (FrameKind.ANSWER, [None, [{"n": 2}]])


def test_pings_are_answered_with_the_load(host: Host) -> None:
    host.say(0, FrameKind.PING, [7])
    kind, (number, load) = host.answers(0).next()
    assert (kind, number) == (FrameKind.PONG, 7)
    assert list(load) == ["running", "waiting", "held", "threads", "rssBytes"]
    assert load["rssBytes"] > 1_000_000


def test_info_tells_what_there_is(host: Host, handler: str) -> None:
    info = host.call("info")
    tools = {one["name"]: one for one in info["modules"]["worker_tools"]}
    assert info["handler"] == handler
    assert tools["add"] == {
        "name": "add",
        "parameters": [
            {"name": "a", "annotation": "int", "required": True},
            {"name": "b", "annotation": "int", "required": False},
        ],
        "returns": "int",
        "form": "function",
        "idempotent": True,
    }
    assert info["calls"]["begun"] >= info["calls"]["answered"] > 0


# Failures


def test_what_a_tool_raises_arrives_with_its_cause(host: Host) -> None:
    code, kind, message, text, details, cause = host.failure("worker_tools:fail", message="why")
    assert (code, kind, message, details) == (RAISED, "worker_tools.OddError", "why", {"code": "E_ODD"})
    assert text.startswith("Traceback") and "raise OddError(message) from error" in text
    assert "lockstep_worker/" not in text
    assert cause[:2] == ["KeyError", "'inner'"] and cause[4] is None
    assert host.failure("worker_tools:fail_later", message="x")[:3] == [RAISED, "worker_tools.OddError", "x"]


def test_causes_are_told_four_deep(host: Host) -> None:
    cause = host.failure("worker_tools:fail_deep", levels=7)[5]
    messages = []
    while cause is not None:
        messages.append(cause[1])
        cause = cause[4]
    assert messages == ["level 6", "level 5", "level 4", "level 3"]


def test_the_members_of_a_group_are_details(host: Host) -> None:
    _, _, message, _, details, _ = host.failure("worker_tools:fail_together")
    assert message == "together (2 sub-exceptions)"
    assert [one[:2] for one in details["exceptions"]] == [["ValueError", "one"], ["TypeError", "two"]]


def test_no_exception_ends_the_worker(host: Host) -> None:
    assert host.failure("worker_tools:leave")[:3] == [RAISED, "SystemExit", "3"]
    assert host.failure("worker_tools:fail_silently")[2] == "<its text cannot be had: RuntimeError>"
    assert host.failure("worker_tools:ask_secret")[4] == {"code": "SECRET_UNDECLARED"}
    assert host.call("ping") == "pong"


@pytest.mark.parametrize(
    ("how", "kind", "message"),
    [
        ("no text", "worker_tools.TextlessError", "<its text cannot be had: KeyboardInterrupt>"),
        ("no code", "worker_tools.PropertyError", "its code cannot be had"),
        ("unpassable details", "CallCancelledError", "mine"),
    ],
)
@pytest.mark.parametrize("tool", ["fail_oddly", "fail_oddly_later"])
def test_an_exception_that_cannot_be_told_ends_its_call_too(
    host: Host, tool: str, how: str, kind: str, message: str
) -> None:
    assert host.failure(f"worker_tools:{tool}", how=how)[:3] == [RAISED, kind, message]


def test_of_groups_of_groups_no_more_is_told_than_there_is_room_for(host: Host) -> None:
    message, lines, details = host.failure("worker_tools:fail_at_length", levels=3, members=16, text=2_000)[2:5]
    assert message.startswith("ggg") and lines
    assert details["exceptions"]
    assert len(encode_value(details)) < 2 << 20


def test_a_failure_has_no_more_bytes_than_may_pass(script: Path) -> None:
    with WorkerProcess(script, preload=["worker_tools"], maxValueBytes=4_000) as worker:
        found = worker.host().failure("worker_tools:fail_at_length", levels=0, members=0, text=100_000)
        assert found[:2] == [RAISED, "ValueError"] and found[2].startswith("vvv")
        assert len(encode_value(found)) <= 4_000


@pytest.mark.parametrize("leave", [True, False])
def test_async_tools_go_on_whatever_a_task_has_done_to_their_loop(host: Host, leave: bool) -> None:
    for _ in range(2):
        assert host.call("worker_tools:leave_task", leave=leave) == "on"
    assert host.call("worker_tools:add_later", a=1, b=1) == 2


def test_a_child_that_a_tool_has_forked_answers_nothing_and_ends(script: Path) -> None:
    with WorkerProcess(script, preload=["worker_tools"]) as worker:
        host = worker.host()
        pid, child = host.call("worker_tools:fork")
        assert pid == worker.process.pid and child > 0
        assert host.call("worker_tools:wait_for", pid=child) == 0
        assert host.call("ping") == "pong"


@pytest.mark.parametrize(
    ("command", "arguments", "code"),
    [
        ("worker_tools:missing", {}, "TOOL_UNDECLARED"),
        ("no_such_module:f", {}, "PYTHON_MODULE_MISSING"),
        ("broken_tools:f", {}, "PYTHON_IMPORT_FAILED"),
        ("needy_tools:f", {}, "PYTHON_IMPORT_FAILED"),
        ("worker_tools:add", {"c": 1}, "PYTHON_ARGUMENTS"),
        ("worker_tools:unpassable", {}, "VALUE_NOT_ENCODABLE"),
        ("worker_tools:count", {"to": 1}, "TOOL_STREAMS"),
        ("worker_tools:count_later", {"to": 1}, "TOOL_STREAMS"),
        ("worker_tools:emit", {"to": 1}, "TOOL_STREAMS"),
    ],
)
def test_a_refusal_has_its_code(host: Host, command: str, arguments: dict[str, Any], code: str) -> None:
    found, kind, message, text, details, _ = host.failure(command, **arguments)
    assert (found, kind, text) == (code, "", "")
    assert message and type(details) is dict


def test_an_import_that_failed_is_the_cause_every_time(host: Host) -> None:
    for _ in range(2):
        code, _, _, _, details, cause = host.failure("broken_tools:f")
        assert (code, details) == ("PYTHON_IMPORT_FAILED", {"module": "broken_tools"})
        assert cause[:2] == ["ValueError", "broken on purpose"]


def test_the_place_of_what_cannot_be_passed_is_named(host: Host) -> None:
    assert host.failure("worker_tools:unpassable")[4] == {"at": "output.rows[1].f"}


def test_frames_that_say_nothing_known_are_refused_for_their_call(host: Host) -> None:
    for kind, content, code in [
        (99, [1], "UNKNOWN_FRAME"),
        (7, ["one"], "FRAME_UNREADABLE"),
        (3, [1], "FRAME_UNREADABLE"),
    ]:
        call = host.number()
        host.say(call, kind, content)
        assert host.answers(call).last()[1][0] == code
    assert host.call("ping") == "pong"


# Order and cancellation


def test_tools_that_hold_their_threads_delay_no_other_call(nine: Host) -> None:
    held = [nine.begin("worker_tools:hold", name="door") for _ in range(8)]
    for call in held:
        nine.answers(call).begun()
    assert nine.call("worker_tools:add", a=1) == 11
    assert nine.call("worker_tools:add_later", a=1, b=1) == 2
    assert nine.call("ping") == "pong"
    assert nine.check() == b"\x08\x01"
    assert nine.call("info")["load"]["running"] >= 8
    nine.call("worker_tools:release", name="door")
    assert [nine.answers(call).last() for call in held] == [(FrameKind.ANSWER, ["door", None])] * 8


def test_a_call_that_waits_for_a_thread_begins_when_one_is_free_and_not_if_it_is_cancelled(nine: Host) -> None:
    held = [nine.begin("worker_tools:hold", name="gate") for _ in range(9)]
    for call in held:
        nine.answers(call).begun()
    first = nine.begin("worker_tools:note", name="first")
    second = nine.begin("worker_tools:note", name="second")
    cancel(nine, first)
    assert nine.answers(first).next() == cancelled("no more")
    nine.say(0, FrameKind.PING, [1])
    assert nine.answers(0).next()[1][1]["waiting"] == 1

    nine.call("worker_tools:release", name="gate")

    assert nine.answers(second).last()[0] == FrameKind.ANSWER
    for call in held:
        nine.answers(call).last()
    assert nine.call("worker_tools:noted", name="first") is False
    assert nine.call("worker_tools:noted", name="second") is True


def test_a_tool_that_asks_sees_that_it_is_cancelled(host: Host) -> None:
    call = host.begin("worker_tools:spin")
    host.answers(call).begun()
    cancel(host, call, "enough")
    assert host.answers(call).next() == cancelled("enough")


def test_an_async_tool_is_cancelled_where_it_waits(host: Host) -> None:
    call = host.begin("worker_tools:sleep_long")
    host.answers(call).begun()
    cancel(host, call)
    assert host.answers(call).next() == cancelled("no more")
    assert host.call("worker_tools:noted", name="cleaned") is True


def test_what_is_answered_all_the_same_counts_unless_nobody_waits(host: Host) -> None:
    for gone, expected in [(False, (FrameKind.ANSWER, ["finished", None])), (True, cancelled("no more"))]:
        call = host.begin("worker_tools:finish_anyway")
        host.answers(call).begun()
        cancel(host, call, gone=gone)
        assert host.answers(call).next() == expected


def test_a_cancel_that_comes_too_late_finds_nobody(host: Host) -> None:
    call = host.begin("worker_tools:add", a=1)
    assert host.answers(call).next()[0] == FrameKind.ANSWER
    cancel(host, call)
    assert host.call("ping") == "pong"
    assert host.answers(call).frames.empty()


@pytest.mark.parametrize("tool", ["spin", "sleep_long"])
def test_a_call_whose_time_is_over_is_cancelled(host: Host, tool: str) -> None:
    began = time.monotonic()
    call = host.begin(f"worker_tools:{tool}", left_ms=30)
    assert host.answers(call).last() == cancelled("its time is over")
    assert time.monotonic() - began >= 0.03


def test_nobody_waits_for_an_answer_when_the_time_is_over(host: Host) -> None:
    call = host.begin("worker_tools:finish_late", left_ms=10)
    assert host.answers(call).last() == cancelled("its time is over")
    assert host.call("worker_tools:noted", name="awaited at the end") is False


def test_every_call_has_one_last_frame_whatever_happens_to_it(host: Host) -> None:
    calls = [
        host.begin(
            f"worker_tools:{('spin', 'add', 'sleep_long', 'add_later')[n % 4]}", **({"a": 1, "b": 1} if n % 2 else {})
        )
        for n in range(80)
    ]
    for call in calls:
        cancel(host, call, gone=call % 3 == 0)
    for call in calls:
        host.answers(call).last()
    assert host.call("ping") == "pong"
    assert all(host.answers(call).frames.empty() for call in calls)
    assert host.call("info")["load"]["held"] == 0
