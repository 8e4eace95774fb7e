"""What can be done to the stand-ins, by a control call or on a page."""

import sqlite3
import time
from typing import Any
from urllib.parse import urlencode

from sandbox.examples import build
from sandbox.options import options
from sandbox.seed import (
    add_environment,
    add_organization,
    add_project,
    add_sentry_environment,
    add_traffic_type,
    add_workspace,
    seed,
)
from sandbox.sentry import events, hooks, sender
from sandbox.sentry.access import SCOPES
from sandbox.sentry.grants import add_token
from sandbox.sentry.installations import create_installation, remove_installation, renew_code
from sandbox.store import store

Json = dict[str, Any]
KINDS = {"workspace": "workspaces", "environment": "fme_environments", "traffic_type": "traffic_types"}


class Impossible(Exception):
    """A call that names something that does not exist; the words say what."""


def reset(*, announce: bool = True) -> None:
    """Everything as at the first start."""
    with store().write():
        store().empty()
        seed()
        if not announce:
            store().run("UPDATE installations SET announced = 1")


def throw(call: Json) -> str:
    """Let an exception happen in a project (slug or id, default the first); answers the event id."""
    project = project_for(str(call.get("project", "")))
    keep_old = call.get("limits") is False
    return events.take_in(project, build(call), user_agent=str(call.get("user_agent", "")), keep_old=keep_old)


def deliver_again(event_id: str) -> int:
    return events.again(event_id)


def install(organization: str, *, deliver: bool = True) -> Json:
    """Accept & Install. Answers `uuid`, `code`, `orgSlug`, and `redirect`, where Sentry sends the browser."""
    row = organization_for(organization)
    with store().write():
        uuid = create_installation(row["id"])["uuid"]
        code = renew_code(uuid)
        if deliver:
            _tell(uuid, "created", code)
    sender.ring()
    query = urlencode({"installationId": uuid, "code": code, "orgSlug": row["slug"]})
    redirect = f"{options().public_url}/sentry/setup/?{query}"
    return {"uuid": uuid, "code": code, "orgSlug": row["slug"], "redirect": redirect}


def uninstall(uuid: str, *, deliver: bool = True) -> str:
    """Remove an installation and tell the app; hooks of its projects stay, as in Sentry."""
    row = installation_for(uuid)
    with store().write():
        remove_installation(row["uuid"])
        if deliver:
            _tell(row["uuid"], "deleted", "")
    sender.ring()
    return str(row["uuid"])


def expire(uuid: str, what: str) -> str:
    """Put the access token, the code, or both past their time."""
    row = installation_for(uuid)
    past = time.time() - 1
    if what in ("token", "both"):
        store().run("UPDATE tokens SET expires = ? WHERE installation = ?", past, row["uuid"])
    if what in ("code", "both"):
        store().run("UPDATE grants SET expires = ? WHERE installation = ?", past, row["uuid"])
    return str(row["uuid"])


def revoke(uuid: str) -> int:
    return store().run("DELETE FROM tokens WHERE installation = ?", installation_for(uuid)["uuid"])


def make_token(uuid: str, scopes: list[str] | None, seconds: float) -> Json:
    """A token beside the installation's own pair, for trying scopes and expiry."""
    expires = time.time() + seconds
    new = add_token(installation_for(uuid)["uuid"], tuple(scopes or SCOPES), expires, is_main=False)
    return {"token": store().value("SELECT token FROM tokens WHERE id = ?", new)}


def rename_project(ref: str, slug: str) -> None:
    row = project_for(ref)
    with store().write() as db:
        db.execute("UPDATE projects SET slug = ? WHERE id = ?", (slug, row["id"]))
        old = (row["organization_id"], row["slug"], row["id"])
        db.execute("INSERT OR REPLACE INTO project_redirects VALUES (?, ?, ?)", old)


def change_sentry(call: Json) -> None:
    """Add an organization, a project or an environment, or remove a project with its hooks."""
    if new := call.get("organization"):
        add_organization(new["slug"], new.get("name", new["slug"]))
    if new := call.get("project"):
        owner = organization_for(new.get("organization", ""))
        add_project(owner["id"], new["slug"], new.get("name", new["slug"]), new.get("platform", "python"))
    if new := call.get("environment"):
        row = project_for(str(new.get("project", "")))
        add_sentry_environment(row["id"], new["name"], is_hidden=new.get("is_hidden", False))
    if ref := call.get("remove_project"):
        row = project_for(ref)
        store().run("DELETE FROM hooks WHERE project_id = ?", row["id"])
        store().run("DELETE FROM projects WHERE id = ?", row["id"])


def change_hooks(call: Json) -> Json:
    """Make a hook behind the product's back, or delete one."""
    if guid := call.get("delete"):
        return {"deleted": store().run("DELETE FROM hooks WHERE guid = ?", guid)}
    row = project_for(str(call.get("project", "")))
    return hooks.show(hooks.create_hook(row["id"], call["url"], call.get("events", ["event.created"])))


def change_catalogue(call: Json) -> str:
    """Add (to `workspace`, an id or name), rename or remove an FME object; answers its id."""
    if kind := call.get("add"):
        if kind == "workspace":
            return add_workspace(call["name"])
        sql = "SELECT id FROM workspaces WHERE id = ? OR name = ?"
        owner = store().value(sql, call["workspace"], call["workspace"])
        if owner is None:
            raise Impossible(f"no workspace {call['workspace']!r}")
        return (
            add_environment(owner, call["name"])
            if kind == "environment"
            else add_traffic_type(owner, call["name"])
        )
    kind = call.get("rename") or call.get("remove")
    if kind not in KINDS:
        raise Impossible(f"kind is one of {', '.join(KINDS)}")
    if call.get("rename"):
        changed = store().run(f"UPDATE {KINDS[kind]} SET name = ? WHERE id = ?", call["name"], call["id"])
    else:
        changed = store().run(f"DELETE FROM {KINDS[kind]} WHERE id = ?", call["id"])
    if not changed:
        raise Impossible(f"no {kind} {call['id']!r}")
    return str(call["id"])


def forget_received() -> int:
    with store().write():
        store().run("DELETE FROM fme_requests")
        return store().run("DELETE FROM received")


def organization_for(slug: str) -> sqlite3.Row:
    row = store().row("SELECT * FROM organizations WHERE ? IN ('', slug) ORDER BY id", slug)
    if row is None:
        raise Impossible(f"no organization {slug!r}")
    return row


def project_for(ref: str) -> sqlite3.Row:
    row = store().row("SELECT * FROM projects WHERE ? IN ('', slug, CAST(id AS TEXT)) ORDER BY id", ref)
    if row is None:
        raise Impossible(f"no project {ref!r}")
    return row


def installation_for(uuid: str) -> sqlite3.Row:
    sql = "SELECT * FROM installations WHERE ? IN ('', uuid) AND deleted IS NULL ORDER BY id DESC"
    row = store().row(sql, uuid)
    if row is None:
        raise Impossible(f"no installation {uuid!r}")
    return row


def _tell(uuid: str, action: str, code: str) -> None:
    data = {"resource": "installation", "action": action, "installation": uuid, "code": code}
    sender.enqueue("sentry_app", options().public_url + events.APP_PATH, uuid, data)
