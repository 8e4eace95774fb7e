"""Bodies of outgoing webhooks as bytes: compact JSON, everything beyond ASCII escaped, as Sentry does it."""

import json
from typing import Any

from sandbox.sentry import bodies, installations, occurrences
from sandbox.store import store


def dump(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def hook_body(data: dict[str, Any]) -> bytes:
    """A service hook's body, version 0. `data`: `event`, the row id of the stored event."""
    return dump(bodies.service_hook(occurrences.load(data["event"])))


def app_body(data: dict[str, Any]) -> bytes:
    """An app webhook's body. `data`: `resource`, `action`, `installation`, and `event` or `code`."""
    if data["resource"] == "error":
        content = {"error": bodies.error(occurrences.load(data["event"]))}
        actor: dict[str, Any] = {"type": "application", "id": "sentry", "name": "Sentry"}
    else:
        row = store().one("SELECT * FROM installations WHERE uuid = ?", data["installation"])
        content = {"installation": installations.show(row, code=data.get("code", ""))}
        actor = {"type": "user", "id": 1, "name": "Ada Admin"}
    envelope = {"action": data["action"], "installation": {"uuid": data["installation"]}}
    return dump(envelope | {"data": content, "actor": actor})
