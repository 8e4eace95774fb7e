"""Events on their way through Sentry: normalised, grouped into an issue, stored, handed to hooks and app."""

import json
import sqlite3
import time
from typing import Any

from sandbox.options import options
from sandbox.sentry import sender
from sandbox.sentry.enrich import enrich
from sandbox.sentry.normalise import normalise
from sandbox.store import setting, store

APP_PATH = "/webhooks/sentry/app/"


def take_in(
    project: sqlite3.Row,
    raw: dict[str, Any],
    *,
    client_ip: str = "127.0.0.1",
    user_agent: str = "",
    keep_old: bool = False,
) -> str:
    """Store an event as an SDK sent it and send it on; answers its id. A known id changes nothing."""
    data = enrich(
        normalise(
            raw, project_id=project["id"], client_ip=client_ip, user_agent=user_agent, keep_old=keep_old
        )
    )
    data["project"] = project["id"]
    event_id = str(data["event_id"])
    with store().write():
        known = "SELECT 1 FROM events WHERE project_id = ? AND event_id = ?"
        if not store().value(known, project["id"], event_id):
            _send(project, _save(project, data), data)
    sender.ring()
    return event_id


def again(event_id: str) -> int:
    """Queue all deliveries of a stored event once more, as after a slow answer; answers how many."""
    row = store().row("SELECT * FROM events WHERE event_id = ?", event_id)
    if row is None:
        return 0
    project = store().one("SELECT * FROM projects WHERE id = ?", row["project_id"])
    count = _send(project, row["id"], json.loads(row["data"]))
    sender.ring()
    return count


def _save(project: sqlite3.Row, data: dict[str, Any]) -> int:
    now = time.time()
    moment = data["timestamp"]
    with store().write() as db:
        issue = db.execute(
            "INSERT INTO issues (project_id, fingerprint, number, count, first_seen, last_seen)"
            " VALUES (?, ?, (SELECT count(*) + 1 FROM issues WHERE project_id = ?), 1, ?, ?)"
            " ON CONFLICT (project_id, fingerprint) DO UPDATE SET count = count + 1,"
            " last_seen = max(last_seen, excluded.last_seen) RETURNING id",
            (project["id"], data["hashes"][0], project["id"], moment, moment),
        ).fetchone()[0]
        environment = _storable(data.get("environment"))
        db.execute(
            "INSERT OR IGNORE INTO environments (project_id, name) VALUES (?, ?)",
            (project["id"], environment or ""),
        )
        return store().insert(
            "events",
            event_id=data["event_id"],
            project_id=project["id"],
            issue_id=issue,
            received=now,
            environment=environment,
            data=json.dumps(data),
        )


def _storable(text: str | None) -> str | None:
    """SQLite takes no halves of characters."""
    return None if text is None else text.encode(errors="replace").decode()


def _send(project: sqlite3.Row, row_id: int, data: dict[str, Any]) -> int:
    """Queue the event for every hook with `event.created`, whatever its status, and for a subscribed app."""
    if not setting("service_hooks", True):
        return 0
    count = 0
    for hook in store().rows("SELECT * FROM hooks WHERE project_id = ? ORDER BY id", project["id"]):
        if "event.created" in json.loads(hook["events"]):
            sender.enqueue("service_hook", hook["url"], hook["guid"], {"event": row_id}, data["event_id"])
            count += 1
    if data["type"] != "error" or "error" not in setting("app_events", []):
        return count
    sql = "SELECT * FROM installations WHERE organization_id = ? AND deleted IS NULL AND status = 'installed'"
    for row in store().rows(sql, project["organization_id"]):
        content = {"resource": "error", "action": "created", "installation": row["uuid"], "event": row_id}
        sender.enqueue("sentry_app", options().public_url + APP_PATH, row["uuid"], content, data["event_id"])
        count += 1
    return count
