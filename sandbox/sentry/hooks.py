"""Service hooks of a project over REST. No uniqueness: the same address twice makes two hooks."""

import json
import re
import secrets
import sqlite3
import time
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sandbox.dates import iso
from sandbox.sentry.access import NOT_FOUND, Refused, authenticate, endpoint, find_project
from sandbox.sentry.paging import by_id
from sandbox.store import setting, store

EVENTS = ("event.alert", "event.created")
READ = ("project:read", "project:write", "project:admin")
WRITE = ("project:write", "project:admin")
DELETE = ("project:admin",)
# What the URL field of Django REST framework takes, nearly.
URL = re.compile(r"^https?://(?:[^\s/?#@]+@)?[^\s/?#:@]+(?::\d{1,5})?(?:[/?#]\S*)?$", re.IGNORECASE)
MAX_URL = 512


@endpoint("hooks", "GET", "POST")
def project_hooks(request: HttpRequest, organization: str, project: str) -> HttpResponse:
    """List newest first, or create. Only these two look at the plan's feature."""
    caller = authenticate(request)
    owner = find_project(request, caller, organization, project)
    caller.need(*(READ if request.method == "GET" else WRITE))
    if not setting("service_hooks", True):
        detail = ["You do not have that feature enabled"]
        raise Refused(403, {"error_type": "unavailable_feature", "detail": detail})
    if request.method == "GET":
        return by_id(request, _listed(request, owner["id"]), show)
    values = _validated(request, is_partial=False)
    return JsonResponse(show(create_hook(owner["id"], values["url"], values.get("events", []))), status=201)


@endpoint("hook", "GET", "PUT", "DELETE")
def project_hook(request: HttpRequest, organization: str, project: str, hook: str) -> HttpResponse:
    """Read, change partially, delete (needs project:admin)."""
    caller = authenticate(request)
    owner = find_project(request, caller, organization, project)
    caller.need(*{"GET": READ, "PUT": WRITE}.get(str(request.method), DELETE))
    row = store().row("SELECT * FROM hooks WHERE guid = ? AND project_id = ?", hook, owner["id"])
    if row is None:
        raise Refused(404, NOT_FOUND)
    if request.method == "DELETE":
        store().run("DELETE FROM hooks WHERE id = ?", row["id"])
        return HttpResponse(status=204)
    if request.method == "PUT":
        row = _change(row, _validated(request, is_partial=True))
    return JsonResponse(show(row))


def create_hook(project_id: int, url: str, events: list[str]) -> sqlite3.Row:
    """A new hook with a secret of its own."""
    new = store().insert(
        "hooks",
        guid=secrets.token_hex(16),
        project_id=project_id,
        url=url,
        secret=secrets.token_hex(32),
        events=json.dumps(sorted(set(events))),
        status="active",
        created=time.time(),
    )
    return store().one("SELECT * FROM hooks WHERE id = ?", new)


def show(row: sqlite3.Row) -> dict[str, Any]:
    """A hook as every answer shows it, its secret included."""
    return {
        "id": row["guid"],
        "url": row["url"],
        "secret": row["secret"],
        "status": row["status"],
        "events": json.loads(row["events"]),
        "dateCreated": iso(row["created"]),
    }


def _listed(request: HttpRequest, project_id: int) -> list[sqlite3.Row]:
    status = request.GET.get("status", "")
    return store().rows(
        "SELECT * FROM hooks WHERE project_id = ? AND ? IN ('', status) ORDER BY id DESC", project_id, status
    )


def _change(row: sqlite3.Row, values: dict[str, Any]) -> sqlite3.Row:
    status = {True: "active", False: "disabled"}.get(values.get("isActive", ""), row["status"])
    events = json.dumps(sorted(set(values["events"]))) if "events" in values else row["events"]
    sql = "UPDATE hooks SET url = ?, events = ?, status = ? WHERE id = ?"
    store().run(sql, values.get("url", row["url"]), events, status, row["id"])
    return store().one("SELECT * FROM hooks WHERE id = ?", row["id"])


def _validated(request: HttpRequest, *, is_partial: bool) -> dict[str, Any]:
    try:
        body = json.loads(request.body or b"{}")
    except ValueError as reason:
        raise Refused(400, {"detail": f"JSON parse error - {reason}"}) from None
    if not isinstance(body, dict):
        kind = type(body).__name__
        words = f"Invalid data. Expected a dictionary, but got {kind}."
        raise Refused(400, {"nonFieldErrors": [words]})
    errors = {
        "url": _url_error(body, is_partial=is_partial),
        "events": _events_error(body),
        "version": ""
        if body.get("version", 0) in (0, "0")
        else f'"{body["version"]}" is not a valid choice.',
        "isActive": "" if isinstance(body.get("isActive", True), bool) else "Must be a valid boolean.",
    }
    if found := {name: [words] for name, words in errors.items() if words}:
        raise Refused(400, found)
    return body


def _url_error(body: dict[str, Any], *, is_partial: bool) -> str:
    if "url" not in body:
        return "" if is_partial else "This field is required."
    url = body["url"]
    if url is None:
        return "This field may not be null."
    if not isinstance(url, str) or not URL.match(url):
        return "This field may not be blank." if url == "" else "Enter a valid URL."
    return f"Ensure this field has no more than {MAX_URL} characters." if len(url) > MAX_URL else ""


def _events_error(body: dict[str, Any]) -> str:
    events = body.get("events", [])
    if not isinstance(events, list):
        return f'Expected a list of items but got type "{type(events).__name__}".'
    wrong = next((event for event in events if event not in EVENTS), None)
    return "" if wrong is None else f"Invalid event name: {wrong}"
