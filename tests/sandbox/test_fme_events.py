"""Event ingestion: what is accepted, what is dropped and why, and the vendor's own SDK."""

from typing import Any

import pytest
import splitio

from sandbox.fme.checks import reason_to_drop
from tests.sandbox.app import EVENT, sdk_key, send_events
from tests.sandbox_process import SandboxProcess
from tests.waiting import until

TYPES = frozenset({"user", "org"})


def reason(**changes: Any) -> str:
    return reason_to_drop(EVENT | changes, "Staging", TYPES)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"value": 1.5},
        {"properties": None},
        {"environmentName": "Staging", "source": "Sentry"},
        {"eventTypeId": "sentry_exception.pay-1a2b3c4d"},
        {"eventTypeId": "a" * 80},
        {"key": "k" * 250},
        {"properties": {"a": 1, "b": True, "c": None, "d": "x" * 256}},
    ],
)
def test_a_valid_event_is_accepted(changes: dict[str, Any]) -> None:
    assert reason(**changes) == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"eventTypeId": "with blank"}, "naming rule"),
        ({"eventTypeId": "_first"}, "naming rule"),
        ({"eventTypeId": "a" * 81}, "naming rule"),
        ({"eventTypeId": "a\n"}, "naming rule"),
        ({"eventTypeId": None}, "no text"),
        ({"key": 42}, "no text"),
        ({"key": "  "}, "blank"),
        ({"key": "k" * 251}, "250"),
        ({"key": "a\ud800"}, "half a character"),
        ({"trafficTypeName": "User"}, "lower case"),
        ({"trafficTypeName": "customer"}, "does not exist"),
        ({"timestamp": 1795399567}, "milliseconds"),
        ({"timestamp": 1795399567579.5}, "whole number"),
        ({"timestamp": True}, "whole number"),
        ({"value": "1"}, "no number"),
        ({"value": True}, "no number"),
        ({"environmentName": "Production"}, "environment of the SDK key"),
        ({"properties": [1]}, "no object"),
        ({"properties": {"a": {"b": 1}}}, "neither text"),
        ({"properties": {"a": "x" * 257}}, "256"),
        ({"properties": {str(number): 1 for number in range(301)}}, "300"),
        ({"properties": {f"{number:03}": "x" * 250 for number in range(200)}}, "32768"),
    ],
)
def test_an_invalid_event_is_dropped_with_its_reason(changes: dict[str, Any], words: str) -> None:
    assert words in reason(**changes)


def test_a_batch_with_an_invalid_event_is_accepted_and_the_event_dropped(sandbox: SandboxProcess) -> None:
    answer = send_events(sandbox, EVENT, EVENT | {"trafficTypeName": "customer"})

    (dropped,) = sandbox.get("received", dropped=1)["events"]
    assert answer == (202, "")
    assert sandbox.received() == [EVENT]
    assert dropped["dropped"] == "traffic type 'customer' does not exist in the project"


def test_strict_refuses_the_whole_batch_naming_nothing(sandbox: SandboxProcess) -> None:
    sandbox.control("settings", fme_strict=True)

    assert send_events(sandbox, EVENT, EVENT | {"key": ""}) == (400, "")
    assert send_events(sandbox, EVENT) == (202, "")
    assert sandbox.count() == 1


@pytest.mark.parametrize(
    ("authorization", "status"), [("Bearer {}", 202), ("bearer {}", 401), ("Bearer x{}", 401), ("", 401)]
)
def test_only_a_known_sdk_key_may_send(sandbox: SandboxProcess, authorization: str, status: int) -> None:
    headers = {"Authorization": authorization.format(sdk_key(sandbox))}

    assert sandbox.request("POST", "/api/events/bulk", [EVENT], headers=headers)[0] == status


def test_bodies_of_the_wrong_form_get_400(sandbox: SandboxProcess) -> None:
    headers = {"Authorization": f"Bearer {sdk_key(sandbox)}"}

    assert sandbox.request("POST", "/api/events/bulk", EVENT, headers=headers)[0] == 400
    assert (
        sandbox.request("POST", "/api/events/bulk", [EVENT | {"value": float("nan")}], headers=headers)[0]
        == 400
    )
    assert sandbox.request("POST", "/api/events", EVENT, headers=headers)[0] == 202


def test_half_a_character_in_an_event_does_not_lose_the_batch(sandbox: SandboxProcess) -> None:
    broken = EVENT | {"properties": {"title": "a\ud83d"}, "trafficTypeName": "\ud83d"}

    assert send_events(sandbox, broken, EVENT)[0] == 202
    assert (sandbox.count(), sandbox.count(dropped=1)) == (1, 1)


def test_limits_of_a_batch_answer_413(sandbox: SandboxProcess) -> None:
    sandbox.control("settings", fme_max_events=2)

    assert [send_events(sandbox, *[EVENT] * number)[0] for number in (2, 3)] == [202, 413]


def test_received_events_are_found_by_what_they_hold(sandbox: SandboxProcess) -> None:
    send_events(sandbox, EVENT, EVENT | {"key": "55", "trafficTypeName": "org"}, EVENT)
    send_events(sandbox, EVENT, key=sdk_key(sandbox, "Production"))

    assert sandbox.count(key="42") == 3
    assert sandbox.count(traffic_type="org", environment="Staging") == 1
    assert sandbox.count(event_id="b5ae22f6e5a24d11aebb5af1f9704b74", environment="Production") == 1
    assert sandbox.get("received", limit=0, unique=1) == {"count": 4, "unique": 3, "events": []}


@pytest.mark.filterwarnings("ignore:setDaemon:DeprecationWarning")  # the SDK's own
def test_the_vendors_sdk_is_accepted_by_the_same_checks(sandbox: SandboxProcess) -> None:
    addresses = dict.fromkeys(
        ("sdk_api_base_url", "events_api_base_url", "auth_api_base_url", "telemetry_api_base_url"),
        f"{sandbox.url}/api",
    )
    config = {
        "streamingEnabled": False,
        "impressionsMode": "NONE",
        "featuresRefreshRate": 3600,  # its thread may outlive the test, and the sandbox does not
        "segmentsRefreshRate": 3600,
    }
    factory = splitio.get_factory(sdk_key(sandbox), config=config, **addresses)
    factory.block_until_ready(10)
    client = factory.client()

    assert client.track("42", "user", "sentry_exception", properties={"level": "error", "handled": True})
    assert client.track(55, "org", "sentry_exception", 1)
    factory.destroy()

    until(lambda: sandbox.count() == 2)  # the SDK sends from a thread of its own
    found = {event["key"]: event for event in sandbox.received()}
    assert sandbox.count(dropped=1) == 0
    assert found["42"]["properties"] == {"level": "error", "handled": True}
    assert (found["55"]["trafficTypeName"], found["55"]["value"]) == ("org", 1)
    assert sandbox.get("requests")[0]["sdk"].startswith("python-")
