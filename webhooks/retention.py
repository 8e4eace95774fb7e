"""Retention: bodies go before facts, in small batches; what still waits, is dead, or has undelivered events stays.

What is dead goes with its integration, once that was deleted so long ago. Nothing goes by a clock that the database's
does not agree with, or that was moved while the process ran: what a wrong one removes, no later one brings back.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from durable.stopping import stopping
from integrations.models import SentryIntegration
from webhooks import sql
from webhooks.models import (
    Delivery,
    DeliveryAttempt,
    HourlyCount,
    InboxMessage,
    Notice,
    OutboxEvent,
    ReplayOrder,
)
from webhooks.rollups import EVER

BATCH = 500
BREATH_SECONDS = 0.02
"""Between two batches, so that retention never stands in the way of a webhook."""

MOST_APART = timedelta(hours=1)


def ticking() -> float:
    """Seconds that have passed since some moment, however the clock is set; sleeping counts."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


BEGUN_AT = timezone.now() - timedelta(seconds=ticking())
"""When `ticking` began, as the clock was when this process started."""


class ClocksDisagree(Exception):
    """Nobody can say what time it is."""


def prune() -> dict[str, int]:
    """Remove what is older than its retention; returns how many of each went. Raises ClocksDisagree."""
    now = timezone.now()
    moved = now - BEGUN_AT - timedelta(seconds=ticking())
    if abs(moved) > MOST_APART:
        raise ClocksDisagree(
            f"Nothing was removed: the clock of this machine was moved by {moved.total_seconds() / 3600:+.1f} hours "
            f"since this process started, and says {now:%Y-%m-%d %H:%M} UTC. If that is right, start it again."
        )
    there = database_time()
    if abs(there - now) > MOST_APART:
        raise ClocksDisagree(
            f"Nothing was removed: the clocks of this machine ({now:%Y-%m-%d %H:%M} UTC) and of the database "
            f"({there:%Y-%m-%d %H:%M} UTC) are more than an hour apart. Set the wrong one right."
        )
    facts_end = now - timedelta(days=settings.RETENTION_DAYS)
    bodies_end = now - timedelta(days=settings.PAYLOAD_RETENTION_DAYS)
    attempts = DeliveryAttempt.objects.filter(started_at__lt=facts_end).exclude(outcome="open")
    return {
        "bodies": in_batches(finished(bodies_end).exclude(body=None), lambda rows: rows.update(body=None)),
        "messages": in_batches(finished(facts_end), delete) + in_batches(abandoned(facts_end), delete),
        "deliveries": in_batches(emptied(facts_end), delete),
        "attempts": in_batches(attempts, delete),
        "orders": in_batches(ReplayOrder.objects.filter(state="done", until__lt=facts_end), delete),
        "counts": in_batches(HourlyCount.objects.filter(hour__lt=facts_end).exclude(hour=EVER), delete),
        "notices": in_batches(Notice.objects.filter(made_at__lt=facts_end).exclude(state="pending"), delete),
        "integrations": in_batches(
            SentryIntegration.objects.filter(deleted_at__lt=facts_end, messages=None), delete
        ),
    }


def database_time() -> datetime:
    """What time it is for PostgreSQL; SQLite has no clock but this machine's."""
    if not sql.is_postgres():
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def finished(before: datetime) -> QuerySet[InboxMessage]:
    """Messages received before that date with nothing left to do: done, and every event delivered."""
    undelivered = OutboxEvent.objects.filter(message=OuterRef("pk")).exclude(delivery__state="done")
    return InboxMessage.objects.filter(received_at__lt=before, state="done").exclude(Exists(undelivered))


def abandoned(before: datetime) -> QuerySet[InboxMessage]:
    """Messages of integrations deleted before that date, failed or not: nobody can send them again any more."""
    deleted = SentryIntegration.objects.filter(deleted_at__lt=before).values_list("pk", flat=True)
    waiting = OutboxEvent.objects.filter(message=OuterRef("pk")).exclude(delivery__state__in=["done", "dead"])
    rows = InboxMessage.objects.filter(integration__in=list(deleted), received_at__lt=before)
    return rows.exclude(state="pending").exclude(Exists(waiting))


def emptied(before: datetime) -> QuerySet[Delivery]:
    """Deliveries made before that date whose events went with their messages, or were erased."""
    return Delivery.objects.filter(
        ~Exists(OutboxEvent.objects.filter(delivery=OuterRef("pk"))), due_at__lt=before
    )


def in_batches(rows: QuerySet[Any], apply: Callable[[QuerySet[Any]], int]) -> int:
    """Apply to `rows` a batch at a time, each in a transaction of its own; returns how many rows that were.

    A process that is to stop finishes the batch in hand. The rows are locked, so that one that is replayed this moment
    is not removed; and each batch begins where the last one ended, so that what stays is not read again and again.
    """
    total = 0
    rest = rows.order_by("pk")
    if connection.features.has_select_for_update_skip_locked:
        rest = rest.select_for_update(skip_locked=True, of=("self",))
    while True:
        with transaction.atomic():
            keys = list(rest.values_list("pk", flat=True)[:BATCH])
            apply(rows.model._default_manager.filter(pk__in=keys))
        total += len(keys)
        if not keys or stopping.is_set():
            return total
        rest = rest.filter(pk__gt=keys[-1])
        time.sleep(BREATH_SECONDS)


def delete(rows: QuerySet[Any]) -> int:
    """Delete rows and what hangs on them."""
    return rows.delete()[0]
