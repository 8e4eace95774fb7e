"""Distinct real service hook bodies: recorded ones with an event id, environment and person of their own."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from uuid import UUID

from webhooks.signature import sign

RECORDED = Path(__file__).parent.parent / "fixtures" / "payloads"
TEMPLATES = (
    "browser-typeerror", "browser5-environment-unset", "culprit-odd-characters", "django-chained-exception",
    "node-unhandled-rejection", "seed-production", "seed-staging", "legacy-sdk-environment", "user-ip-auto",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """One track event as this suite tells events apart: whose exception, for which environment and which key."""

    event_id: str
    environment: str
    key: str


@dataclass(frozen=True, slots=True)
class Message:
    """One delivery of Sentry, and the event it has to become."""

    path: str
    body: bytes
    signature: str
    event: Event


def messages(
    count: int, *, address: UUID, secret: str, environments: tuple[str, ...], dice: Random
) -> Iterator[Message]:
    """`count` signed messages to the hook of `address`, spread over `environments`."""
    templates = [json.loads((RECORDED / f"{name}.service-hook-v0.json").read_bytes()) for name in TEMPLATES]
    for number in range(count):
        event = Event(
            f"{dice.getrandbits(128):032x}", environments[number % len(environments)], f"user-{number}"
        )
        body = as_sentry_writes(changed(dice.choice(templates), event))
        yield Message(f"/webhooks/sentry/hooks/{address}/", body, sign(body, secret), event)


def changed(template: dict[str, object], to: Event) -> dict[str, object]:
    """`template` as it would be for the person and environment of `to`."""
    payload = json.loads(json.dumps(template))
    event = payload["event"]
    event["eventID"] = event["id"] = to.event_id
    event["user"] = {**(event.get("user") or {}), "id": to.key}
    event["tags"] = [tag for tag in event["tags"] if tag["key"] != "environment"]
    event["tags"].append({"key": "environment", "value": to.environment})
    return payload


def as_sentry_writes(payload: dict[str, object]) -> bytes:
    """Compact JSON with everything beyond ASCII escaped."""
    return json.dumps(payload, separators=(",", ":")).encode()
