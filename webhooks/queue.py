"""The hot statements of the inbox and the outbox, in plain SQL: one text for PostgreSQL and SQLite.

Plain, because the ORM would build and tear down an object per row; `sql` says how they reach the database.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.db import connection

from webhooks import sql
from webhooks.models import ClaimedEvent
from webhooks.sql import adapted


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A verified webhook, ready to be stored; `unverified_signature` is set while it could not be verified yet."""

    integration_id: int
    event_id: str
    source: str
    received_at: datetime
    body: bytes = field(repr=False)
    hook_address: UUID | None = None
    unverified_signature: str = ""


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """What translating one message needs."""

    id: int
    integration_id: int
    source: str
    body: bytes = field(repr=False)
    hook_address: UUID | None
    unverified_signature: str
    replay: str
    received_at: datetime
    outcome: str
    reason: str
    subject: str


@dataclass(frozen=True, slots=True)
class FinishedMessage:
    """What is known of a message once it is translated; `reason` and `subject` are of its first skip."""

    id: int
    skips: list[dict[str, str]]
    environment: str
    title: str
    outcome: str
    reason: str
    subject: str


class NewEvent(NamedTuple):
    """One track event to deliver; `body` is the JSON text that is sent. A tuple: it is written as it is."""

    message_id: int
    environment_id: int
    event_type: str
    traffic_type: str
    key: str
    timestamp_ms: int
    body: str


def insert_messages(messages: Sequence[NewMessage]) -> set[tuple[int, str]]:
    """Store `messages` in one statement; returns (integration, event id) of those that were not stored already."""
    rows = "(%s, %s, %s, %s, %s, %s, %s, %s, 'pending', 0, 0, '', '', '', '[]', '')"
    values = [
        value
        for message in messages
        for value in (
            message.integration_id,
            message.event_id,
            message.source,
            adapted(message.received_at),
            message.body,
            message.unverified_signature,
            adapted(message.hook_address),
            adapted(message.received_at),
        )
    ]
    statement = (
        "INSERT INTO webhooks_inboxmessage (integration_id, event_id, source, received_at, body, "
        "unverified_signature, hook_address, due_at, state, attempts, faults, last_error, environment, title, "
        f"skips, replay) VALUES {', '.join([rows] * len(messages))} "
        "ON CONFLICT (integration_id, event_id) DO NOTHING RETURNING integration_id, event_id"
    )
    return {(integration, event) for integration, event in sql.run(statement, values, is_kept=True)}


def claim_messages(token: UUID, *, limit: int, now: datetime, until: datetime) -> list[ClaimedMessage]:
    """Take up to `limit` due messages under `token`."""
    columns = (
        "id, integration_id, source, body, hook_address, unverified_signature, replay, received_at, outcome, "
        "reason, subject"
    )
    rows = sql.run(
        _claim("webhooks_inboxmessage", columns, where=""),
        (adapted(now), limit, adapted(token), adapted(until)),
    )
    return [
        ClaimedMessage(
            id_,
            integration,
            source,
            bytes(body or b""),
            sql.as_uuid(address),
            signature,
            replay,
            sql.as_time(received_at),
            *verdict,
        )
        for id_, integration, source, body, address, signature, replay, received_at, *verdict in sorted(
            rows, key=itemgetter(0)
        )
    ]


FINISHED = {
    "id": "bigint", "skips": "jsonb", "environment": "text", "title": "text", "outcome": "text", "reason": "text",
    "subject": "text",
}  # fmt: skip


def finish_messages(token: UUID, messages: Sequence[FinishedMessage]) -> set[int]:
    """Finish those of `messages` that are still held under `token`; returns their ids."""
    statement = (
        "UPDATE webhooks_inboxmessage SET state = 'done', claim = NULL, last_error = '', replay = '', "
        "unverified_signature = '', skips = v.skips, environment = v.environment, title = v.title, "
        f"outcome = v.outcome, reason = v.reason, subject = v.subject FROM {sql.recordset(FINISHED)} "
        "WHERE webhooks_inboxmessage.id = v.id AND claim = %s AND state = 'pending' RETURNING webhooks_inboxmessage.id"
    )
    records = msgspec.json.encode(messages).decode()
    return {row[0] for row in sql.run(statement, [records, adapted(token)])}


def insert_events(events: Iterable[NewEvent], *, now: datetime) -> int:
    """Store track events, due at once; returns how many."""
    columns = ", ".join((*NewEvent._fields, "due_at", "state", "attempts", "faults", "last_error"))
    same = (adapted(now), "pending", 0, 0, "")
    rows = [(*event, *same) for event in events]
    with sql.cursor() as cursor:
        if connection.vendor == "postgresql":  # COPY costs a third of INSERT, here and in the server
            with cursor.copy(f"COPY webhooks_outboxevent ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * (len(NewEvent._fields) + len(same)))
            cursor.executemany(f"INSERT INTO webhooks_outboxevent ({columns}) VALUES ({places})", rows)
    return len(rows)


def claim_events(
    token: UUID, *, environment_id: int, limit: int, now: datetime, until: datetime
) -> list[ClaimedEvent]:
    """Take up to `limit` due events of one environment under `token`, oldest first."""
    rows = sql.run(
        _claim("webhooks_outboxevent", "id, body, attempts", where="environment_id = %s AND "),
        (environment_id, adapted(now), limit, adapted(token), adapted(until)),
    )
    return [ClaimedEvent(*row) for row in sorted(rows)]


def move_events(ids: Sequence[int], token: UUID, **changes: Any) -> set[int]:
    """Change those of the events `ids` that are still held under `token`; returns their ids."""
    assignments = ", ".join(f"{column} = %s" for column in changes)
    statement = (
        f"UPDATE webhooks_outboxevent SET {assignments} "
        f"WHERE {sql.among('id')} AND claim = %s AND state = 'pending' RETURNING id"
    )
    values = [*map(adapted, changes.values()), sql.id_list(ids), adapted(token)]
    return {row[0] for row in sql.run(statement, values)}


def _claim(table: str, columns: str, *, where: str) -> str:
    """One UPDATE that moves `due_at` and sets the token.

    MATERIALIZED: the LIMIT must be taken once. RETURNING names bare columns: SQLite knows no alias there.
    """
    lock = "FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    return (
        f"WITH due AS MATERIALIZED (SELECT id AS due_id FROM {table} WHERE {where}state = 'pending' AND due_at <= %s "
        f"ORDER BY due_at, id LIMIT %s {lock}) "
        f"UPDATE {table} AS t SET claim = %s, due_at = %s, attempts = t.attempts + 1 "
        f"FROM due WHERE t.id = due.due_id RETURNING {columns}"
    )
