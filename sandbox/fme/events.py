"""Event ingestion of FME: `POST /api/events/bulk`, `/api/events`, `/api/events/beacon`.

202 and an empty body for whatever is JSON and carries a known SDK key; invalid events are dropped silently.
This sandbox keeps them with the reason, so that its page can say what FME does not.
"""

import json
import sqlite3
import time
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from sandbox import failures
from sandbox.fme.checks import reason_to_drop
from sandbox.store import setting, store

# The Split Proxy takes "Bearer " with a capital only; so does this.
SCHEME = "Bearer "


@csrf_exempt
@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """A JSON array of events of one environment."""
    return _switched(request, "bulk", lambda: _take(request, _key_of(request), _parse(request.body, list)))


@csrf_exempt
@require_POST
def single(request: HttpRequest) -> HttpResponse:
    """One event, as an object."""
    return _switched(request, "single", lambda: _take(request, _key_of(request), _parse(request.body, dict)))


@csrf_exempt
@require_POST
def beacon(request: HttpRequest) -> HttpResponse:
    """What browsers send on page hide: `{entries, token, sdk}` without a header."""
    body = _parse(request.body, dict) or [{}]
    entries = body[0].get("entries")
    return _take(request, str(body[0].get("token")), entries if isinstance(entries, list) else None)


def _switched(request: HttpRequest, operation: str, view: Callable[[], HttpResponse]) -> HttpResponse:
    failure = failures.take(request, "fme_events", operation, lambda: _names(_key_of(request)))
    if failure is None:
        return view()
    response = failures.answer(failure, request, view)
    if failure.kind in ("status", "poison", "drop_after"):
        environment = _environment(_key_of(request))
        _log(request, environment, 0, response.status_code, f"switched to fail: {failure.kind}")
    return response


def _take(request: HttpRequest, key: str, batch: list[Any] | None) -> HttpResponse:
    environment = _environment(key)
    if environment is None:
        _log(request, None, 0, 401, "unknown SDK key")
        return HttpResponse(status=401)
    if batch is None:
        _log(request, environment, 0, 400, "body is not the JSON it has to be")
        return HttpResponse(status=400)
    if too_large := _too_large(len(batch), len(request.body)):
        _log(request, environment, len(batch), 413, too_large)
        return HttpResponse(status=413)
    reasons = _reasons(batch, environment)
    if setting("fme_strict", False) and any(reasons):
        _log(request, environment, len(batch), 400, "strict: the batch holds an invalid event")
        return HttpResponse(status=400)
    with store().write():
        request_id = _log(request, environment, len(batch), 202, "")
        _keep(request_id, environment["id"], batch, reasons)
    return HttpResponse(status=202)


def _reasons(batch: list[Any], environment: sqlite3.Row) -> list[str]:
    names = store().rows("SELECT name FROM traffic_types WHERE workspace_id = ?", environment["workspace_id"])
    known = frozenset(row["name"] for row in names)
    return [reason_to_drop(event, environment["name"], known) for event in batch]


def _keep(request_id: int, environment_id: str, batch: list[Any], reasons: list[str]) -> None:
    now = time.time()
    rows = (
        (request_id, now, environment_id, *_columns(event), reason, json.dumps(event))
        for event, reason in zip(batch, reasons, strict=True)
    )
    store().insert_many(
        "INSERT INTO received (request_id, received, environment_id, event_type, traffic_type, key,"
        " timestamp, sentry_event_id, dropped, event) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def _columns(event: Any) -> tuple[str | int | None, ...]:
    """What the received events are searched by; None where the event has something else there."""
    if not isinstance(event, dict):
        return (None,) * 5
    properties = event.get("properties")
    moment = event.get("timestamp")
    return (
        _text(event.get("eventTypeId")),
        _text(event.get("trafficTypeName")),
        _text(event.get("key")),
        moment if isinstance(moment, int) and abs(moment) < 2**63 else None,
        _text(properties.get("event_id")) if isinstance(properties, dict) else None,
    )


def _text(value: object) -> str | None:
    """SQLite takes no lone surrogates as text."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else None


def _parse(body: bytes, kind: type[list[Any]] | type[dict[str, Any]]) -> list[Any] | None:
    """The events in the body, or None when it is not what the address takes. NaN is no JSON."""
    try:
        data = json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, kind):
        return None
    return data if isinstance(data, list) else [data]


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _too_large(events: int, size: int) -> str:
    """Hard limits are not public; none unless the control interface sets some."""
    max_events, max_bytes = setting("fme_max_events", None), setting("fme_max_bytes", None)
    if max_events is not None and events > max_events:
        return f"more than {max_events} events"
    if max_bytes is not None and size > max_bytes:
        return f"more than {max_bytes} bytes"
    return ""


def _key_of(request: HttpRequest) -> str:
    header = request.headers.get("Authorization", "")
    return header.removeprefix(SCHEME) if header.startswith(SCHEME) else ""


def _environment(key: str) -> sqlite3.Row | None:
    sql = "SELECT e.* FROM fme_environments e JOIN sdk_keys k ON k.environment_id = e.id WHERE k.key = ?"
    return store().row(sql, key)


def _names(key: str) -> set[str]:
    """How a failure switch may name the environment of this call."""
    environment = _environment(key)
    return {key} | ({environment["id"], environment["name"]} if environment else set())


def _log(request: HttpRequest, environment: sqlite3.Row | None, events: int, status: int, note: str) -> int:
    size = int(request.headers.get("Content-Length") or 0)
    return store().insert(
        "fme_requests",
        received=time.time(),
        path=request.path,
        environment_id=environment["id"] if environment else None,
        events=events,
        bytes=size,
        status=status,
        note=note,
        sdk=request.headers.get("SplitSDKVersion", ""),
    )
