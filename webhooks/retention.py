"""Retention: bodies go before facts, in small batches; what still waits, is dead, or has undelivered events stays."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from integrations.models import SentryIntegration
from webhooks.models import DeliveryAttempt, HourlyCount, InboxMessage, OutboxEvent
from webhooks.rollups import EVER

BATCH = 500
BREATH_SECONDS = 0.02
"""Between two batches, so that retention never stands in the way of a webhook."""


def prune() -> dict[str, int]:
    """Remove what is older than its retention; returns how many of each went."""
    now = timezone.now()
    facts_end = now - timedelta(days=settings.RETENTION_DAYS)
    bodies_end = now - timedelta(days=settings.PAYLOAD_RETENTION_DAYS)
    attempts = DeliveryAttempt.objects.filter(started_at__lt=facts_end).exclude(outcome="open")
    return {
        "bodies": in_batches(finished(bodies_end).exclude(body=None), lambda rows: rows.update(body=None)),
        "messages": in_batches(finished(facts_end), delete),
        "attempts": in_batches(attempts, delete),
        "counts": in_batches(HourlyCount.objects.filter(hour__lt=facts_end).exclude(hour=EVER), delete),
        "integrations": in_batches(
            SentryIntegration.objects.filter(deleted_at__lt=facts_end, messages=None), delete
        ),
    }


def finished(before: datetime) -> QuerySet[InboxMessage]:
    """Messages received before that date with nothing left to do: done, and every event delivered."""
    undelivered = OutboxEvent.objects.filter(message=OuterRef("pk")).exclude(state="done")
    return InboxMessage.objects.filter(received_at__lt=before, state="done").exclude(Exists(undelivered))


def in_batches(rows: QuerySet[Any], apply: Callable[[QuerySet[Any]], int]) -> int:
    """Apply to `rows` a batch at a time, each in a transaction of its own; returns how many rows that were.

    The rows are locked, so that one that is replayed this moment is not removed; and each batch begins where the
    last one ended, so that what stays is not read again and again.
    """
    total = 0
    rest = rows.order_by("pk")
    if connection.features.has_select_for_update_skip_locked:
        rest = rest.select_for_update(skip_locked=True, of=("self",))
    while True:
        with transaction.atomic():
            keys = list(rest.values_list("pk", flat=True)[:BATCH])
            apply(rows.model._default_manager.filter(pk__in=keys))
        if not keys:
            return total
        total += len(keys)
        rest = rest.filter(pk__gt=keys[-1])
        time.sleep(BREATH_SECONDS)


def delete(rows: QuerySet[Any]) -> int:
    """Delete rows and what hangs on them."""
    return rows.delete()[0]
