"""The small normaliser against the expectations of a real one, and the real one itself."""

import time
from typing import Any

import pytest

from sandbox.sentry import normalise
from sandbox.sentry.enrich import enrich
from sandbox.sentry.normalise import plain

ERROR = {"exception": {"values": [{"type": "Error", "value": "Test error"}]}}


def real(event: dict[str, Any]) -> dict[str, Any]:
    assert normalise.HAS_RELAY, "sentry-relay is part of the development environment"
    return normalise.normalise(event, project_id=1, client_ip="203.0.113.7", user_agent="")


@pytest.mark.parametrize("how", [plain, real], ids=["own", "relay"])
@pytest.mark.parametrize(
    ("user", "stored"),
    [
        ({"id": 42}, {"id": "42"}),
        ({"id": 0}, {"id": "0"}),
        ({"id": True}, {"id": "True"}),
        ({"id": 42.5}, {"id": "42"}),
        ({"id": 12345678901234567890}, {"id": "12345678901234567890"}),
        ({"id": " a b "}, {"id": " a b "}),
        ({"id": 42, "orgId": 55}, {"id": "42", "data": {"orgId": 55}}),
        ({"id": 42, "org": {"id": 7}}, {"id": "42", "data": {"org": {"id": 7}}}),
        ({"id": 42, "orgId": 1, "data": {"orgId": 2, "a": 3}}, {"id": "42", "data": {"orgId": 1, "a": 3}}),
    ],
)
def test_users_are_stored_as_sentry_stores_them(
    how: Any, user: dict[str, Any], stored: dict[str, Any]
) -> None:
    found = {
        name: part for name, part in how(ERROR | {"user": user})["user"].items() if name != "sentry_user"
    }

    assert found == stored


@pytest.mark.parametrize("how", [plain, real], ids=["own", "relay"])
@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"environment": "  padded env "}, "padded env"),
        ({"environment": "Pré-Prod EU"}, "Pré-Prod EU"),
        ({"environment": "none"}, None),
        ({"environment": "a/b"}, None),
        ({"environment": "x" * 65}, None),
        ({"environment": ""}, None),
        ({"tags": {"environment": "from-tag"}}, "from-tag"),
        ({"environment": "field", "tags": {"environment": "tag"}}, "field"),
    ],
)
def test_environments_follow_sentrys_rules(how: Any, sent: dict[str, Any], stored: str | None) -> None:
    event = how(ERROR | sent)

    assert event.get("environment") == stored
    assert "environment" not in dict(event.get("tags") or [])


@pytest.mark.parametrize("how", [plain, real], ids=["own", "relay"])
def test_tags_become_texts(how: Any) -> None:
    event = how(
        ERROR | {"tags": {"tenant": 991, "flag": True, "with space": "x", "empty": "", "long": "y" * 300}}
    )

    tags = dict(event["tags"])
    assert (tags["tenant"], tags["flag"], tags["with-space"]) == ("991", "True", "x")
    assert tags.get("empty") is None
    assert (len(tags["long"]), tags["long"][-3:]) == (200, "...")


@pytest.mark.parametrize("how", [plain, real], ids=["own", "relay"])
@pytest.mark.parametrize("moment", ["2001-01-01T00:00:00Z", "an hour ahead", "yesterday"])
def test_impossible_times_become_the_time_of_reception(how: Any, moment: str) -> None:
    an_hour_ahead = time.time() + 3600

    event = how(ERROR | {"timestamp": an_hour_ahead if moment == "an hour ahead" else moment})

    assert abs(event["timestamp"] - time.time()) < 10
    assert event["errors"]


@pytest.mark.parametrize("how", [plain, real], ids=["own", "relay"])
@pytest.mark.parametrize(
    "name", ["exception", "user", "tags", "contexts", "request", "sdk", "platform", "extra"]
)
@pytest.mark.parametrize(
    "odd", [5, "text", [5, None], {"values": [5, {"stacktrace": 5, "mechanism": 7}]}, "\ud800"]
)
def test_odd_events_are_stored_all_the_same(how: Any, name: str, odd: object) -> None:
    stored = enrich(how({"event_id": "a" * 32, name: odd}))

    assert (stored["event_id"], stored["type"] in ("error", "default")) == ("a" * 32, True)
    assert isinstance(stored["title"], str)
