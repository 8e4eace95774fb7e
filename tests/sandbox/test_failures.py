"""Each way of failing, and where and how long it holds."""

import http.client
import time
from typing import Any

import pytest

from tests.sandbox.app import EVENT, HOOKS, App, sdk_key, send_events
from tests.sandbox_process import SandboxProcess

CUT = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


@pytest.mark.parametrize(("kind", "kept"), [("drop", 0), ("drop_after", 0), ("lose_answer", 1)])
def test_a_cut_connection_brings_no_answer(sandbox: SandboxProcess, kind: str, kept: int) -> None:
    sandbox.fail("fme_events", kind, times=1)

    with pytest.raises(CUT):
        send_events(sandbox, EVENT)

    assert sandbox.count() == kept
    assert send_events(sandbox, EVENT)[0] == 202


def test_a_cut_before_reading_reaches_even_a_large_body(sandbox: SandboxProcess) -> None:
    sandbox.fail("fme_events", "drop", times=1)
    large = EVENT | {"properties": {"a": "x" * 5_000_000}}

    with pytest.raises(CUT):
        send_events(sandbox, large)


def test_a_silent_connection_ends_without_an_answer(sandbox: SandboxProcess) -> None:
    sandbox.fail("fme_events", "hang", seconds=0.3, times=1)
    begin = time.monotonic()

    with pytest.raises(CUT):
        send_events(sandbox, EVENT)

    assert time.monotonic() - begin >= 0.3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 500, 503])
def test_any_status_can_be_answered(sandbox: SandboxProcess, status: int) -> None:
    sandbox.fail("fme_events", "status", status=status, retry_after=7)

    assert send_events(sandbox, EVENT)[0] == status
    assert sandbox.last_headers["Retry-After"] == "7"
    assert sandbox.count() == 0


def test_slow_answers_after_its_time(sandbox: SandboxProcess) -> None:
    sandbox.fail("fme_events", "slow", seconds=0.3)
    begin = time.monotonic()

    assert send_events(sandbox, EVENT)[0] == 202
    assert time.monotonic() - begin >= 0.3


def test_a_switch_holds_for_its_number_of_requests(sandbox: SandboxProcess) -> None:
    sandbox.fail("fme_events", "status", status=503, times=2)

    assert [send_events(sandbox, EVENT)[0] for _ in range(3)] == [503, 503, 202]
    assert sandbox.get("failures")["failures"] == []


@pytest.mark.parametrize("naming", ["name", "id", "sdk_key"])
def test_a_switch_may_hold_for_one_environment(sandbox: SandboxProcess, naming: str) -> None:
    staging: dict[str, Any] = sandbox.state()["workspaces"][0]["environments"][0]
    sandbox.fail("fme_events", "status", status=401, environment=staging[naming])

    assert send_events(sandbox, EVENT)[0] == 401
    assert send_events(sandbox, EVENT, key=sdk_key(sandbox, "Production"))[0] == 202


def test_poison_refuses_every_batch_that_holds_the_key(sandbox: SandboxProcess) -> None:
    sandbox.fail("fme_events", "poison", contains="bad")
    bad = EVENT | {"key": "bad"}

    assert [send_events(sandbox, *batch)[0] for batch in ([EVENT, bad], [EVENT], [bad])] == [400, 202, 400]


def test_a_switch_of_one_operation_leaves_the_others(sandbox: SandboxProcess, app: App) -> None:
    sandbox.fail("sentry_api", "status", status=503, operation="hooks.post")

    assert app.call("GET", HOOKS)[0] == 200
    assert app.call("POST", HOOKS, {"url": "https://fme.example.com/1"})[0] == 503


def test_healing_clears_all_switches(sandbox: SandboxProcess) -> None:
    sandbox.fail("fme_events", "status", status=503)
    sandbox.heal()

    assert send_events(sandbox, EVENT)[0] == 202


def test_an_unknown_switch_is_refused_in_words(sandbox: SandboxProcess) -> None:
    status, body = sandbox.request("POST", "/control/failures", {"peer": "fme_events", "kind": "explode"})

    assert status == 400
    assert "lose_answer" in body["error"]
