"""A test exception: a marked sample in the shape of a service hook's body. Pure."""

import json
from datetime import UTC, datetime
from typing import Any, Final

TAG: Final = "harness_fme_test"
"""The tag that marks a test; its value says whether it is delivered."""

MAP_ONLY: Final = "map"
DELIVER: Final = "deliver"
REASON: Final = "test_only"
"""Why a test that maps well gave no track event."""

UNMAPPED: Final = "not-mapped-test"
"""The environment of a test that is to show what happens to one that no row maps."""


def sample(
    *,
    event_id: str,
    at: datetime,
    environment: str,
    identities: dict[str, str],
    project: str,
    is_delivered: bool,
) -> bytes:
    """A TypeError in `environment` with a value at each path of `identities`, as Sentry would send it."""
    when = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    tags = {"environment": environment, "level": "error", TAG: DELIVER if is_delivered else MAP_ONLY}
    title = "TestException: Sent from Harness FME integrations"
    raised = {
        "type": "TestException", "value": "Sent from Harness FME integrations",
        "mechanism": {"type": "generic", "handled": True},
    }  # fmt: skip
    event: dict[str, Any] = {
        "id": event_id, "eventID": event_id, "groupID": "0", "projectID": "0", "type": "error", "title": title,
        "message": "", "platform": "other", "culprit": "harness_fme in test_exception", "dateCreated": when,
        "dateReceived": when, "user": {"id": "fme-test-user", "email": None, "ip_address": None, "data": {}},
        "tags": [{"key": key, "value": value} for key, value in tags.items()], "contexts": {}, "context": {},
        "entries": [{"type": "exception", "data": {"values": [raised]}}],
        "sdk": {"name": "harness-fme", "version": "1"},
    }  # fmt: skip
    for path, value in identities.items():
        put(event, path, value)
    return json.dumps(
        {"project": {"slug": project, "name": project}, "group": {"id": "0"}, "event": event}
    ).encode()


def put(event: dict[str, Any], path: str, value: str) -> None:
    """Put a value where `path` is looked for; a path into lists or below a text stays without one."""
    parts = path.removeprefix("data.error.").removeprefix("data.event.").removeprefix("event.").split(".")
    if parts[0] == "tags":
        event["tags"].append({"key": ".".join(parts[1:]), "value": value})
        return
    if parts[0] == "extra":
        parts[0] = "context"
    if (
        parts[0] == "user"
        and len(parts) > 1
        and parts[1] not in ("id", "email", "username", "ip_address", "data", "name")
    ):
        parts.insert(1, "data")  # where Sentry moves the keys of a user that it does not know
    place: Any = event
    for part in parts[:-1]:
        if not isinstance(place, dict) or not isinstance(place.setdefault(part, {}), dict):
            return
        place = place[part]
    place[parts[-1]] = value
