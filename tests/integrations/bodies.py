"""The real bodies of `tests/fixtures/payloads`, by name, and rules to try them with."""

import json
from pathlib import Path
from typing import Any

from integrations.mapping import EnvironmentRule, IdentityRule, Rules
from integrations.payloads import SentryException, Source, parse

PAYLOADS = Path(__file__).parents[1] / "fixtures" / "payloads"
INDEX: dict[str, Any] = json.loads((PAYLOADS / "index.json").read_text())
FORMS = {"error-created": Source.APP, "service-hook-v0": Source.SERVICE_HOOK}

STAGING = EnvironmentRule("staging", 1, "Staging")
PRODUCTION = EnvironmentRule("production", 2, "Production")
USER = IdentityRule("data.error.user.id", "user")
ORG = IdentityRule("data.error.user.orgId", "org")


def body_of(name: str, source: Source = Source.SERVICE_HOOK) -> bytes:
    form = next(form for form, known in FORMS.items() if known is source)
    return (PAYLOADS / f"{name}.{form}.json").read_bytes()


def parsed(name: str, source: Source = Source.SERVICE_HOOK) -> SentryException:
    return parse(body_of(name, source), source)


def in_both_forms() -> list[str]:
    """Names of the cases that Sentry sent through both webhooks."""
    return [name for name, forms in INDEX.items() if FORMS.keys() <= forms.keys()]


def hook_with(**event: Any) -> bytes:
    """A service hook of the least that can be read, with some fields of the event put in or replaced."""
    least = {"eventID": "ab" * 16, "type": "error", "dateCreated": "2026-11-23T02:06:06.022000Z"}
    return json.dumps({"project": {"slug": "front-end"}, "group": {}, "event": least | event}).encode()


def app_with(**error: Any) -> bytes:
    """The same for the Sentry App."""
    least = {"event_id": "ab" * 16, "type": "error", "timestamp": 1795399566.022}
    return json.dumps({"action": "created", "data": {"error": least | error}}).encode()


def hooked(**event: Any) -> SentryException:
    return parse(hook_with(**event), Source.SERVICE_HOOK)


def rules(*rows: EnvironmentRule | IdentityRule, wants_culprit: bool = False) -> Rules:
    """Rules of these rows; without any, both environments and the user."""
    return Rules(
        environments=tuple(row for row in rows if isinstance(row, EnvironmentRule)) or (STAGING, PRODUCTION),
        identities=tuple(row for row in rows if isinstance(row, IdentityRule)) or (USER,),
        wants_culprit=wants_culprit,
        organization="acme-gmbh",
        project="front-end",
    )
