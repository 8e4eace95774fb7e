"""FME's Admin API, version 2: workspaces, environments, traffic types, SDK keys."""

import json
import secrets
import sqlite3
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from sandbox import failures
from sandbox.options import options
from sandbox.seed import add_sdk_key
from sandbox.store import setting, store

ORGANIZATION_ID = "9ab0a560-1c2b-11ef-8a6e-2f4ff1d9a1b2"
KEY_TYPES = ("server_side", "client_side")
View = Callable[..., HttpResponse]


def endpoint(name: str, *methods: str) -> Callable[[View], View]:
    """A view of the Admin API: failure switches, method, key (Bearer or x-api-key), rate limit."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def wrapped(request: HttpRequest, **kwargs: str) -> HttpResponse:
            def checked() -> HttpResponse:
                return _refusal(request, methods) or view(request, **kwargs)

            failure = failures.take(request, "fme_admin", f"{name}.{str(request.method).lower()}", set)
            return failures.answer(failure, request, checked) if failure else checked()

        return wrapped

    return decorate


@endpoint("workspaces", "GET")
def workspaces(request: HttpRequest) -> HttpResponse:
    """A page of the account's projects; `name` filters by the exact name."""
    try:
        limit, offset = int(request.GET.get("limit", 20)), int(request.GET.get("offset", 0))
    except ValueError:
        return _error(400, "limit and offset have to be numbers")
    if not 1 <= limit <= 1000 or offset < 0:
        return _error(400, "limit has to be between 1 and 1000")
    name = request.GET.get("name", "")
    rows = store().rows("SELECT * FROM workspaces WHERE ? IN ('', name) ORDER BY position", name)
    page = [_workspace(row) for row in rows[offset : offset + limit]]
    return JsonResponse({"objects": page, "offset": offset, "limit": limit, "totalCount": len(rows)})


@endpoint("environments", "GET")
def environments(request: HttpRequest, workspace: str) -> HttpResponse:
    """All environments of a project, with the names (never the values) of their SDK keys."""
    if not store().value("SELECT 1 FROM workspaces WHERE id = ?", workspace):
        return _error(404, "Workspace not found")
    rows = store().rows("SELECT * FROM fme_environments WHERE workspace_id = ? ORDER BY position", workspace)
    return JsonResponse([_environment(row) for row in rows], safe=False)


@endpoint("traffic_types", "GET")
def traffic_types(request: HttpRequest, workspace: str) -> HttpResponse:
    if not store().value("SELECT 1 FROM workspaces WHERE id = ?", workspace):
        return _error(404, "Workspace not found")
    rows = store().rows("SELECT * FROM traffic_types WHERE workspace_id = ? ORDER BY position", workspace)
    body = [{"name": row["name"], "id": row["id"], "displayAttributeId": None} for row in rows]
    return JsonResponse(body, safe=False)


@endpoint("api_keys", "POST")
def api_keys(request: HttpRequest) -> HttpResponse:
    """Create an SDK key of exactly one environment. The answer is the only one that holds the key."""
    try:
        body = json.loads(request.body)
        name, kind = str(body["name"]), body["apiKeyType"]
        workspace = body["workspace"]["id"]
        (environment,) = [entry["id"] for entry in body["environments"]]
    except (ValueError, KeyError, TypeError):
        return _error(400, "name, apiKeyType, workspace and a single environment are required")
    if kind not in KEY_TYPES:
        return _error(400, "apiKeyType has to be server_side or client_side")
    sql = "SELECT * FROM fme_environments WHERE id = ? AND workspace_id = ?"
    row = store().row(sql, environment, workspace)
    if row is None:
        return _error(404, "Environment not found")
    key = add_sdk_key(row["id"], name, kind)
    return JsonResponse(_new_key(key, row, body))


@endpoint("api_key", "DELETE")
def api_key(request: HttpRequest, key: str) -> HttpResponse:
    """Delete by the key itself (so the vendor's client does it) or its id."""
    if not store().run("DELETE FROM sdk_keys WHERE key = ? OR id = ?", key, key):
        return _error(404, "API key not found")
    return JsonResponse(True, safe=False)


def _refusal(request: HttpRequest, methods: tuple[str, ...]) -> HttpResponse | None:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    given = request.headers.get("x-api-key") or (token if kind == "Bearer" else "")
    if not secrets.compare_digest(given.encode(), options().admin_api_key.encode()):
        return _error(401, "Unauthorized")
    if request.method not in methods:
        return _error(405, "Method not allowed")
    return _limited()


def _limited() -> HttpResponse | None:
    """429 beyond the limit set by control, with the two reset headers that the vendor documents."""
    rule = setting("fme_rate_limit", None)
    if rule is None:
        return None
    window = int(time.time() // rule["window"])
    with store().write() as db:
        db.execute(
            "INSERT INTO rate_windows VALUES ('fme', ?, 1) ON CONFLICT DO UPDATE SET count = count + 1",
            (window,),
        )
        count = store().value("SELECT count FROM rate_windows WHERE who = 'fme' AND window = ?", window)
    if count <= rule["limit"]:
        return None
    response = _error(429, "Too many requests")
    reset = max(1, round((window + 1) * rule["window"] - time.time()))
    for who in ("Org", "IP"):
        response[f"X-RateLimit-Remaining-{who}"] = "0"
        response[f"X-RateLimit-Reset-Seconds-{who}"] = str(reset)
    return response


def _workspace(row: sqlite3.Row) -> dict[str, Any]:
    return {"name": row["name"], "type": "workspace", "id": row["id"], "requiresTitleAndComments": False}


def _environment(row: sqlite3.Row) -> dict[str, Any]:
    keys = store().rows("SELECT * FROM sdk_keys WHERE environment_id = ? ORDER BY rowid", row["id"])
    tokens = [
        {"id": key["id"], "name": key["name"], "type": "api_key", "apiKeyType": key["type"]} for key in keys
    ]
    return {
        "name": row["name"],
        "id": row["id"],
        "production": bool(row["production"]),
        "creationTime": int(row["created"] * 1000),
        "type": "environment",
        "orgId": ORGANIZATION_ID,
        "status": "ACTIVE",
        "workspaceIds": [row["workspace_id"]],
        "apiTokens": tokens,
    }


def _new_key(key: str, environment: sqlite3.Row, body: dict[str, Any]) -> dict[str, Any]:
    stored = store().one("SELECT * FROM sdk_keys WHERE key = ?", key)
    return {
        "id": stored["id"],
        "organization": {"type": "organization", "id": ORGANIZATION_ID},
        "name": stored["name"],
        "apiKeyType": stored["type"],
        "key": key,
        "createdAt": int(stored["created"] * 1000),
        "environments": [{"type": "environment", "id": environment["id"]}],
        "workspace": {"type": "workspace", "id": body["workspace"]["id"]},
        "roles": [],
        "type": "api_key",
    }


def _error(status: int, message: str) -> JsonResponse:
    body = {"code": status, "message": message, "details": "", "transactionId": secrets.token_hex(8)}
    return JsonResponse(body, status=status)
