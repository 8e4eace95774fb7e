"""Installations of the app in an organization: made, verified, listed, removed."""

import json
import secrets
import sqlite3
import time
import uuid as uuids
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sandbox.options import options
from sandbox.sentry.access import Refused, authenticate, endpoint, find_organization
from sandbox.sentry.paging import by_offset
from sandbox.store import setting, store

CODE_SECONDS = 600
APP_NAMESPACE = uuids.UUID("05b7c618-cb71-478e-94c3-10a35351fa72")


@endpoint("installation", "GET", "PUT", "DELETE")
def installation_detail(request: HttpRequest, uuid: str) -> HttpResponse:
    """GET the installation, PUT `{"status": "installed"}` ("verify install")."""
    caller = authenticate(request)
    row = store().row("SELECT * FROM installations WHERE uuid = ? AND deleted IS NULL", uuid)
    if row is None or row["uuid"] != caller.installation:
        raise Refused(404, {"detail": "The requested resource does not exist"})
    if request.method == "DELETE":
        # Only the organization's owner may; an app's own token has no such right.
        raise Refused(403, {"detail": "You do not have permission to perform this action."})
    if request.method == "PUT":
        _verify(request, row)
        row = store().one("SELECT * FROM installations WHERE uuid = ?", uuid)
    return JsonResponse(show(row))


@endpoint("installations", "GET")
def organization_installations(request: HttpRequest, organization: str) -> HttpResponse:
    caller = authenticate(request)
    owner = find_organization(caller, organization)
    caller.need("org:read")
    rows = store().rows(
        "SELECT * FROM installations WHERE organization_id = ? AND deleted IS NULL", owner["id"]
    )
    return by_offset(request, rows, show)


def create_installation(organization_id: int, *, is_seed: bool = False) -> sqlite3.Row:
    """What "Accept & Install" does, short of telling anybody: the row and a code for ten minutes."""
    new = str(uuids.uuid4())
    store().insert(
        "installations",
        uuid=new,
        organization_id=organization_id,
        status="pending" if setting("verify_install", True) else "installed",
        is_seed=int(is_seed),
        created=time.time(),
    )
    renew_code(new)
    return store().one("SELECT * FROM installations WHERE uuid = ?", new)


def renew_code(installation: str) -> str:
    """The installation's unused code, with another ten minutes to live."""
    with store().write() as db:
        code = store().value(
            "SELECT code FROM grants WHERE installation = ?", installation
        ) or secrets.token_hex(16)
        db.execute(
            "INSERT INTO grants (code, installation, expires) VALUES (?, ?, ?)"
            " ON CONFLICT (code) DO UPDATE SET expires = excluded.expires",
            (code, installation, time.time() + CODE_SECONDS),
        )
    return str(code)


def remove_installation(installation: str) -> None:
    """Uninstall: tokens die, hooks of projects stay, as in the real server."""
    with store().write() as db:
        db.execute("UPDATE installations SET deleted = ? WHERE uuid = ?", (time.time(), installation))
        db.execute("DELETE FROM tokens WHERE installation = ?", (installation,))


def show(row: sqlite3.Row, *, code: str = "") -> dict[str, Any]:
    """An installation as REST answers and webhooks show it."""
    is_current = setting("sentry_release", "23.7.1") == "2026"
    organization = store().one("SELECT * FROM organizations WHERE id = ?", row["organization_id"])
    app = {"uuid": str(uuids.uuid5(APP_NAMESPACE, options().client_id)), "slug": options().app_slug}
    return {
        "app": app | ({"sentryAppId": 1} if is_current else {}),
        "organization": {"slug": organization["slug"]} | ({"id": organization["id"]} if is_current else {}),
        "uuid": row["uuid"],
        "status": row["status"],
    } | ({"code": code} if code else {})


def _verify(request: HttpRequest, row: sqlite3.Row) -> None:
    try:
        status = json.loads(request.body).get("status")
    except (ValueError, AttributeError):
        status = None
    if status is None:
        raise Refused(400, {"status": ["This field is required."]})
    if status != "installed":
        words = f"Invalid value '{status}' for status. Valid values: 'installed'"
        raise Refused(400, {"status": [words]})
    store().run("UPDATE installations SET status = 'installed' WHERE uuid = ?", row["uuid"])
