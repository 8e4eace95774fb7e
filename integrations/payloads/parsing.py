"""The two bodies in which Sentry sends an exception, read into one `SentryException`.

A *service hook* posts `{project, group, event}`, the event in the shape of Sentry's API; the *Sentry App*
posts `{action, installation, data: {error}, actor}`, the error in the shape of Sentry's store. Nothing here
trusts a field to have the type it should have: what does not fit counts as absent.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NoReturn

import msgspec

from integrations.payloads.envelopes import (
    AppEnvelope,
    ErrorOrigin,
    Installation,
    PayloadUnreadable,
    Source,
    event_id_of,
    guess_source,
    project_slug_in,
    read_app_envelope,
    read_event_id,
)
from integrations.payloads.event_time import milliseconds
from integrations.payloads.lenient import (
    UNDECODABLE,
    JsonValue,
    Parts,
    load_object,
    number_or_text_of,
    text_of,
)
from integrations.payloads.sentry_exception import Found, SentryException

__all__ = [
    "AppEnvelope",
    "ErrorOrigin",
    "Found",
    "Installation",
    "PayloadUnreadable",
    "SentryException",
    "Source",
    "guess_source",
    "parse",
    "read_app_envelope",
    "read_event_id",
]


def parse(body: bytes, source: Source) -> SentryException:
    """Read a whole body. Raises PayloadUnreadable, and nothing else whatever the body holds."""
    if source is Source.SERVICE_HOOK:
        return _parse_hook(*_open_hook(body))
    return _parse_app(_open_app(body))


class _Raised(msgspec.Struct):
    """One of an exception's chained values, without its stack."""

    type: object = None
    value: object = None
    mechanism: object = None


class _Raisings(msgspec.Struct):
    values: list[_Raised | None] | None = None


class _Entry(msgspec.Struct):
    type: object = None
    data: _Raisings | list[object] | str | int | float | bool | None = None


class _HookBody(msgspec.Struct):
    event: dict[str, msgspec.Raw]
    group: msgspec.Raw = msgspec.Raw(b"null")
    project: msgspec.Raw = msgspec.Raw(b"null")


class _AppData(msgspec.Struct):
    error: dict[str, msgspec.Raw] | None = None
    event: dict[str, msgspec.Raw] | None = None


class _AppBody(msgspec.Struct):
    data: _AppData


_HOOK_BODY: Final = msgspec.json.Decoder(_HookBody)
_APP_BODY: Final = msgspec.json.Decoder(_AppBody)
_RAISINGS: Final = msgspec.json.Decoder(_Raisings)
_ENTRIES: Final = msgspec.json.Decoder(list[_Entry])
_NOBODY: Final = _Raised()


def _open_hook(body: bytes) -> tuple[Parts, Parts]:
    """Return the event, and the body around it."""
    try:
        hook = _HOOK_BODY.decode(body)
    except UNDECODABLE:
        around = _load(body)
        return around.object("event") or _refuse("The body holds no event."), around
    return Parts(hook.event), Parts({"group": hook.group, "project": hook.project})


def _open_app(body: bytes) -> Parts:
    try:
        data = _APP_BODY.decode(body).data
    except UNDECODABLE:
        tolerant = _load(body).object("data") or Parts({})
        return tolerant.object("error") or tolerant.object("event") or _refuse("The body holds no error.")
    error = data.error if data.error is not None else data.event
    return Parts(error) if error is not None else _refuse("The body holds no error.")


def _load(body: bytes) -> Parts:
    values = load_object(body)
    return Parts(values) if values is not None else _refuse("The body is not a JSON object.")


def _refuse(why: str) -> NoReturn:
    raise PayloadUnreadable(why)


def _parse_hook(event: Parts, around: Parts) -> SentryException:
    tags = _settle_tags(event)
    raised = _last(_raisings_among(event))
    return SentryException(
        source=Source.SERVICE_HOOK,
        event_id=event_id_of(event.get("eventID")) or event_id_of(event.get("id")),
        timestamp_ms=_time_of(event, "dateCreated", "dateReceived"),
        event_type=_type_of(event, raised),
        environment=event.text("environment") or text_of(tags.get("environment")),
        tags=tags,
        culprit=event.text("culprit"),
        title=event.text("title"),
        level=text_of(tags.get("level")) or _of_object(around, "group", "level"),
        platform=event.text("platform"),
        release=text_of(tags.get("release")),
        dist=event.text("dist") or text_of(tags.get("dist")),
        transaction=text_of(tags.get("transaction")),
        logger=text_of(tags.get("logger")),
        sdk=_of_object(event, "sdk", "name"),
        handled=_handled(raised, tags),
        exception_type=text_of(raised.type),
        exception_value=text_of(raised.value),
        issue_id=number_or_text_of(event.get("groupID")) or _of_object(around, "group", "id"),
        url=_web_address(event.text("url")) or _derived_address(around, event),
        project_slug=_of_object(around, "project", "slug"),
        _event=event,
    )


def _parse_app(error: Parts) -> SentryException:
    tags = _settle_tags(error)
    raised = _last(error.read("exception", _RAISINGS))
    return SentryException(
        source=Source.APP,
        event_id=event_id_of(error.get("event_id")),
        timestamp_ms=_time_of(error, "timestamp", "datetime", "received"),
        event_type=_type_of(error, raised),
        environment=error.text("environment") or text_of(tags.get("environment")),
        tags=tags,
        culprit=error.text("culprit"),
        title=error.text("title"),
        level=error.text("level") or text_of(tags.get("level")),
        platform=error.text("platform"),
        release=error.text("release") or text_of(tags.get("release")),
        dist=error.text("dist") or text_of(tags.get("dist")),
        transaction=error.text("transaction") or text_of(tags.get("transaction")),
        logger=error.text("logger") or text_of(tags.get("logger")),
        sdk=_of_object(error, "sdk", "name"),
        handled=_handled(raised, tags),
        exception_type=text_of(raised.type),
        exception_value=text_of(raised.value),
        issue_id=number_or_text_of(error.get("issue_id")),
        url=_web_address(error.text("web_url")),
        project_slug=project_slug_in(error.text("url"), error.text("web_url")),
        _event=error,
    )


def _settle_tags(event: Parts) -> Mapping[str, JsonValue]:
    """Read the tags of either form as a map, and let paths see them so too."""
    tags = dict(filter(None, map(_tag, _items(event.get("tags")))))
    event.put("tags", tags)
    return tags


def _items(tags: JsonValue) -> Iterable[JsonValue]:
    if isinstance(tags, dict):
        return [[name, value] for name, value in tags.items()]
    return tags if isinstance(tags, list) else ()


def _tag(item: JsonValue) -> tuple[str, JsonValue] | None:
    """Read the Sentry App's `["name", "value"]` or the service hook's `{"key": "name", "value": "value"}`."""
    if isinstance(item, dict):
        name, value = item.get("key"), item.get("value")
    elif isinstance(item, list) and len(item) == 2:
        name, value = item
    else:
        return None
    return (name, value) if isinstance(name, str) else None


def _time_of(event: Parts, *names: str) -> int:
    times = (milliseconds(event.source(name)) for name in names)
    found = next((time for time in times if time is not None), None)
    return found if found is not None else _refuse("The event has no readable time.")


def _type_of(event: Parts, raised: _Raised) -> str:
    return event.text("type") or ("default" if raised is _NOBODY else "error")


def _raisings_among(event: Parts) -> _Raisings | None:
    entries = event.read("entries", _ENTRIES) or ()
    found = (entry.data for entry in entries if entry.type == "exception")
    return next((data for data in found if isinstance(data, _Raisings)), None)


def _last(raisings: _Raisings | None) -> _Raised:
    values = (raisings.values if raisings else None) or ()
    return next(filter(None, reversed(values)), _NOBODY)


def _handled(raised: _Raised, tags: Mapping[str, JsonValue]) -> bool | None:
    mechanism = raised.mechanism
    handled = mechanism.get("handled") if isinstance(mechanism, dict) else None
    if isinstance(handled, bool):
        return handled
    return {"yes": True, "no": False}.get(text_of(tags.get("handled")) or "")


def _of_object(parts: Parts, name: str, key: str) -> str | None:
    value = parts.get(name)
    return number_or_text_of(value.get(key)) if isinstance(value, dict) else None


def _web_address(text: str | None) -> str | None:
    """Return the text when a page may link to it; `javascript:` and the like are not followed."""
    return text if text and text.startswith(("https://", "http://")) else None


def _derived_address(around: Parts, event: Parts) -> str | None:
    group = _web_address(_of_object(around, "group", "url") or _of_object(around, "group", "permalink"))
    event_id = event_id_of(event.get("eventID"))
    return f"{group.rstrip('/')}/events/{event_id}/" if group and event_id else None
