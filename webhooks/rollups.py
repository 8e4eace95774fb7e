"""Counts by the hour, kept in the transaction of what they count; pages read these and never count rows.

A drain collects what happened in a `Tally` and stores it with one upsert per batch, its rows in the order of their
key, so that two workers wait for each other but never lock each other out. Hours are those in which a message was
received, so that a number leads to the messages it counts. The row of the hour `EVER` holds the whole past.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import chain
from typing import NamedTuple

from django.db.models import F
from django.utils import timezone

from durable.models import State
from webhooks import sql
from webhooks.models import HourlyCount, OutboxEvent

EVER = datetime(1970, 1, 1, tzinfo=UTC)
TEST = "test"
"""Labels what was ever received of test exceptions: they are no sign that Sentry still sends."""

BETWEEN = "\t"
"""Between the parts of a label; neither an FME name nor an event type holds one."""

LATENCY_SECONDS = (1, 2, 5, 10, 30, 60, 300, 3600)
"""Upper ends of the classes in which the time from received to delivered is counted."""


class Count(StrEnum):
    """What is counted, and what its label says."""

    RECEIVED = "received"  # messages translated
    DROPPED = "dropped"  # messages without a track event: reason, subject
    PARTLY = "partly"  # messages of which not every row gave track events
    SKIPPED = "skipped"  # every skip of every message: code, subject
    MATCHED = "matched"  # messages by Sentry environment, mapped or not
    UNVERIFIED = "unverified"  # messages whose signature turned out to be wrong
    REFUSED = "refused"  # requests that were answered with an error and not stored: the outcome's label
    EVENT = "event"  # track events made: FME environment's id, traffic type
    TYPE = "type"  # track events made: event type, traffic type; the note is the culprit
    DELIVERED = "delivered"  # track events FME took: FME environment's id, traffic type
    DEAD = "dead"  # track events given up: FME environment's id, traffic type
    LATENCY = "latency"  # track events delivered: within so many seconds of being received


class Key(NamedTuple):
    """The key of one row; its order is the order in which rows are locked."""

    integration_id: int
    name: str
    hour: datetime
    label: str


@dataclass(slots=True)
class Value:
    """How often, when last, and a word about it."""

    count: int
    last_at: datetime
    note: str


class Tally:
    """What happened in one batch, ready to be added to what is stored."""

    def __init__(self) -> None:
        self.rows: dict[Key, Value] = {}

    def add(
        self, integration_id: int, name: Count, at: datetime, *parts: object, count: int = 1, note: str = ""
    ) -> None:
        """Count something that belongs to the moment `at`; `parts` make the label."""
        label = BETWEEN.join(str(part) for part in parts)[:340]
        self._add(Key(integration_id, name, hour_of(at), label), count, at, note)

    def add_ever(
        self, integration_id: int, name: Count, at: datetime, *, count: int = 1, is_test: bool = False
    ) -> None:
        """Count something in the row of the whole past, which also says when it was last; tests have their own."""
        self._add(Key(integration_id, name, EVER, TEST if is_test else ""), count, at, "")

    def store(self) -> None:
        """Add everything to the stored counts: one statement, last in the caller's transaction."""
        rows = [
            (key, value) for key, value in sorted(self.rows.items(), key=lambda row: row[0]) if value.count
        ]
        for start in range(0, len(rows), 1000):
            upsert(rows[start : start + 1000])

    def _add(self, key: Key, count: int, at: datetime, note: str) -> None:
        value = self.rows.get(key)
        if value is None:
            self.rows[key] = Value(count, at, note[:256])
        else:
            value.count += count
            value.last_at = max(value.last_at, at)
            value.note = note[:256] or value.note


def upsert(rows: Sequence[tuple[Key, Value]]) -> None:
    """Add to the counts of `rows`, which come in the order of their keys."""
    latest = "greatest" if sql.is_postgres() else "max"
    table = HourlyCount._meta.db_table
    values = [
        sql.adapted(value)
        for key, row in rows
        for value in (
            key.integration_id, str(key.name), key.hour, key.label, row.count, row.last_at, row.note,
        )
    ]  # fmt: skip
    places = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(rows))
    statement = (
        f"INSERT INTO {table} AS t (integration_id, name, hour, label, count, last_at, note) VALUES {places} "  # noqa: S608 - our own names
        "ON CONFLICT (integration_id, name, hour, label) DO UPDATE SET count = t.count + excluded.count, "
        f"last_at = {latest}(t.last_at, excluded.last_at), "
        "note = CASE WHEN excluded.note = '' THEN t.note ELSE excluded.note END RETURNING 1"
    )
    sql.run(statement, values)


def count_delivered(ids: Collection[int], at: datetime) -> None:
    """Count the track events of deliveries that FME took at `at`, in the transaction that finishes them."""
    tally = Tally()
    for fact in facts_of(ids, at):
        where, received_at, count = fact.integration_id, fact.received_at, fact.events
        tally.add(where, Count.DELIVERED, received_at, fact.environment_id, fact.traffic_type, count=count)
        tally.add(where, Count.LATENCY, received_at, fact.latency, count=count)
        tally.add_ever(where, Count.DELIVERED, at, count=count)
    tally.store()


def count_dead(ids: Collection[int], *, sign: int = 1) -> None:
    """Count the track events of deliveries that were given up; with a `sign` of -1, of those that were and are not."""
    tally = Tally()
    for fact in facts_of(ids, timezone.now()):
        where, received_at, count = fact.integration_id, fact.received_at, sign * fact.events
        tally.add(where, Count.DEAD, received_at, fact.environment_id, fact.traffic_type, count=count)
        tally.add_ever(where, Count.DEAD, received_at, count=count)
    tally.store()


def taken_back(keys: Collection[int]) -> Tally:
    """What was counted of those track events that are not delivered, to be stored when they are removed."""
    tally = Tally()
    rows = (
        OutboxEvent.objects.filter(pk__in=keys).exclude(delivery__state=State.DONE).select_related("delivery")
    )
    for event in rows.annotate(where=F("message__integration"), at=F("message__received_at")).defer("body"):
        place, where, at = (event.environment_id, event.traffic_type), event.where, event.at
        tally.add(where, Count.EVENT, at, *place, count=-1)
        tally.add(where, Count.TYPE, at, event.event_type, event.traffic_type, count=-1)
        tally.add_ever(where, Count.EVENT, at, count=-1)
        if event.state == State.DEAD:
            tally.add(where, Count.DEAD, at, *place, count=-1)
            tally.add_ever(where, Count.DEAD, at, count=-1)
    return tally


class Fact(NamedTuple):
    """Track events that count alike; `received_at` is the last of their messages' within one hour."""

    integration_id: int
    received_at: datetime
    environment_id: int
    traffic_type: str
    latency: str
    events: int


def facts_of(ids: Collection[int], at: datetime) -> list[Fact]:
    """What is counted of the track events of deliveries settled at `at`.

    The database counts: a batch has a thousand events and hardly ten kinds, and an object for each event took three
    quarters of delivery's CPU time. First by message, so that each message is looked up once.
    """
    statement = (
        "WITH e AS MATERIALIZED (SELECT message_id, environment_id, traffic_type, count(*) AS events "  # noqa: S608 - our own names
        f"FROM webhooks_outboxevent WHERE {sql.among('delivery_id')} "
        "GROUP BY message_id, environment_id, traffic_type) "
        "SELECT m.integration_id, max(m.received_at), e.environment_id, e.traffic_type, "
        f"CASE {'WHEN m.received_at >= %s THEN %s ' * len(LATENCY_SECONDS)} ELSE 'more' END AS latency, sum(events) "
        "FROM e JOIN webhooks_inboxmessage AS m ON m.id = e.message_id "
        f"GROUP BY m.integration_id, {sql.hour('m.received_at')}, e.environment_id, e.traffic_type, latency"
    )
    ends = [(sql.adapted(at - timedelta(seconds=seconds)), str(seconds)) for seconds in LATENCY_SECONDS]
    rows = sql.run(statement, [sql.id_list(ids), *chain.from_iterable(ends)])
    return [
        Fact(where, sql.as_time(received_at), place, kind, latency, int(events))
        for where, received_at, place, kind, latency, events in rows
    ]


def hour_of(at: datetime) -> datetime:
    """The beginning of the hour, in UTC."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
