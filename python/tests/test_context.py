import threading

import pytest

from lockstep_worker import Attempt, CallCancelledError, Context, SecretUndeclaredError, current_context
from lockstep_worker.cancellation import Cancellation
from lockstep_worker.context import entered

ATTEMPT = Attempt(
    run_id="r",
    node_id="n",
    scope="all[3]/",
    attempt=2,
    failures=1,
    visit=3,
    iterations=[4, 2],
    max_iterations=10,
    idempotency_key="k",
    secrets={"TOKEN": "abc"},
    state={"seen": 1},
)


def test_a_call_has_the_time_that_the_host_waits() -> None:
    time = 1_000.0
    context = Context(left_ms=1_500, now=lambda: time)
    assert (context.deadline, context.remaining()) == (1_001.5, 1.5)
    time = 1_002.0
    assert context.remaining() == 0
    assert (Context().deadline, Context().remaining()) == (None, None)


def test_a_cancelled_call_says_so_and_why() -> None:
    cancellation = Cancellation()
    context = Context(cancellation=cancellation)
    context.check()
    assert not context.cancelled

    cancellation.cancel("the run was cancelled")

    assert context.cancelled
    with pytest.raises(CallCancelledError, match=r"^The call was cancelled: the run was cancelled\.$"):
        context.check()


def test_actions_are_performed_once_in_order_by_whoever_cancels() -> None:
    cancellation = Cancellation()
    context = Context(cancellation=cancellation)
    seen: list[object] = []
    context.on_cancel(lambda: seen.append(("first", threading.get_ident())))
    context.on_cancel(lambda: seen.append("second"))
    thread = threading.Thread(target=lambda: (cancellation.cancel("a"), cancellation.cancel("b")))
    thread.start()
    thread.join()
    assert seen == [("first", thread.ident), "second"]
    assert cancellation.reason == "a"


def test_an_action_that_comes_too_late_is_performed_at_once() -> None:
    cancellation = Cancellation()
    cancellation.cancel("over")
    seen: list[str] = []
    Context(cancellation=cancellation).on_cancel(lambda: seen.append("now"))
    assert seen == ["now"]


def test_an_action_that_fails_is_logged_and_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    cancellation = Cancellation()
    seen: list[str] = []
    cancellation.on_cancel(lambda: 1 / 0)
    cancellation.on_cancel(lambda: seen.append("second"))
    cancellation.cancel("over")
    assert seen == ["second"]
    assert "ZeroDivisionError" in caplog.text


def test_a_secret_is_given_if_the_node_declares_it_and_is_not_printed() -> None:
    context = Context(attempt=ATTEMPT)
    assert context.secret("TOKEN") == "abc"
    assert "abc" not in repr(ATTEMPT)
    with pytest.raises(SecretUndeclaredError, match=r"^The node declares no secret OTHER; it declares TOKEN\.$"):
        context.secret("OTHER")
    with pytest.raises(SecretUndeclaredError, match=r"it declares none\.$"):
        Context().secret("TOKEN")


def test_state_is_what_an_earlier_visit_left_until_it_is_set() -> None:
    context = Context(attempt=ATTEMPT)
    assert (context.state, context.state_changed) == ({"seen": 1}, False)
    context.set_state(None)
    assert (context.state, context.state_changed) == (None, True)
    assert (Context().state, Context().state_changed) == (None, False)


def test_a_session_is_shared_by_those_who_are_given_it() -> None:
    session: dict[str, int] = {}
    Context(session=session).session["model"] = 1
    assert Context(session=session).session == {"model": 1}
    assert Context().session == {}


def test_the_iteration_is_that_of_the_innermost_cycle() -> None:
    assert ATTEMPT.iteration == 2
    assert (
        Attempt(run_id="r", node_id="n", scope="", attempt=1, failures=0, visit=1, idempotency_key="k").iteration == 0
    )


def test_the_current_context_is_that_of_the_innermost_call() -> None:
    with pytest.raises(LookupError, match="No tool is being called here"):
        current_context()
    outer, inner = Context(), Context()
    with entered(outer):
        with entered(inner):
            assert current_context() is inner
        assert current_context() is outer
