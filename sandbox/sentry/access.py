"""Who calls Sentry's REST interface and what for: tokens, scopes, organizations, projects, limits."""

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from sandbox import failures
from sandbox.store import setting, store

SCOPES = ("project:read", "project:write", "project:admin", "org:read", "event:read")
NOT_FOUND = {"detail": "The requested resource does not exist"}
DEFAULT_LIMIT = {"limit": 40, "window": 1}
View = Callable[..., HttpResponse]


class Refused(Exception):
    """An answer other than success."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers or {}


@dataclass(frozen=True, slots=True)
class Caller:
    """The bearer of a token: one installation of the app in one organization."""

    installation: str
    organization_id: int
    scopes: frozenset[str]

    def need(self, *any_of: str) -> None:
        if not self.scopes.intersection(any_of):
            raise Refused(403, {"detail": "You do not have permission to perform this action."})


def endpoint(name: str, *methods: str) -> Callable[[View], View]:
    """A view of `/api/0/`: failure switches, methods, refusals as JSON, the headers Sentry always sends."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def wrapped(request: HttpRequest, **kwargs: str) -> HttpResponse:
            method = str(request.method)
            failure = failures.take(request, "sentry_api", f"{name}.{method.lower()}", set)
            if failure:
                return failures.answer(failure, request, lambda: _answer(view, request, methods, kwargs))
            return _answer(view, request, methods, kwargs)

        return wrapped

    return decorate


def authenticate(request: HttpRequest) -> Caller:
    """The caller by its bearer token, or 401 in Sentry's words; also counts against the rate limit."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise _unauthorized("Authentication credentials were not provided.")
    row = store().row(
        "SELECT t.*, i.organization_id, i.deleted FROM tokens t"
        " JOIN installations i ON i.uuid = t.installation WHERE t.token = ?",
        token.strip(),
    )
    if row is None or row["deleted"]:
        raise _unauthorized("Invalid token")
    if row["expires"] <= time.time():
        raise _unauthorized("Token expired")
    _count(
        request,
        f"{row['organization_id']}:{request.resolver_match.url_name if request.resolver_match else ''}",
    )
    return Caller(row["installation"], row["organization_id"], frozenset(row["scopes"].split()))


def find_organization(caller: Caller, ref: str) -> sqlite3.Row:
    """By slug or id; one where the app is not installed looks like one that does not exist."""
    row = store().row("SELECT * FROM organizations WHERE slug = ? OR id = ?", ref, _number(ref))
    if row is None or row["id"] != caller.organization_id:
        raise Refused(404, NOT_FOUND)
    return row


def find_project(request: HttpRequest, caller: Caller, organization: str, ref: str) -> sqlite3.Row:
    """By slug or id; a former slug answers 302 with the new address in body and `Location`."""
    owner = find_organization(caller, organization)
    row = store().row(
        "SELECT * FROM projects WHERE organization_id = ? AND (slug = ? OR id = ?)",
        owner["id"],
        ref,
        _number(ref),
    )
    if row is not None:
        return row
    new = store().value(
        "SELECT p.slug FROM project_redirects r JOIN projects p ON p.id = r.project_id"
        " WHERE r.organization_id = ? AND r.slug = ?",
        owner["id"],
        ref,
    )
    if new is None:
        raise Refused(404, NOT_FOUND)
    caller.need("project:read", "project:write", "project:admin")
    url = request.get_full_path().replace(
        f"projects/{organization}/{ref}/", f"projects/{organization}/{new}/"
    )
    detail = {
        "code": "resource-moved",
        "message": "Resource has been moved",
        "extra": {"url": url, "slug": new},
    }
    raise Refused(302, {"slug": new, "detail": detail}, {"Location": url})


def _answer(
    view: View, request: HttpRequest, methods: tuple[str, ...], kwargs: dict[str, str]
) -> HttpResponse:
    try:
        if request.method not in methods:
            raise Refused(405, {"detail": f'Method "{request.method}" not allowed.'})
        response = view(request, **kwargs)
    except Refused as refusal:
        response = JsonResponse(refusal.body, status=refusal.status, safe=False, headers=refusal.headers)
    if response.status_code == 204:
        del response["Content-Type"]
    response["Allow"] = ", ".join([*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"])
    response["Access-Control-Expose-Headers"] = "X-Sentry-Error, Retry-After"
    _limit_headers(request, response)
    return response


def _unauthorized(words: str) -> Refused:
    return Refused(401, {"detail": words}, {"WWW-Authenticate": 'xBasic realm="api"'})


def _count(request: HttpRequest, who: str) -> None:
    """A fixed window per organization and endpoint; refuses only while the control interface asks for it."""
    limit = setting("sentry_rate_limit", None)
    rule = limit or DEFAULT_LIMIT
    window = int(time.time() // rule["window"])
    reset = (window + 1) * rule["window"]
    count = 1
    if limit:
        with store().write() as db:
            db.execute("DELETE FROM rate_windows WHERE who = ? AND window < ?", (who, window))
            db.execute(
                "INSERT INTO rate_windows VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1",
                (who, window),
            )
            count = store().value("SELECT count FROM rate_windows WHERE who = ? AND window = ?", who, window)
    request.META["sandbox.limit"] = (rule["limit"], max(0, rule["limit"] - count), reset)
    if limit and count > rule["limit"]:
        words = (
            "You are attempting to use this endpoint too frequently. "
            f"Limit is {rule['limit']} requests in {rule['window']} seconds"
        )
        raise Refused(429, {"detail": words} if setting("sentry_release", "23.7.1") == "2026" else words)


def _limit_headers(request: HttpRequest, response: HttpResponse) -> None:
    if "sandbox.limit" not in request.META:
        return
    limit, remaining, reset = request.META["sandbox.limit"]
    response["X-Sentry-Rate-Limit-Limit"] = str(limit)
    response["X-Sentry-Rate-Limit-Remaining"] = str(remaining)
    response["X-Sentry-Rate-Limit-Reset"] = str(int(reset))
    response["X-Sentry-Rate-Limit-ConcurrentLimit"] = "25"
    response["X-Sentry-Rate-Limit-ConcurrentRemaining"] = "24"


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else -1
