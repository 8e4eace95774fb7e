"""The outside of Sentry's two webhook bodies: just enough to store a message and to know whose it is.

Field sources: getsentry/sentry, sentry_apps/tasks/service_hooks.py (service hook) and
sentry_apps/api/serializers/ (Sentry App); seen in real bodies of Sentry 23.7.1.
"""

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import msgspec

from integrations.payloads.lenient import (
    UNDECODABLE,
    Parts,
    number_or_text_of,
    read_object,
    read_outside,
    text_of,
)


class Source(StrEnum):
    """Which of Sentry's two webhooks a body came through."""

    SERVICE_HOOK = "service_hook"
    APP = "app"


class PayloadUnreadable(ValueError):
    """The body is no JSON object, holds no event, or the event has no time; the text says which."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What `installation.created` and `.deleted` say about an installation of the Sentry App."""

    uuid: str | None
    status: str | None  # "pending" until verified, then "installed"
    organization: str | None  # slug
    app: str | None  # slug
    code: str | None = field(repr=False)  # exchanged for a token within ten minutes; absent on deleted


@dataclass(frozen=True, slots=True)
class ErrorOrigin:
    """Which event an `error.created` is about and where it belongs; the slugs stand only in its addresses."""

    event_id: str | None
    project_id: str | None
    organization: str | None
    project: str | None


@dataclass(frozen=True, slots=True)
class AppEnvelope:
    """The outside of a Sentry App webhook. `resource` names what `data` holds, such as "error"."""

    action: str | None
    installation_uuid: str | None  # lower case, with dashes
    resource: str | None
    installation: Installation | None
    error: ErrorOrigin | None


def read_event_id(body: bytes, source: Source) -> str | None:
    """Return Sentry's id of the event, 32 lower-case hex digits, decoding nothing but the envelope.

    None when the body carries no event or no such id. Raises PayloadUnreadable when it is no JSON object.
    """
    try:
        candidates = _hook_ids(body) if source is Source.SERVICE_HOOK else _app_ids(body)
    except UNDECODABLE:
        candidates = _ids_read_tolerantly(body, source)
    return next(filter(None, map(event_id_of, candidates)), None)


def read_app_envelope(body: bytes) -> AppEnvelope:
    """Read the outside of a Sentry App webhook. Raises PayloadUnreadable when it is no JSON object."""
    envelope = read_outside(body)
    if envelope is None:
        raise PayloadUnreadable("The body is not a JSON object.")
    data = envelope.object("data") or Parts({})
    installation = envelope.object("installation") or Parts({})
    return AppEnvelope(
        action=envelope.text("action"),
        installation_uuid=_uuid_of(installation.get("uuid")),
        resource=next(iter(data), None),
        installation=_installation(data.object("installation")),
        error=_error_origin(data.object("error")),
    )


def guess_source(body: bytes) -> Source:
    """Tell the form of a body that came without headers, such as one pasted into the preview."""
    envelope = read_object(body)
    is_app = envelope is not None and "data" in envelope and "event" not in envelope
    return Source.APP if is_app else Source.SERVICE_HOOK


def event_id_of(value: object) -> str | None:
    """Return 32 hex digits in lower case, as Sentry sends them; None for everything else."""
    if isinstance(value, str) and _EVENT_ID.fullmatch(value):
        return value.lower()
    return None


def project_slug_in(*addresses: str | None) -> str | None:
    """Return the project's slug from the first address that names one: `…/projects/{org}/{project}/…`."""
    return next((found[1] for address in addresses if (found := _PROJECT.search(address or ""))), None)


_EVENT_ID: Final = re.compile(r"[0-9a-fA-F]{32}")
_PROJECT: Final = re.compile(r"/projects/[^/?#]+/([^/?#]+)(?:/|$)")
_ORGANIZATION: Final = re.compile(r"/(?:projects|organizations)/([^/?#]+)(?:/|$)")


class _HookIds(msgspec.Struct):
    event_id: object = msgspec.field(name="eventID", default=None)
    id: object = None


class _HookBody(msgspec.Struct):
    event: _HookIds | None = None


class _AppIds(msgspec.Struct):
    event_id: object = None


class _AppData(msgspec.Struct):
    error: _AppIds | None = None
    event: _AppIds | None = None


class _AppBody(msgspec.Struct):
    data: _AppData | None = None


_HOOK_BODY: Final = msgspec.json.Decoder(_HookBody)
_APP_BODY: Final = msgspec.json.Decoder(_AppBody)


def _hook_ids(body: bytes) -> Iterable[object]:
    event = _HOOK_BODY.decode(body).event
    return (event.event_id, event.id) if event else ()


def _app_ids(body: bytes) -> Iterable[object]:
    data = _APP_BODY.decode(body).data
    return [holder.event_id for holder in (data.error, data.event) if holder] if data else ()


def _ids_read_tolerantly(body: bytes, source: Source) -> Iterable[object]:
    envelope = read_outside(body)
    if envelope is None:
        raise PayloadUnreadable("The body is not a JSON object.")
    if source is Source.SERVICE_HOOK:
        event = envelope.object("event") or Parts({})
        return event.get("eventID"), event.get("id")
    data = envelope.object("data") or Parts({})
    holders = data.object("error"), data.object("event")
    return [holder.get("event_id") for holder in holders if holder]


def _installation(data: Parts | None) -> Installation | None:
    if data is None:
        return None
    organization, app = data.object("organization"), data.object("app")
    return Installation(
        uuid=_uuid_of(data.get("uuid")),
        status=data.text("status"),
        organization=organization.text("slug") if organization else None,
        app=app.text("slug") if app else None,
        code=data.text("code"),
    )


def _error_origin(error: Parts | None) -> ErrorOrigin | None:
    if error is None:
        return None
    addresses = error.text("url"), error.text("web_url")
    organizations = (_ORGANIZATION.search(address or "") for address in addresses)
    return ErrorOrigin(
        event_id=event_id_of(error.get("event_id")),
        project_id=number_or_text_of(error.get("project")),
        organization=next((found[1] for found in organizations if found), None),
        project=project_slug_in(*addresses),
    )


def _uuid_of(value: object) -> str | None:
    try:
        return str(uuid.UUID(text_of(value) or ""))
    except ValueError:
        return None
