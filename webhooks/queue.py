"""The hot statements of the inbox and the outbox, in plain SQL: one text for PostgreSQL and SQLite.

Plain, because the ORM would build and tear down an object per row; on PostgreSQL through a cursor that binds on the
server, because Django's own sends a body as hex inside the statement (2.5 times slower at 200 KB).
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from operator import itemgetter
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection

from webhooks.models import ClaimedEvent

PARAMETERS = 30_000
"""Values in one statement; SQLite takes 32,766, PostgreSQL 65,535."""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A verified webhook, ready to be stored; `unverified_signature` is set while it could not be verified yet."""

    integration_id: int
    event_id: str
    source: str
    received_at: datetime
    body: bytes
    hook_address: UUID | None = None
    unverified_signature: str = ""


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """What translating one message needs."""

    id: int
    integration_id: int
    source: str
    body: bytes
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


@dataclass(frozen=True, slots=True)
class NewEvent:
    """One track event to deliver; `body` is the JSON text that is sent."""

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
            _time(message.received_at),
            message.body,
            message.unverified_signature,
            _uuid(message.hook_address),
            _time(message.received_at),
        )
    ]
    statement = (
        "INSERT INTO webhooks_inboxmessage (integration_id, event_id, source, received_at, body, "
        "unverified_signature, hook_address, due_at, state, attempts, faults, last_error, environment, title, "
        f"skips, replay) VALUES {', '.join([rows] * len(messages))} "
        "ON CONFLICT (integration_id, event_id) DO NOTHING RETURNING integration_id, event_id"
    )
    with _cursor() as cursor:
        cursor.execute(statement, values)
        return {(integration, event) for integration, event in cursor.fetchall()}


def claim_messages(token: UUID, *, limit: int, now: datetime, until: datetime) -> list[ClaimedMessage]:
    """Take up to `limit` due messages under `token`."""
    columns = (
        "id, integration_id, source, body, hook_address, unverified_signature, replay, received_at, outcome, "
        "reason, subject"
    )
    with _cursor() as cursor:
        cursor.execute(
            _claim("webhooks_inboxmessage", columns, where=""),
            (_time(now), limit, _uuid(token), _time(until)),
        )
        return [
            ClaimedMessage(
                id_,
                integration,
                source,
                bytes(body or b""),
                _as_uuid(address),
                signature,
                replay,
                _as_time(received_at),
                *verdict,
            )
            for id_, integration, source, body, address, signature, replay, received_at, *verdict in sorted(
                cursor.fetchall(), key=itemgetter(0)
            )
        ]


def finish_messages(token: UUID, messages: Sequence[FinishedMessage]) -> set[int]:
    """Finish those of `messages` that are still held under `token`; returns their ids."""
    if not messages:
        return set()
    values = [
        value
        for m in messages
        for value in (m.id, json.dumps(m.skips), m.environment, m.title, m.outcome, m.reason, m.subject)
    ]
    statement = (
        "UPDATE webhooks_inboxmessage AS t SET state = 'done', claim = NULL, last_error = '', replay = '', "
        f"unverified_signature = '', skips = v.column2{_json_cast()}, environment = v.column3, title = v.column4, "
        "outcome = v.column5, reason = v.column6, subject = v.column7 "
        f"FROM (VALUES {', '.join(['(%s, %s, %s, %s, %s, %s, %s)'] * len(messages))}) AS v "
        "WHERE t.id = v.column1 AND t.claim = %s AND t.state = 'pending' RETURNING id"
    )
    with _cursor() as cursor:
        cursor.execute(statement, [*values, _uuid(token)])
        return {row[0] for row in cursor.fetchall()}


def insert_events(events: Iterable[NewEvent], *, now: datetime) -> int:
    """Store track events, due at once; returns how many."""
    rest, count = iter(events), 0
    while chunk := list(islice(rest, PARAMETERS // 8)):
        count += len(chunk)
        values = [
            value
            for e in chunk
            for value in (
                e.message_id, e.environment_id, e.event_type, e.traffic_type, e.key, e.timestamp_ms, e.body,
                _time(now),
            )
        ]  # fmt: skip
        row = "(%s, %s, %s, %s, %s, %s, %s, %s, 'pending', 0, 0, '')"
        statement = (
            "INSERT INTO webhooks_outboxevent (message_id, environment_id, event_type, traffic_type, key, "
            "timestamp_ms, body, due_at, state, attempts, faults, last_error) "
            f"VALUES {', '.join([row] * len(chunk))}"
        )
        with _cursor() as cursor:
            cursor.execute(statement, values)
    return count


def claim_events(
    token: UUID, *, environment_id: int, limit: int, now: datetime, until: datetime
) -> list[ClaimedEvent]:
    """Take up to `limit` due events of one environment under `token`, oldest first."""
    with _cursor() as cursor:
        cursor.execute(
            _claim("webhooks_outboxevent", "id, body, attempts", where="environment_id = %s AND "),
            (environment_id, _time(now), limit, _uuid(token), _time(until)),
        )
        return [ClaimedEvent(*row) for row in sorted(cursor.fetchall())]


def move_events(ids: Sequence[int], token: UUID, **changes: Any) -> set[int]:
    """Change those of the events `ids` that are still held under `token`; returns their ids."""
    assignments = ", ".join(f"{column} = %s" for column in changes)
    values = [_adapted(value) for value in changes.values()]
    moved: set[int] = set()
    for start in range(0, len(ids), PARAMETERS):
        chunk = ids[start : start + PARAMETERS]
        statement = (
            f"UPDATE webhooks_outboxevent SET {assignments} "
            f"WHERE id IN ({', '.join(['%s'] * len(chunk))}) AND claim = %s AND state = 'pending' RETURNING id"
        )
        with _cursor() as cursor:
            cursor.execute(statement, [*values, *chunk, _uuid(token)])
            moved |= {row[0] for row in cursor.fetchall()}
    return moved


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


@contextmanager
def _cursor() -> Iterator[Any]:
    """A cursor on Django's connection that binds on the server; errors are Django's."""
    if connection.vendor != "postgresql":
        with connection.cursor() as cursor:
            yield cursor
        return
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        yield cursor


def _json_cast() -> str:
    return "::jsonb" if connection.vendor == "postgresql" else ""


def _time(value: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(value)


def _uuid(value: UUID | None) -> Any:
    return value if value is None or connection.features.has_native_uuid_field else value.hex


def _as_uuid(value: UUID | str | None) -> UUID | None:
    return UUID(value) if isinstance(value, str) else value


def _as_time(value: datetime | str) -> datetime:
    """SQLite keeps times as text, in UTC."""
    return datetime.fromisoformat(value).replace(tzinfo=UTC) if isinstance(value, str) else value


def _adapted(value: Any) -> Any:
    if isinstance(value, datetime):
        return _time(value)
    return _uuid(value) if isinstance(value, UUID) else value
