"""Counts by the hour, kept in the transaction of what they count; pages read these and never count rows.

A drain collects what happened in a `Tally` and stores it with one upsert per batch, its rows in the order of their
key, so that two workers wait for each other but never lock each other out. Hours are those in which a message was
received, so that a number leads to the messages it counts. The row of the hour `EVER` holds the whole past.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from django.db import connection

from webhooks.models import HourlyCount, OutboxEvent

EVER = datetime(1970, 1, 1, tzinfo=UTC)
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
    EVENT = "event"  # track events made: FME environment's id, traffic type
    TYPE = "type"  # track events made: event type, traffic type; the note is the culprit
    DELIVERED = "delivered"  # track events FME took: FME environment's id, traffic type
    DEAD = "dead"  # track events given up: FME environment's id, traffic type
    LATENCY = "latency"  # track events delivered: within so many seconds of being received


@dataclass(frozen=True, slots=True, order=True)
class Key:
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

    def add_ever(self, integration_id: int, name: Count, at: datetime) -> None:
        """Count something in the row of the whole past, which also says when it was last."""
        self._add(Key(integration_id, name, EVER, ""), 1, at, "")

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
    latest = "greatest" if connection.vendor == "postgresql" else "max"
    table = HourlyCount._meta.db_table
    adapt = connection.ops.adapt_datetimefield_value
    values = [
        value
        for key, row in rows
        for value in (
            key.integration_id, key.name, adapt(key.hour), key.label, row.count, adapt(row.last_at), row.note,
        )
    ]  # fmt: skip
    places = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(rows))
    statement = (
        f"INSERT INTO {table} AS t (integration_id, name, hour, label, count, last_at, note) VALUES {places} "  # noqa: S608 - our own names
        "ON CONFLICT (integration_id, name, hour, label) DO UPDATE SET count = t.count + excluded.count, "
        f"last_at = {latest}(t.last_at, excluded.last_at), "
        "note = CASE WHEN excluded.note = '' THEN t.note ELSE excluded.note END"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def count_delivered(ids: Iterable[int], at: datetime) -> None:
    """Count track events that FME took at `at`, in the transaction that finishes them: two statements."""
    tally = Tally()
    for integration, received_at, environment, traffic_type in facts_of(ids):
        tally.add(integration, Count.DELIVERED, received_at, environment, traffic_type)
        tally.add(integration, Count.LATENCY, received_at, latency_class(at - received_at))
        tally.add_ever(integration, Count.DELIVERED, at)
    tally.store()


def count_dead(ids: Iterable[int]) -> None:
    """Count track events that were given up."""
    tally = Tally()
    for integration, received_at, environment, traffic_type in facts_of(ids):
        tally.add(integration, Count.DEAD, received_at, environment, traffic_type)
        tally.add_ever(integration, Count.DEAD, received_at)
    tally.store()


def facts_of(ids: Iterable[int]) -> Iterable[tuple[int, datetime, int, str]]:
    """Of each track event: integration, when its message was received, FME environment, traffic type."""
    return OutboxEvent.objects.filter(pk__in=list(ids)).values_list(
        "message__integration_id", "message__received_at", "environment_id", "traffic_type"
    )


def hour_of(at: datetime) -> datetime:
    """The beginning of the hour, in UTC."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def latency_class(taken: timedelta) -> str:
    """The smallest class that holds a duration; "more" beyond the last."""
    return next((str(end) for end in LATENCY_SECONDS if taken.total_seconds() <= end), "more")
