"""Both webhook bodies against the bytes that a real Sentry server sent for the same exception."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.app import App
from tests.sandbox.listener import Listener
from tests.sandbox_process import SandboxProcess

PAYLOADS = Path(__file__).parent.parent / "fixtures" / "payloads"
# What belongs to the server, its clock, its counters or its grouping, not to the exception.
OWN = [
    "id",
    "groupID",
    "projectID",
    "shortId",
    "count",
    "firstSeen",
    "lastSeen",
    "url",
    "size",
    "dateReceived",
    "fingerprints",
    "hasSystemFrames",
    "project",
    "_metrics",
    "_ref",
    "hashes",
    "nodestore_insert",
    "received",
    "web_url",
    "issue_url",
    "issue_id",
]


def real(name: str) -> Any:
    return json.loads((PAYLOADS / f"seed-multi-traffic-type.{name}.json").read_bytes())


def as_sent() -> dict[str, Any]:
    """The event as the browser's SDK sent it, taken back from what Sentry stored."""
    stored = real("error-created")["data"]["error"]
    trace = stored["contexts"]["trace"]
    frame = {"filename": "https://shop.example.com/checkout.html", "function": "?", "in_app": True}
    exception = {"type": "Error", "value": "Test error", "mechanism": {"type": "generic", "handled": True}}
    return {
        **{name: stored[name] for name in ("event_id", "timestamp", "platform", "release", "sdk", "level")},
        "environment": "production",
        "user": {"id": 42, "email": "john.doe@example.com", "orgId": 55},
        "request": {"url": stored["request"]["url"], "headers": dict(stored["request"]["headers"])},
        "contexts": {"trace": {"trace_id": trace["trace_id"], "span_id": trace["span_id"]}},
        "exception": {
            "values": [exception | {"stacktrace": {"frames": [frame | {"lineno": 4, "colno": 112}]}}]
        },
    }


def neutral(value: Any) -> Any:
    """Own values out, the order of keys in."""
    if isinstance(value, dict):
        return [(name, "…" if name in OWN else neutral(part)) for name, part in value.items()]
    return [neutral(part) for part in value] if isinstance(value, list) else value


@pytest.fixture
def bodies(sandbox: SandboxProcess, product: Listener, app: App) -> dict[str, Any]:
    sandbox.control("settings", app_events=["error"])
    app.create_hook(f"{product.url}/hook/")
    sandbox.control("throw", event=as_sent(), limits=False)
    return {request.path: json.loads(request.body) for request in product.wait_for(2)}


def test_a_service_hook_has_the_real_shape_and_values(bodies: dict[str, Any]) -> None:
    ours, theirs = bodies["/hook/"], real("service-hook-v0")

    assert ours["project"] == theirs["project"]
    assert neutral(ours["group"]) == neutral(theirs["group"])
    assert neutral(ours["event"]) == neutral(theirs["event"])


def test_an_app_webhook_has_the_real_shape_and_values(bodies: dict[str, Any]) -> None:
    ours, theirs = bodies["/webhooks/sentry/app/"], real("error-created")

    assert list(ours) == list(theirs)
    assert (ours["action"], ours["actor"]) == (theirs["action"], theirs["actor"])
    assert neutral(ours["data"]["error"]) == neutral(theirs["data"]["error"])


@pytest.mark.parametrize("case", ["installation-created", "installation-deleted"])
def test_an_installation_webhook_has_the_real_shape(
    sandbox: SandboxProcess, product: Listener, case: str
) -> None:
    theirs = json.loads((PAYLOADS / f"{case}.json").read_bytes())
    uuid = sandbox.control("install", deliver=case.endswith("created"))["uuid"]
    if case.endswith("deleted"):
        sandbox.control("uninstall", uuid=uuid)

    ours = json.loads(product.wait_for(1)[0].body)

    assert list(ours["data"]["installation"]) == list(theirs["data"]["installation"])
    assert {**ours, "data": 0, "installation": 0} == {**theirs, "data": 0, "installation": 0}
