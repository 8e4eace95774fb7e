"""The hot statements of the inbox, in plain SQL: one text for PostgreSQL and SQLite.

Plain, because the ORM would build and tear down an object per row; `sql` says how they reach the database.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from webhooks import sql
from webhooks.models import InboxMessage
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


def insert_messages(messages: Sequence[NewMessage]) -> set[tuple[int, str]]:
    """Store `messages` in one statement; returns (integration, event id) of those that were not stored already."""
    rows = "(%s, %s, %s, %s, %s, %s, %s, %s, 'pending', 0, 0, '', '', '', '[]', '')"
    values: list[Any] = []
    for message in messages:
        received_at = adapted(message.received_at)
        values += (
            message.integration_id,
            message.event_id,
            message.source,
            received_at,
            message.body,
            message.unverified_signature,
            adapted(message.hook_address),
            received_at,
        )
    statement = (
        "INSERT INTO webhooks_inboxmessage (integration_id, event_id, source, received_at, body, "
        "unverified_signature, hook_address, due_at, state, attempts, faults, last_error, environment, title, "
        f"skips, replay) VALUES {', '.join([rows] * len(messages))} "
        "ON CONFLICT (integration_id, event_id) DO NOTHING RETURNING integration_id, event_id"
    )
    return {(integration, event) for integration, event in sql.run(statement, values, is_kept=True)}


def touch_inbox() -> None:
    """Store nothing, with the locks of tables and the right that storing a message takes; in a transaction.

    Neither the lock on its integration's row nor room on the disk is tried.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO webhooks_inboxmessage (integration_id) SELECT id FROM integrations_sentryintegration "
            "WHERE false"
        )


def claim_messages(
    token: UUID, *, limit: int, max_bytes: int, now: datetime, until: datetime
) -> list[ClaimedMessage]:
    """Take up to `limit` due messages under `token`, whose bodies have `max_bytes` together, and at least one."""
    columns = (
        "id, integration_id, source, body, hook_address, unverified_signature, replay, received_at, outcome, "
        "reason, subject"
    )
    statement = (
        # MATERIALIZED: the LIMIT must be taken once. RETURNING names bare columns: SQLite knows no alias there.
        f"WITH due AS MATERIALIZED (SELECT {sql.place()} AS place, id, due_at, length(body) AS size "
        f"FROM webhooks_inboxmessage WHERE state = 'pending' AND due_at <= %s AND {sql.FREE} "
        f"ORDER BY due_at, id LIMIT %s {sql.lock()}), "
        "summed AS (SELECT place, row_number() OVER w AS rank, sum(size) OVER w AS size FROM due "
        "WINDOW w AS (ORDER BY due_at, id)) "
        "UPDATE webhooks_inboxmessage AS t SET claim = %s, leased_until = %s, attempts = t.attempts + 1 "
        f"FROM summed WHERE t.{sql.place()} = summed.place AND (rank = 1 OR size <= %s) RETURNING {columns}"
    )
    values = (adapted(now), *sql.free_at(now), limit, adapted(token), adapted(until), max_bytes)
    rows = sql.run(statement, values)
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


def held_row(token: UUID, message: ClaimedMessage) -> InboxMessage | None:
    """The row of a message while it is still held under `token`."""
    return InboxMessage.objects.defer("body").filter(pk=message.id, claim=token).first()
