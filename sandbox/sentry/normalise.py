"""PURE: an event as an SDK sent it -> as Sentry stores it, by Sentry's own normaliser if installed."""

import re
import time
import uuid
from datetime import UTC, datetime
from typing import Any

try:
    from sentry_relay.processing import StoreNormalizer
except ImportError:  # the sandbox extra is not installed
    HAS_RELAY = False
else:
    HAS_RELAY = True

Json = dict[str, Any]
MAX_PAST = 30 * 24 * 3600
MAX_FUTURE = 60
MAX_ID = 128
MAX_TAG = 200
MAX_ENVIRONMENT = 64
EVENT_ID = re.compile(r"[0-9a-f]{32}")
OBJECTS = (
    "user",
    "contexts",
    "extra",
    "sdk",
    "request",
    "modules",
    "logentry",
    "breadcrumbs",
    "threads",
    "csp",
)
USER_KEYS = ("id", "email", "username", "name", "ip_address", "geo", "data", "segment")


def normalise(raw: Json, *, project_id: int, client_ip: str, user_agent: str, keep_old: bool = False) -> Json:
    """The stored form. `keep_old`: leave times alone that the real ingestion replaces (too old, or ahead)."""
    event = dict(raw)
    given = str(event.get("event_id")).replace("-", "").lower()
    event["event_id"] = given if EVENT_ID.fullmatch(given) else uuid.uuid4().hex
    if not HAS_RELAY:
        return plain(event, keep_old=keep_old)
    limits = {} if keep_old else {"max_secs_in_past": MAX_PAST, "max_secs_in_future": MAX_FUTURE}
    normaliser = StoreNormalizer(
        project_id=project_id,
        client_ip=client_ip,
        client=_client(event),
        key_id="1",
        protocol_version="7",
        is_renormalize=False,
        remove_other=True,
        normalize_user_agent=True,
        user_agent=user_agent,
        enable_trimming=True,
        **limits,
    )
    found: Json = normaliser.normalize_event(event)
    return found


def plain(event: Json, *, keep_old: bool = False) -> Json:
    """What the real normaliser does to what a receiver looks at: identities, environment, tags, time."""
    errors: list[Json] = []
    tags = _tags(event.get("tags"))
    from_tag = tags.pop("environment", None)
    new = {
        name: value
        for name, value in _well_formed(event).items()
        if name not in ("tags", "user", "environment")
    }
    new["timestamp"] = _moment(event.get("timestamp"), errors, keep_old=keep_old)
    new["received"] = time.time()
    new["environment"] = _environment(event.get("environment") or from_tag, errors)
    if isinstance(event.get("user"), dict):
        new["user"] = _user(event["user"], errors)
    new["tags"] = [list(pair) for pair in tags.items()]
    new.setdefault("level", "error")
    new.setdefault("platform", "other")
    new["version"] = "7"
    new["key_id"] = "1"
    if isinstance(message := event.get("message"), str):
        new["logentry"] = {"formatted": message}
    return {name: value for name, value in new.items() if value is not None} | (
        {"errors": errors} if errors else {}
    )


def _well_formed(event: Json) -> Json:
    """Without the parts that are not what they have to be; exceptions as `values`."""
    kept = {name: value for name, value in event.items() if name not in OBJECTS or isinstance(value, dict)}
    exception = kept.pop("exception", None)
    values = exception.get("values", [exception]) if isinstance(exception, dict) else exception
    if isinstance(values, list):
        kept["exception"] = {"values": [_value(value) for value in values if isinstance(value, dict)]}
    texts = ("release", "dist", "platform", "level", "logger", "transaction", "server_name", "type")
    return {name: value if name not in texts or value is None else str(value) for name, value in kept.items()}


def _value(value: Json) -> Json:
    kept = {name: part for name, part in value.items() if name != "mechanism" or isinstance(part, dict)}
    trace = kept.pop("stacktrace", None)
    frames = trace.get("frames") if isinstance(trace, dict) else None
    if isinstance(frames, list):
        kept["stacktrace"] = {"frames": [frame for frame in frames if isinstance(frame, dict)]}
    return kept


def _user(user: Json, errors: list[Json]) -> Json:
    known = {name: value for name, value in user.items() if name in USER_KEYS and value is not None}
    if (number := known.pop("id", None)) is not None and (text := _identity(number, errors)):
        known = {"id": text} | known
    for name in ("email", "username", "name"):
        if name in known:
            known[name] = str(known[name])
    data = known.get("data") if isinstance(known.get("data"), dict) else {}
    others = {name: value for name, value in user.items() if name not in USER_KEYS}
    if data or others:
        known["data"] = {**(data or {}), **others}
    return known


def _identity(value: object, errors: list[Json]) -> str | None:
    if isinstance(value, dict | list):
        errors.append({"type": "invalid_data", "name": "user.id", "value": value})
        return None
    text = str(int(value)) if isinstance(value, float) else str(value)
    return text if len(text) <= MAX_ID else text[: MAX_ID - 3] + "..."


def _environment(value: object, errors: list[Json]) -> str | None:
    text = str(value).strip() if value is not None else ""
    if not text:
        return None
    if text.lower() == "none" or len(text) > MAX_ENVIRONMENT or any(sign in text for sign in "/\r\n\f"):
        errors.append({"type": "invalid_data", "name": "environment", "value": text})
        return None
    return text


def _tags(tags: object) -> dict[str, str]:
    pairs = tags.items() if isinstance(tags, dict) else tags if isinstance(tags, list) else []
    texts = (
        (str(pair[0]), str(pair[1])) for pair in pairs if isinstance(pair, list | tuple) and len(pair) == 2
    )
    return {
        _cut(name.strip().replace(" ", "-")): _cut(value.strip()) for name, value in texts if value.strip()
    }


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TAG else text[: MAX_TAG - 3] + "..."


def _moment(value: object, errors: list[Json], *, keep_old: bool) -> float:
    now = time.time()
    seconds = _seconds(value)
    if value is None:
        return now
    if seconds is None:
        errors.append({"type": "invalid_data", "name": "timestamp", "value": value})
        return now
    if not keep_old and (seconds > now + MAX_FUTURE or seconds < now - MAX_PAST):
        kind = "future_timestamp" if seconds > now else "past_timestamp"
        errors.append({"type": kind, "name": "timestamp", "value": value})
        return now
    return seconds


def _seconds(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _client(event: Json) -> str:
    sdk = event.get("sdk") if isinstance(event.get("sdk"), dict) else {}
    return f"{(sdk or {}).get('name', 'unknown')}/{(sdk or {}).get('version', '0')}"
