"""Taking in what the product has already, as if it had been made here: with its ids, tokens, secrets and keys.

For data that was invented on the product's side, so that its hooks, tokens and SDK keys are good when it asks.
"""

import time
from typing import Any

from sandbox.seed import add_organization, add_project
from sandbox.sentry.access import SCOPES
from sandbox.store import store

Json = dict[str, Any]


def adopt(call: Json) -> None:
    """`installations`, `hooks` and `workspaces`; what is known by its id already is replaced."""
    with store().write():
        for each in call.get("installations", ()):
            _adopt_installation(each)
        for each in call.get("hooks", ()):
            _adopt_hook(each)
        for each in call.get("workspaces", ()):
            _adopt_workspace(each)


def _adopt_installation(given: Json) -> None:
    """Older than all that were made here: the newest is the one that waits to be configured."""
    uuid, now = given["uuid"], time.time()
    if not store().value("SELECT 1 FROM installations WHERE uuid = ?", uuid):
        oldest = store().value("SELECT min(id) FROM installations") or 0
        store().insert(
            "installations", id=min(oldest, 0) - 1, uuid=uuid, organization_id=_organization(given["organization"]),
            status="installed", announced=1, created=now,
        )  # fmt: skip
    store().run("DELETE FROM tokens WHERE installation = ?", uuid)
    store().insert(
        "tokens", installation=uuid, token=given["token"], refresh_token=given["refresh_token"],
        scopes=" ".join(SCOPES), created=now, expires=given["expires"],
    )  # fmt: skip


def _adopt_hook(given: Json) -> None:
    project = _project(_organization(given["organization"]), given["project"])
    store().run("DELETE FROM hooks WHERE project_id = ?", project)
    store().insert(
        "hooks", guid=given["id"], project_id=project, url=given["url"], secret=given["secret"],
        events='["event.created"]', status="active", created=time.time(),
    )  # fmt: skip


def _adopt_workspace(given: Json) -> None:
    _replace("workspaces", given["id"], name=given["name"])
    for each in given["environments"]:
        _replace(
            "fme_environments", each["id"], workspace_id=given["id"], name=each["name"],
            production=int(each["is_production"]), created=time.time(),
        )  # fmt: skip
        store().run("DELETE FROM sdk_keys WHERE environment_id = ?", each["id"])
        if each["key"]:
            store().insert(
                "sdk_keys", id=f"key-{each['id']}", key=each["key"], name=f"{each['name']} server-side",
                type="server_side", environment_id=each["id"], created=time.time(),
            )  # fmt: skip
    for each in given["traffic_types"]:
        _replace("traffic_types", each["id"], workspace_id=given["id"], name=each["name"])


def _replace(table: str, new: str, **values: object) -> None:
    """One row of FME, after all that there are."""
    store().run(f"DELETE FROM {table} WHERE id = ?", new)
    position = store().value(f"SELECT count(*) FROM {table}")
    store().insert(table, id=new, position=position, **values)


def _organization(slug: str) -> int:
    found = store().value("SELECT id FROM organizations WHERE slug = ?", slug)
    return int(found or add_organization(slug, slug))


def _project(organization: int, slug: str) -> int:
    sql = "SELECT id FROM projects WHERE organization_id = ? AND slug = ?"
    return int(store().value(sql, organization, slug) or add_project(organization, slug, slug, "other"))
