from __future__ import annotations

import time
from typing import Any

import pytest
from worker_process import Answers, Host, frame

from lockstep_worker.codec import encode_value
from lockstep_worker.frames import FrameKind, SharedFile
from lockstep_worker.streaming import item_cost

ITEM, END, CREDIT, CANCEL = FrameKind.ITEM, FrameKind.END, FrameKind.CREDIT, FrameKind.CANCEL
ANSWER, FAILURE = FrameKind.ANSWER, FrameKind.FAILURE


def items_of(host: Host, call: int, credit: int, each: int = 1) -> tuple[list[Any], tuple[FrameKind, Any]]:
    """Take all items of a call, granting as they are taken, and its last frame. No more may come than was granted."""
    items: list[Any] = []
    while True:
        kind, said = host.answers(call).next()
        if kind != ITEM:
            return items, (kind, said)
        items.append(said[0])
        assert len(items) <= credit
        if len(items) % each == 0:
            credit += each
            host.say(call, CREDIT, [each])


def nothing_more(host: Host, answers: Answers) -> bool:
    """Whether nothing comes for a call although the worker has had time to answer another one, and two ticks."""
    host.call("ping")
    until = time.monotonic() + 0.02
    while time.monotonic() < until:
        host.call("ping")
    return answers.frames.empty()


@pytest.mark.parametrize("tool", ["count", "count_later"])
def test_what_a_generator_yields_arrives_in_order_and_then_what_it_returns(host: Host, tool: str) -> None:
    call = host.begin(f"worker_tools:{tool}", credit=64, to=1000)
    items, last = items_of(host, call, 64, 32)
    assert items == list(range(1000))
    assert last == (ANSWER, [{"counted": 1000}, None])


@pytest.mark.parametrize(("tool", "returned"), [("emit", "done"), ("emit_later", "done")])
def test_a_tool_that_does_not_yield_can_emit(host: Host, tool: str, returned: str) -> None:
    call = host.begin(f"worker_tools:{tool}", credit=2, to=10)
    assert items_of(host, call, 2) == (list(range(10)), (ANSWER, [returned, None]))


@pytest.mark.parametrize("tool", ["count", "count_later", "emit", "emit_later"])
def test_no_item_is_sent_that_was_not_asked_for(host: Host, tool: str) -> None:
    call = host.begin(f"worker_tools:{tool}", credit=0, to=5)
    answers = host.answers(call)
    assert nothing_more(host, answers)
    host.say(call, CREDIT, [2])
    assert [answers.next() for _ in range(2)] == [(ITEM, [0]), (ITEM, [1])]
    assert nothing_more(host, answers)
    host.say(call, CREDIT, [10])
    assert [answers.next()[1][0] for _ in range(3)] == [2, 3, 4]
    assert answers.next()[0] == ANSWER


@pytest.mark.parametrize("tool", ["fail_after", "fail_after_later"])
def test_what_a_generator_raises_comes_after_its_items(host: Host, tool: str) -> None:
    items, (kind, said) = items_of(host, host.begin(f"worker_tools:{tool}", credit=10, items=3), 10)
    assert items == [0, 1, 2]
    assert (kind, said[:3]) == (FAILURE, ["PYTHON_RAISED", "worker_tools.OddError", "after"])


def test_an_item_that_cannot_be_passed_ends_the_stream(host: Host) -> None:
    items, (_, said) = items_of(host, host.begin("worker_tools:yield_unpassable", credit=1), 1)
    assert (items, said[0], said[4]) == ([], "VALUE_NOT_ENCODABLE", {"at": "item"})


def test_a_result_is_the_last_thing_that_an_async_generator_yields(host: Host) -> None:
    assert items_of(host, host.begin("worker_tools:no_result", credit=9), 9) == ([1], (ANSWER, [None, None]))
    _, (_, said) = items_of(host, host.begin("worker_tools:too_late", credit=9), 9)
    assert said[1:3] == ["RuntimeError", "The tool has yielded another item after its Result."]


@pytest.mark.parametrize("tool", ["count", "count_later"])
def test_a_cancelled_generator_is_closed_where_it_waits_for_credit(host: Host, tool: str) -> None:
    call = host.begin(f"worker_tools:{tool}", credit=1, to=5)
    answers = host.answers(call)
    assert answers.next() == (ITEM, [0])
    host.say(call, CANCEL, ["no more", False])
    kind, said = answers.next()
    assert (kind, said[0]) == (FAILURE, "CALL_CANCELLED")
    assert host.call("worker_tools:noted", name="closed") is True


def test_fifty_cancelled_streams_leave_nothing_behind(host: Host) -> None:
    before = host.call("worker_tools:thread_count")
    calls = [host.begin(f"worker_tools:{('count', 'count_later')[n % 2]}", credit=1, to=5) for n in range(50)]
    for call in calls:
        host.say(call, CANCEL, ["no more", True])
    assert {host.answers(call).last()[1][0] for call in calls} == {"CALL_CANCELLED"}
    assert host.call("worker_tools:thread_count") <= before
    load = host.call("info")["load"]
    assert (load["running"], load["waiting"], load["held"]) == (0, 0, 0)


# Fed by the host


def feed(host: Host, call: int, count: int) -> None:
    """Feed a call with numbers, as it grants, and end."""
    sent = granted = 0
    while sent < count:
        if sent == granted:
            kind, said = host.answers(call).next()
            assert kind == CREDIT
            granted += said[0]
        host.say(call, ITEM, [sent])
        sent += 1
    host.say(call, END, [])


def last_of(host: Host, call: int) -> tuple[FrameKind, Any]:
    return host.answers(call).last()


@pytest.mark.parametrize("tool", ["total", "total_later"])
def test_a_tool_takes_what_it_is_fed_with(host: Host, tool: str) -> None:
    call = host.begin(f"worker_tools:{tool}", feed=True)
    feed(host, call, 500)
    assert last_of(host, call) == (ANSWER, [sum(range(500)), None])
    assert host.call(f"worker_tools:{tool}") == 0


@pytest.mark.parametrize("tool", ["doubled", "doubled_later"])
def test_items_flow_in_both_directions(host: Host, tool: str) -> None:
    call = host.begin(f"worker_tools:{tool}", feed=True, credit=64)
    assert host.answers(call).next() == (CREDIT, [64])
    for number in range(20):
        host.say(call, ITEM, [number])
        assert host.answers(call).next() == (ITEM, [2 * number])
    host.say(call, END, [])
    assert host.answers(call).next() == (ANSWER, [None, None])


def test_credit_for_what_was_taken_is_granted_in_halves(host: Host) -> None:
    call = host.begin("worker_tools:total", feed=True)
    grants = [host.answers(call).next()]
    for number in range(64):
        host.say(call, ITEM, [number])
    grants.append(host.answers(call).next())
    assert grants == [(CREDIT, [64]), (CREDIT, [32])]
    host.say(call, END, [])
    assert last_of(host, call)[1][0] == sum(range(64))


def test_an_item_costs_a_credit_and_another_for_every_16_kib() -> None:
    assert [item_cost("x" * length, ()) for length in (0, 16_383, 16_384)] == [1, 1, 2]
    assert [item_cost("é" * 8_191, ()), item_cost("é" * 8_192, ()), item_cost("😀" * 4_096, ())] == [1, 2, 2]
    assert item_cost("12", (bytes(16_382),)) == 2
    assert item_cost("", (bytes(16_000), SharedFile("/x", 2**20))) == 65


@pytest.mark.parametrize("tool", ["yield_bytes", "emit_bytes_later"])
def test_a_long_item_is_sent_with_any_credit_and_the_next_when_it_has_been_paid(host: Host, tool: str) -> None:
    size = 40_000
    call = host.begin(f"worker_tools:{tool}", credit=1, size=size, to=3)
    answers = host.answers(call)
    assert answers.next()[0] == ITEM
    host.say(call, CREDIT, [2])  # It cost three.
    assert nothing_more(host, answers)
    host.say(call, CREDIT, [1])
    assert answers.next()[0] == ITEM
    host.say(call, CREDIT, [6])
    assert [answers.next()[0] for _ in range(2)] == [ITEM, ANSWER]


def test_credit_for_long_items_is_what_they_cost(host: Host) -> None:
    call = host.begin("worker_tools:doubled", feed=True, credit=1000)
    assert host.answers(call).next() == (CREDIT, [64])
    for _ in range(5):
        host.say(call, ITEM, ["x" * 100_000])  # Seven credits.
    said = [host.answers(call).next() for _ in range(6)]
    assert [content for kind, content in said if kind == CREDIT] == [[35]]
    host.say(call, END, [])
    assert last_of(host, call)[0] == ANSWER


def test_more_items_than_were_asked_for_end_the_feed(host: Host) -> None:
    call = host.begin("worker_tools:total", feed=True)
    host.send(*(frame_of(call, number) for number in range(200)))
    code, *_ = last_of(host, call)[1]
    assert code == "FRAME_UNREADABLE"
    assert host.call("ping") == "pong"


def frame_of(call: int, number: int) -> bytes:
    from lockstep_worker.frames import encode_frame  # noqa: PLC0415

    return encode_frame(call, ITEM, encode_value([number]))


@pytest.mark.parametrize("tool", ["total", "total_later"])
def test_a_tool_that_waits_for_items_is_cancelled_there(host: Host, tool: str) -> None:
    call = host.begin(f"worker_tools:{tool}", feed=True)
    assert host.answers(call).next() == (CREDIT, [64])
    host.say(call, CANCEL, ["no more", False])
    assert last_of(host, call)[1][0] == "CALL_CANCELLED"


def test_credit_for_whom_nobody_waits_any_more_hinders_nobody(host: Host) -> None:
    call = host.begin("worker_tools:emit_in_own_loop", credit=0, feed=True)
    assert host.answers(call).next()[0] == CREDIT
    host.send(frame(call, CREDIT, [1]), frame_of(call, 1))
    assert host.answers(call).last() == (ANSWER, ["done", None])


def test_items_for_a_tool_that_takes_none_hinder_nobody(host: Host) -> None:
    call = host.begin("worker_tools:ignore_items", feed=True)
    host.say(call, ITEM, [1])
    host.say(call, END, [])
    assert last_of(host, call) == (ANSWER, ["ignored", None])
    assert host.call("ping") == "pong"


# By the way


def said_of(host: Host, call: int) -> tuple[list[Any], tuple[FrameKind, Any]]:
    said = []
    while (found := host.answers(call).next())[0] == FrameKind.SAID:
        said.append(found[1])
    return said, found


SECRET_ATTEMPT = ["run", "node", "", 1, 0, 1, [], None, "key", {}, {"TOKEN": 'hid"den'}, None]


def test_what_is_logged_belongs_to_the_call_and_holds_none_of_its_secrets(host: Host) -> None:
    call = host.begin("worker_tools:chat", text='a hid"den b', attempt=SECRET_ATTEMPT)
    said, (kind, _) = said_of(host, call)
    assert kind == ANSWER
    first, warning, thread, last = said
    assert first == [
        "log",
        "info",
        "chat",
        "said a [secret] b",
        {"n": 1, "odd": "<class 'object'>", "text": "a [secret] b"},
    ]
    assert warning[:3] == ["log", "warn", "py.warnings"] and "careful" in warning[3]
    assert thread == ["log", "error", "worker_tools", "from a thread", {}]
    assert last[:4] == ["log", "error", "chat", "failed"] and "ValueError: logged" in last[4]["exception"]


def test_async_tools_log_too(host: Host) -> None:
    said, _ = said_of(host, host.begin("worker_tools:chat_later"))
    assert said == [["log", "warn", "chat", "later", {}]]


def test_spans_stand_below_the_span_of_the_call(host: Host) -> None:
    trace = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    said, (_, (inside, _)) = said_of(host, host.begin("worker_tools:trace", traceparent=trace))
    (_, name, own, start, end, attributes, error), inner = said
    assert (name, own, attributes, error) == ("outer", inside, {"size": 3, "more": True}, None)
    assert own[:36] == trace[:36] and own[36:52] != "b" * 16 and own[52:] == "-01"
    assert start <= end
    assert (inner[1], inner[5], inner[6]) == ("inner", {}, "LockstepError: on purpose")


def test_nothing_is_said_of_spans_where_nobody_traces(host: Host) -> None:
    assert said_of(host, host.begin("worker_tools:trace")) == ([], (ANSWER, [None, None]))
