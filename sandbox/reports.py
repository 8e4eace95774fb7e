"""What the stand-ins know, for control calls and pages."""

import json
import sqlite3
import time
from typing import Any

from sandbox.failures import list_failures
from sandbox.options import options
from sandbox.sentry import hooks as hooks_api
from sandbox.store import store

Json = dict[str, Any]
POLL_SECONDS = 0.02
COLUMNS = {
    "environment": "(environment_id = :environment OR environment_id IN"
    " (SELECT id FROM fme_environments WHERE name = :environment))",
    "event_type": "event_type = :event_type",
    "traffic_type": "traffic_type = :traffic_type",
    "key": "key = :key",
    "event_id": "sentry_event_id = :event_id",
    "since": "id > :since",
}


def dsn(project: sqlite3.Row) -> str:
    """What a program's SDK is given."""
    return f"http://{project['public_key']}@127.0.0.1:{options().port}/{project['id']}"


def state() -> Json:
    """Everything a test needs to begin, secrets of the stand-ins included."""
    here = options()
    return {
        "url": here.own_url,
        "public_url": here.public_url,
        "app": {"slug": here.app_slug, "client_id": here.client_id, "client_secret": here.client_secret},
        "admin_api_key": here.admin_api_key,
        "organizations": [dict(row) for row in store().rows("SELECT * FROM organizations ORDER BY id")],
        "projects": [
            dict(row) | {"dsn": dsn(row)} for row in store().rows("SELECT * FROM projects ORDER BY id")
        ],
        "installations": [
            _installation(row) for row in store().rows("SELECT * FROM installations ORDER BY id")
        ],
        "hooks": hooks(),
        "workspaces": [_workspace(row) for row in store().rows("SELECT * FROM workspaces ORDER BY position")],
        "failures": list_failures(),
        "settings": settings(),
        "counts": {
            name: store().value(f"SELECT count(*) FROM {name}")
            for name in ("events", "received", "deliveries")
        },
    }


def settings() -> Json:
    return {
        row["name"]: json.loads(row["value"]) for row in store().rows("SELECT * FROM settings ORDER BY name")
    }


def hooks() -> list[Json]:
    """All hooks of all projects, oldest first, each with the project's slug."""
    rows = store().rows(
        "SELECT h.*, p.slug FROM hooks h JOIN projects p ON p.id = h.project_id ORDER BY h.id"
    )
    return [hooks_api.show(row) | {"project": row["slug"]} for row in rows]


def received(wanted: Json) -> Json:
    """Events at FME by the filters of `COLUMNS` and `dropped` (1, 0, any; default 0), and their `count`.

    `unique=1` adds how many are left without repeats.
    """
    given = {name: value for name, value in wanted.items() if name in COLUMNS and value not in (None, "")}
    conditions = [COLUMNS[name] for name in given]
    dropped = str(wanted.get("dropped", "0"))
    if dropped in ("0", "1"):
        conditions.append("dropped = ''" if dropped == "0" else "dropped != ''")
    where = " AND ".join(conditions) or "1"
    answer: Json = {"count": _value(f"SELECT count(*) FROM received WHERE {where}", given)}
    if str(wanted.get("unique", "")) in ("1", "True"):
        parts = "environment_id, event_type, traffic_type, key, timestamp, sentry_event_id"
        sql = f"SELECT count(*) FROM (SELECT DISTINCT {parts} FROM received WHERE {where})"
        answer["unique"] = _value(sql, given)
    limit = int(wanted.get("limit", 100))
    page = given | {"limit": limit}
    sql = f"SELECT * FROM received WHERE {where} ORDER BY id DESC LIMIT :limit"
    rows = store().named(sql, page) if limit else []
    return answer | {"events": [_received(row) for row in rows]}


def requests(wanted: Json) -> list[Json]:
    sql = "SELECT * FROM fme_requests WHERE id > ? ORDER BY id DESC LIMIT ?"
    return [
        dict(row) for row in store().rows(sql, int(wanted.get("since", 0)), int(wanted.get("limit", 100)))
    ]


def deliveries(wanted: Json) -> list[Json]:
    rows = store().rows(
        "SELECT * FROM deliveries WHERE id > ? AND ? IN ('', kind) AND ? IN ('', event_id)"
        " AND ? IN ('', state) AND url LIKE ? ORDER BY id DESC LIMIT ?",
        int(wanted.get("since", 0)),
        wanted.get("kind", ""),
        wanted.get("event_id", ""),
        wanted.get("state", ""),
        str(wanted.get("url", "")) + "%",
        int(wanted.get("limit", 100)),
    )
    return [_delivery(row, with_body=str(wanted.get("bodies", "")) in ("1", "True")) for row in rows]


def thrown(event_id: str, *, wait: float) -> Json:
    """What became of an event; waits until each of its deliveries was tried once, at most `wait` seconds."""
    end = time.monotonic() + wait
    open_ = "SELECT 1 FROM deliveries WHERE event_id = ? AND finished IS NULL"
    while store().value(open_, event_id) and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
    row = store().row("SELECT * FROM events WHERE event_id = ?", event_id)
    data = json.loads(row["data"]) if row else {}
    return {
        "event_id": event_id,
        "saved": row is not None,
        "issue_id": row["issue_id"] if row else None,
        "complete": not store().value(open_, event_id),
        "event_type": data.get("type"),
        "timestamp": data.get("timestamp"),
        "environment": data.get("environment"),
        "culprit": data.get("culprit"),
        "errors": data.get("errors") or [],
        "deliveries": deliveries({"event_id": event_id})[::-1],
    }


def _value(sql: str, values: Json) -> Any:
    return store().named(sql, values)[0][0]


def _received(row: sqlite3.Row) -> Json:
    names = ("id", "request_id", "environment_id", "dropped")
    environment = store().value("SELECT name FROM fme_environments WHERE id = ?", row["environment_id"])
    received_at = int(row["received"] * 1000)
    shown = {name: row[name] for name in names}
    return shown | {"environment": environment, "received_at": received_at, "event": json.loads(row["event"])}


def _delivery(row: sqlite3.Row, *, with_body: bool) -> Json:
    names = [
        "id",
        "kind",
        "url",
        "event_id",
        "target",
        "state",
        "attempt",
        "status",
        "error",
        "duration_ms",
        "created",
        "finished",
        "due",
    ]
    shown = {name: row[name] for name in names}
    if with_body:
        shown["headers"] = json.loads(row["headers"] or "{}")
        shown["body"] = (row["body"] or b"").decode()
    return shown


def _installation(row: sqlite3.Row) -> Json:
    uuid = row["uuid"]
    grant = store().row("SELECT * FROM grants WHERE installation = ?", uuid)
    tokens = store().rows(
        "SELECT token, refresh_token, expires, is_main FROM tokens WHERE installation = ?", uuid
    )
    return dict(row) | {"grant": dict(grant) if grant else None, "tokens": [dict(token) for token in tokens]}


def _workspace(row: sqlite3.Row) -> Json:
    environments = store().rows(
        "SELECT * FROM fme_environments WHERE workspace_id = ? ORDER BY position", row["id"]
    )
    types = store().rows(
        "SELECT id, name FROM traffic_types WHERE workspace_id = ? ORDER BY position", row["id"]
    )
    return {
        "id": row["id"],
        "name": row["name"],
        "environments": [_environment(environment) for environment in environments],
        "traffic_types": [dict(kind) for kind in types],
    }


def _environment(row: sqlite3.Row) -> Json:
    sql = "SELECT id, name, key, type FROM sdk_keys WHERE environment_id = ? ORDER BY rowid"
    keys = [dict(key) for key in store().rows(sql, row["id"])]
    return {
        "id": row["id"],
        "name": row["name"],
        "sdk_keys": keys,
        "sdk_key": keys[0]["key"] if keys else None,
    }
