"""PURE: exceptions to throw: the three of the product document, and whatever a control call describes."""

import time
import uuid
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
JAVASCRIPT = {"name": "sentry.javascript.browser", "version": "7.120.4"}
FRAME = {
    "filename": "/checkout.js",
    "abs_path": "https://shop.example.com/checkout.js",
    "function": "pay",
    "lineno": 4,
    "colno": 112,
    "in_app": True,
}
COPIED = [
    "environment",
    "user",
    "tags",
    "contexts",
    "extra",
    "transaction",
    "release",
    "dist",
    "logger",
    "fingerprint",
    "request",
    "breadcrumbs",
    "server_name",
    "modules",
    "threads",
    "platform",
]


@dataclass(frozen=True, slots=True)
class Example:
    """One of the documented exceptions. `code` is what a programmer would write."""

    name: str
    title: str
    summary: str
    environment: str
    user: Json
    code: str


def _code(environment: str, user: str) -> str:
    lines = (
        f"Sentry.init({{ environment: '{environment}', dsn }});",
        f"Sentry.setUser({{ {user} }});",
        "Sentry.captureException(Error('Test error'));",
    )
    return "\n".join(lines)


MAIL = "john.doe@example.com"
EXAMPLES = (
    Example(
        name="staging",
        title="Staging, one key",
        summary="user 42 in staging",
        environment="staging",
        user={"id": 42, "email": MAIL},
        code=_code("staging", f"id: 42, email: '{MAIL}'"),
    ),
    Example(
        name="production",
        title="Production, one key",
        summary="user 42 in production",
        environment="production",
        user={"id": 42, "email": MAIL},
        code=_code("production", f"id: 42, email: '{MAIL}'"),
    ),
    Example(
        name="two",
        title="Production, two traffic types",
        summary="user 42 of org 55 in production",
        environment="production",
        user={"id": 42, "email": MAIL, "orgId": 55},
        code=_code("production", f"id: 42, email: '{MAIL}', orgId: 55"),
    ),
)


def example(name: str) -> Example | None:
    return next((found for found in EXAMPLES if found.name == name), None)


def build(call: Json) -> Json:
    """The event an SDK would send for a `throw` call; `event` in the call is such an event already."""
    if isinstance(call.get("event"), dict):
        given = dict(call["event"]) | (call.get("overrides") or {})
        return given | ({"event_id": uuid.uuid4().hex} if call.get("new_id") else {})
    event: Json = {
        "event_id": call.get("event_id") or uuid.uuid4().hex,
        "timestamp": call.get("timestamp", time.time()),
        "platform": "javascript",
        "sdk": call.get("sdk") or JAVASCRIPT,
        "level": call.get("level", "error"),
    }
    if values := _values(call):
        event["exception"] = {"values": values}
    if call.get("message") is not None:
        message = call["message"]
        event["logentry"] = message if isinstance(message, dict) else {"formatted": str(message)}
    return event | {name: call[name] for name in COPIED if name in call}


def _values(call: Json) -> list[Json]:
    given = call.get("exception")
    if given is None and ("type" in call or "value" in call):
        given = {"type": call.get("type", "Error"), "value": call.get("value", "Test error")}
    if given is None:
        given = [] if call.get("message") is not None else {"type": "Error", "value": "Test error"}
    if isinstance(given, dict) and "values" in given:
        given = given["values"]
    listed = given if isinstance(given, list) else [given]
    return [_value(value, call.get("stacktrace", True)) for value in listed]


def _value(value: Any, stacktrace: Any) -> Json:
    new = dict(value) if isinstance(value, dict) else {"type": str(value), "value": str(value)}
    if "stacktrace" not in new and stacktrace:
        new["stacktrace"] = stacktrace if isinstance(stacktrace, dict) else {"frames": [dict(FRAME)]}
    new.setdefault("mechanism", {"type": "generic", "handled": True})
    return new
