"""Where SDKs send to: `/api/<project>/envelope/` and the old `/api/<project>/store/`."""

import base64
import gzip
import json
import re
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from sandbox import failures
from sandbox.sentry.access import Refused
from sandbox.sentry.events import take_in
from sandbox.store import store

try:
    import brotli
except ImportError:  # no SDK sends it unless told to
    brotli = None

MAX_BYTES = 20 * 1024 * 1024
KEY = re.compile(r"sentry_key=([0-9a-zA-Z]+)")
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "x-sentry-error,x-sentry-rate-limits,retry-after",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "x-sentry-auth,x-requested-with,x-forwarded-for,origin,referer,accept,"
    "content-type,authentication,authorization,content-encoding,transfer-encoding",
    "Access-Control-Max-Age": "3600",
}
Event = dict[str, Any]
View = Callable[[HttpRequest, str], HttpResponse]


def _open_to_browsers(view: View) -> Callable[..., HttpResponse]:
    @csrf_exempt
    @wraps(view)
    def wrapped(request: HttpRequest, project: str) -> HttpResponse:
        if request.method == "OPTIONS":
            return HttpResponse(headers=CORS | PREFLIGHT)
        failure = failures.take(request, "sentry_ingest", "", set)
        if failure:
            return failures.answer(failure, request, lambda: _answered(view, request, project))
        return _answered(view, request, project)

    return wrapped


def _answered(view: View, request: HttpRequest, project: str) -> HttpResponse:
    try:
        if request.method != "POST":
            raise Refused(405, {"detail": "method not allowed"})
        response = view(request, project)
    except Refused as refusal:
        response = JsonResponse(refusal.body, status=refusal.status)
    for name, value in CORS.items():
        response[name] = value
    return response


@_open_to_browsers
def envelope(request: HttpRequest, project: str) -> HttpResponse:
    """An envelope: header line, then items. Only event items are taken in, no sessions or transactions."""
    body = _unpacked(request)
    try:
        header, items = _items(body)
        found = [json.loads(payload) for kind, payload in items if kind == "event"]
    except (ValueError, TypeError, AttributeError):
        raise Refused(400, {"detail": "invalid event envelope"}) from None
    row = _project(request, project, str(header.get("dsn") or ""))
    ids = [_take_in(request, row, {**event, **_id_of(header)}) for event in found if isinstance(event, dict)]
    event_id = ids[0] if ids else header.get("event_id")
    return JsonResponse({"id": event_id} if event_id else {})


@_open_to_browsers
def store_endpoint(request: HttpRequest, project: str) -> HttpResponse:
    """One event as JSON; very old SDKs deflate it and write it in base64."""
    row = _project(request, project, "")
    body = _unpacked(request)
    try:
        event = json.loads(body if body[:1] == b"{" else zlib.decompress(base64.b64decode(body)))
    except (ValueError, zlib.error):
        raise Refused(400, {"detail": "invalid JSON data"}) from None
    if not isinstance(event, dict):
        raise Refused(400, {"detail": "invalid JSON data"})
    return JsonResponse({"id": _take_in(request, row, event)})


def _take_in(request: HttpRequest, project: sqlite3.Row, event: Event) -> str:
    agent = request.headers.get("User-Agent", "")
    return take_in(project, event, client_ip=str(request.META.get("REMOTE_ADDR")), user_agent=agent)


def _project(request: HttpRequest, ref: str, dsn: str) -> sqlite3.Row:
    """The project of the address, if the public key belongs to it."""
    auth = request.headers.get("X-Sentry-Auth") or request.headers.get("Authorization") or ""
    in_header = KEY.search(auth)
    key = in_header[1] if in_header else request.GET.get("sentry_key") or urlsplit(dsn).username
    if not key:
        raise Refused(401, {"detail": "missing authorization information"})
    row = store().row("SELECT * FROM projects WHERE id = ? AND public_key = ?", ref, key)
    if row is None:
        raise Refused(403, {"detail": "event submission rejected with_reason: ProjectId"})
    return row


def _unpacked(request: HttpRequest) -> bytes:
    body = request.body
    encoding = request.headers.get("Content-Encoding", "").lower()
    try:
        if encoding == "gzip" or body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        elif encoding in ("deflate", "zlib"):
            body = zlib.decompress(body)
        elif encoding == "br" and brotli is not None:
            body = brotli.decompress(body)
        elif encoding not in ("", "identity"):
            raise Refused(415, {"detail": f"content encoding {encoding} is not supported"})
    except (OSError, EOFError, zlib.error):
        raise Refused(400, {"detail": "failed to decode the body"}) from None
    if len(body) > MAX_BYTES:
        raise Refused(413, {"detail": "request body too large"})
    return body


def _items(body: bytes) -> tuple[Event, list[tuple[str, bytes]]]:
    first, _, rest = body.partition(b"\n")
    header = json.loads(first)
    if not isinstance(header, dict):
        raise TypeError("header")
    return header, list(_each(rest))


def _each(rest: bytes) -> Iterator[tuple[str, bytes]]:
    while rest.strip():
        line, _, rest = rest.partition(b"\n")
        if not line.strip():
            continue
        item = json.loads(line)
        length = item.get("length")
        end = length if length is not None else (rest.find(b"\n") if b"\n" in rest else len(rest))
        yield str(item.get("type")), rest[:end]
        rest = rest[end:].removeprefix(b"\n")


def _id_of(header: Event) -> Event:
    return {"event_id": header["event_id"]} if header.get("event_id") else {}
