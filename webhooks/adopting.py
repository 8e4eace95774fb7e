"""Events that an older version stored, each with a state of its own: given a delivery, so that this one sees them.

To be removed, with the columns it reads, once no process of a version before deliveries can still be running.
"""

import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from durable.drains import beat
from durable.stopping import stopping
from webhooks import sql
from webhooks.batches import byte_count, cut
from webhooks.models import Delivery
from webhooks.sql import adapted

BATCH = 1000
MOMENT_SECONDS = 1.0
"""Longer, and what is due would wait for it."""


class Old(NamedTuple):
    """An event of an older version."""

    id: int
    environment_id: int
    state: str
    claim: UUID | None
    attempts: int
    last_error: str
    delivered_at: datetime | None
    body: str


WALKS = (
    "state = 'pending' AND (delivery_id IS NULL) IS TRUE AND (claim IS NULL OR due_at <= %s) "
    "ORDER BY environment_id, due_at, id",
    "state = 'dead' AND (delivery_id IS NULL) IS TRUE ORDER BY environment_id",
    "state = 'done' AND delivery_id IS NULL ORDER BY delivery_id",
)
"""What waits first. Each in the order of an index that holds little else, so that no batch sorts or scans the table;
"IS TRUE" keeps SQLite from an index that would not help.
"""


def adopt() -> int:
    """Give them deliveries, a batch at a time, for a moment; returns how many events. The next drain goes on.

    Those a worker is sending are left to it. Whatever a batch was stopped in is adopted later: its transaction is one.
    """
    total, until = 0, time.monotonic() + MOMENT_SECONDS
    for walk in WALKS:
        while not stopping.is_set() and time.monotonic() < until:
            beat("outbox")
            adopted = adopt_next(walk)
            total += adopted
            if adopted < BATCH:
                break
    return total


@transaction.atomic
def adopt_next(walk: str) -> int:
    """Give a batch deliveries; returns how many events. What another worker is just adopting is left to it."""
    lock = "FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    statement = (
        "SELECT id, environment_id, state, claim, attempts, last_error, delivered_at, body "
        f"FROM webhooks_outboxevent WHERE {walk} LIMIT {BATCH} {lock}"
    )
    values = [adapted(timezone.now())] if "%s" in walk else []
    events = [Old(*row) for row in sql.run(statement, values)]
    for group in groups_of(events):
        first = group[0]
        delivery = Delivery.objects.create(
            environment_id=first.environment_id, state=first.state, attempts=first.attempts,
            last_error=first.last_error, delivered_at=first.delivered_at and sql.as_time(first.delivered_at),
            claim=sql.as_uuid(first.claim) if first.state == "done" else None,
            event_count=len(group), byte_count=byte_count(group),
        )  # fmt: skip
        sql.run(
            f"UPDATE webhooks_outboxevent SET delivery_id = %s, state = 'moved' WHERE {sql.among('id')} RETURNING id",
            [delivery.pk, sql.id_list([event.id for event in group])],
        )
    return len(events)


def groups_of(events: Iterable[Old]) -> Iterable[list[Old]]:
    """What may share a delivery: waiting for one environment, or brought by one attempt. A dead one stays alone."""
    alike: defaultdict[tuple[Any, ...], list[Old]] = defaultdict(list)
    for event in events:
        brought_by = {"done": event.claim or event.delivered_at, "dead": event.id}.get(event.state)
        alike[event.environment_id, event.state, brought_by].append(event)
    limits = {"max_events": settings.OUTBOX_BATCH_EVENTS, "max_bytes": settings.OUTBOX_BATCH_BYTES}
    for group in alike.values():
        yield from cut(group, **limits)
