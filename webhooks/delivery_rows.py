"""The hot statements of the outbox, in plain SQL: events are stored in bulk, claimed and settled by the delivery."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import transaction

from durable.models import State
from webhooks import sql
from webhooks.batches import BRACKETS_BYTES, byte_count, cut
from webhooks.models import Delivery, DeliveryAttempt
from webhooks.sql import adapted

CLAIM_STEPS = (8, 64, 512, 1000)
"""How many deliveries to ask for at a time: a burst's hold hundreds of events, a trickle's one. What is asked for is
locked, whether it fits into the POST or not.
"""


class NewEvent(NamedTuple):
    """One track event to deliver; `body` is the JSON text that is sent. A tuple: it is written as it is."""

    message_id: int
    environment_id: int
    event_type: str
    traffic_type: str
    key: str
    timestamp_ms: int
    body: str


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """What sending one delivery needs: the ids of its events, and their JSON texts, each joined by commas.

    As bytes all the way: between the database and FME nothing of them has to be looked at.
    """

    id: int
    event_ids: bytes
    body: bytes = field(repr=False)
    attempts: int = 1

    @property
    def event_count(self) -> int:
        """How many events are left of it."""
        return self.event_ids.count(b",") + 1 if self.event_ids else 0


def insert_events(events: Sequence[NewEvent], *, now: datetime) -> int:
    """Store track events in deliveries that are due at once; returns how many events that were."""
    by_environment: defaultdict[int, list[NewEvent]] = defaultdict(list)
    for event in events:
        by_environment[event.environment_id].append(event)
    limits = {"max_events": settings.OUTBOX_BATCH_EVENTS, "max_bytes": settings.OUTBOX_BATCH_BYTES}
    groups = [group for part in by_environment.values() for group in cut(part, **limits)]
    deliveries = Delivery.objects.bulk_create(
        Delivery(
            environment_id=group[0].environment_id, due_at=now, event_count=len(group), byte_count=byte_count(group)
        )
        for group in groups
    )  # fmt: skip
    _write_events(
        [(delivery.pk, *event) for delivery, group in zip(deliveries, groups, strict=True) for event in group]
    )
    return len(events)


def _write_events(rows: Sequence[tuple[Any, ...]]) -> None:
    columns = ", ".join(("delivery_id", *NewEvent._fields))
    with sql.cursor() as cursor:
        if sql.is_postgres():  # COPY costs a third of INSERT, here and in the server
            with cursor.copy(f"COPY webhooks_outboxevent ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * (1 + len(NewEvent._fields)))
            statement = f"INSERT INTO webhooks_outboxevent ({columns}) VALUES ({places})"
            cursor.executemany(sql.numbered(statement), rows)


def environments_with_due(now: datetime) -> list[int]:
    """Ids of the environments that have due deliveries: an index look-up for each environment there is.

    Asked for five times a second while others are delivered to, and the ORM took two milliseconds for it.
    """
    statement = (
        "SELECT id FROM integrations_environment AS e WHERE (SELECT id FROM webhooks_delivery "
        f"WHERE environment_id = e.id AND state = 'pending' AND due_at <= %s AND {sql.FREE} "
        "ORDER BY due_at, id LIMIT 1) IS NOT NULL"
    )
    return [id_ for (id_,) in sql.run(statement, (adapted(now), *sql.free_at(now)))]


def claim_deliveries(
    token: UUID, *, environment_id: int, max_events: int, max_bytes: int, now: datetime, until: datetime
) -> list[ClaimedDelivery]:
    """Take due deliveries of one environment, oldest first: as many as fit into one POST, and at least one."""
    attempts: dict[int, int] = {}
    events, size = max_events, max_bytes - BRACKETS_BYTES
    for limit in CLAIM_STEPS:
        rows = _claim_fitting(token, environment_id, limit, events, size, now, until, is_first=not attempts)
        for id_, count, event_count, byte_count_ in rows:
            attempts[id_] = count
            events, size = events - event_count, size - byte_count_
        if len(rows) < limit or events <= 0:
            break
    return with_events(dict(sorted(attempts.items())))


def _claim_fitting(
    token: UUID,
    environment_id: int,
    limit: int,
    events: int,
    size: int,
    now: datetime,
    until: datetime,
    *,
    is_first: bool,
) -> list[tuple[int, int, int, int]]:
    """Id, attempts, events and bytes of what was claimed: whatever fits, and the very first in any case."""
    statement = (
        f"WITH due AS MATERIALIZED (SELECT {sql.place()} AS place, id, due_at, event_count, byte_count "
        f"FROM webhooks_delivery WHERE environment_id = %s AND state = 'pending' AND due_at <= %s AND {sql.FREE} "
        f"ORDER BY due_at, id LIMIT %s {sql.lock()}), "
        "summed AS (SELECT place, row_number() OVER w AS rank, sum(event_count) OVER w AS events, "
        "sum(byte_count) OVER w AS size FROM due WINDOW w AS (ORDER BY due_at, id)) "
        "UPDATE webhooks_delivery AS t SET claim = %s, leased_until = %s, attempts = t.attempts + 1 FROM summed "
        f"WHERE t.{sql.place()} = summed.place AND (rank = %s OR (events <= %s AND size <= %s)) "
        "RETURNING id, attempts, event_count, byte_count"
    )
    first = 1 if is_first else 0
    values = (
        environment_id, adapted(now), *sql.free_at(now), limit, adapted(token), adapted(until), first, events, size,
    )  # fmt: skip
    return sql.run(statement, values)


def with_events(attempts: Mapping[int, int]) -> list[ClaimedDelivery]:
    """Deliveries with what is left of their events, joined by the database: an object for each would cost more.

    `attempts` says of each delivery, by its id, how often it was claimed.
    """
    if not attempts:
        return []
    statement = (
        f"SELECT delivery_id, {sql.joined('id')}, {sql.joined('body')} FROM webhooks_outboxevent "
        f"WHERE {sql.among('delivery_id')} GROUP BY delivery_id"
    )
    found = {id_: (events, body) for id_, events, body in sql.run(statement, [sql.id_list(attempts)])}
    return [ClaimedDelivery(id_, *found.get(id_, (b"", b"")), count) for id_, count in attempts.items()]


def without_emptied(token: UUID, batch: Sequence[ClaimedDelivery]) -> list[ClaimedDelivery]:
    """Those of `batch` that have events; the others, whose events were erased meanwhile, are done without a POST."""
    if emptied := [one.id for one in batch if not one.event_ids]:
        move_deliveries(emptied, token, state=State.DONE, last_error="")
    return [one for one in batch if one.event_ids]


def insert_attempt(attempt: DeliveryAttempt, batch: Sequence[ClaimedDelivery]) -> None:
    """Store a POST that is about to be made, with the events it carries."""
    attempt.event_count = sum(one.event_count for one in batch)
    attempt.byte_count = sum(len(one.body) for one in batch)
    columns = {
        "id": attempt.id,
        "environment_id": attempt.environment_id,
        "started_at": attempt.started_at,
        "outcome": str(attempt.outcome),
        "event_count": attempt.event_count,
        "byte_count": attempt.byte_count,
        "event_ids": f"[{b','.join(one.event_ids for one in batch).decode()}]",
        "answer": "",
    }
    places = ", ".join(["%s"] * len(columns))
    statement = f"INSERT INTO webhooks_deliveryattempt ({', '.join(columns)}) VALUES ({places}) RETURNING id"
    sql.run(statement, [adapted(value) for value in columns.values()], is_kept=True)


def close_attempt(attempt: DeliveryAttempt) -> None:
    """Store how a POST ended; the list of its events, which is long, was stored when it was opened."""
    statement = (
        "UPDATE webhooks_deliveryattempt SET outcome = %s, duration_ms = %s, status_code = %s, answer = %s, "
        "next_at = %s WHERE id = %s RETURNING id"
    )
    values = (
        str(attempt.outcome), attempt.duration_ms, attempt.status_code, attempt.answer, attempt.next_at, attempt.id,
    )  # fmt: skip
    sql.run(statement, [adapted(value) for value in values])


def close_attempts_before(moment: datetime, *, outcome: str, answer: str) -> None:
    """Close the attempts that were opened before `moment` and are open still; asked for with every drain."""
    statement = (
        "UPDATE webhooks_deliveryattempt SET outcome = %s, answer = %s WHERE outcome = 'open' AND started_at < %s "
        "RETURNING id"
    )
    sql.run(statement, (str(outcome), answer, adapted(moment)))


def move_deliveries(ids: Sequence[int], token: UUID, **changes: Any) -> set[int]:
    """Change those of the deliveries `ids` that are still held under `token`; returns their ids."""
    assignments = ", ".join(f"{column} = %s" for column in changes)
    statement = (
        f"UPDATE webhooks_delivery SET {assignments} "
        f"WHERE {sql.among('id')} AND claim = %s AND state = 'pending' RETURNING id"
    )
    values = [*map(adapted, changes.values()), sql.id_list(ids), adapted(token)]
    return {row[0] for row in sql.run(statement, values)}


def split_delivery(token: UUID, delivery_id: int, *, first: int) -> list[ClaimedDelivery]:
    """Move a delivery's `first` events to a new one under the same claim; the two, or [] when the claim was lost."""
    with transaction.atomic():
        rows = Delivery.objects.select_for_update()
        held = rows.filter(pk=delivery_id, claim=token, state=State.PENDING).first()
        if held is None:
            return []
        events = list(held.events.only("body").order_by("pk"))
        head, tail = events[:first], events[first:]
        apart = Delivery.objects.create(
            environment_id=held.environment_id, claim=token, due_at=held.due_at, leased_until=held.leased_until,
            attempts=held.attempts, last_error=held.last_error, event_count=len(head), byte_count=byte_count(head),
        )  # fmt: skip
        held.events.filter(pk__in=[event.pk for event in head]).update(delivery=apart)
        rows.filter(pk=held.pk).update(event_count=len(tail), byte_count=byte_count(tail))
        return with_events({apart.pk: held.attempts, held.pk: held.attempts})
