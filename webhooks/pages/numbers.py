"""Numbers of integrations from the hourly counts: for lists all at once, in a constant number of queries."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Sum
from django.utils import timezone

from durable.models import State
from integrations.models import SentryIntegration
from webhooks.models import HourlyCount, InboxMessage, OutboxEvent, Problem
from webhooks.pages.charts import spark_path
from webhooks.rollups import EVER, Count, hour_of

MOST_WAITING = 1000
"""Waiting events that are counted one by one; above that the hourly counts tell how many."""


@dataclass(slots=True)
class Numbers:
    """One integration: when something last came and went, what waits, and its last 24 hours."""

    last_received_at: datetime | None = None
    last_delivered_at: datetime | None = None
    waiting: int = 0
    received: list[int] = field(default_factory=lambda: [0] * 24)
    lost: list[int] = field(default_factory=lambda: [0] * 24)
    delivered: int = 0
    problem: Problem | None = None
    """The open problem that was seen last."""

    @property
    def spark(self) -> str:
        """Exceptions per hour."""
        return spark_path(self.received)

    @property
    def spark_lost(self) -> str:
        """What was dropped of them, on the same scale."""
        return spark_path(self.lost, max(self.received, default=0))

    @property
    def total(self) -> int:
        """Messages of the last 24 hours."""
        return sum(self.received)


@dataclass(frozen=True, slots=True)
class ListNumbers:
    """The numbers of each integration by id, and their totals."""

    by_id: dict[int, Numbers]

    @property
    def received(self) -> int:
        """Messages of the last 24 hours."""
        return sum(each.total for each in self.by_id.values())

    @property
    def delivered(self) -> int:
        """Track events delivered of the messages of the last 24 hours."""
        return sum(each.delivered for each in self.by_id.values())

    @property
    def waiting(self) -> int:
        """Messages and track events on their way."""
        return sum(each.waiting for each in self.by_id.values())


def list_numbers(integrations: Sequence[SentryIntegration]) -> ListNumbers:
    """The numbers of `integrations`: six queries, however many there are."""
    found = {integration.pk: Numbers() for integration in integrations}
    ever = HourlyCount.objects.filter(
        integration__in=found, hour=EVER, name__in=(Count.RECEIVED, Count.DELIVERED)
    ).order_by("last_at")  # of Sentry's and of test exceptions, the last
    for integration, name, at in ever.values_list("integration_id", "name", "last_at"):
        setattr(found[integration], f"last_{name}_at", at)
    first = hour_of(timezone.now()) - timedelta(hours=23)
    rows = (
        HourlyCount.objects.filter(
            integration__in=found, hour__gte=first, name__in=(Count.RECEIVED, Count.DROPPED, Count.DELIVERED)
        )
        .values_list("integration_id", "name", "hour")
        .annotate(total=Sum("count"))
    )
    for integration, name, hour, total in rows:
        slot = int((hour - first).total_seconds() // 3600)
        if not 0 <= slot < 24:
            continue
        numbers = found[integration]
        if name == Count.DELIVERED:
            numbers.delivered += total
        else:
            (numbers.received if name == Count.RECEIVED else numbers.lost)[slot] += total
    for integration, waiting in waiting_by_integration(list(found)).items():
        found[integration].waiting = waiting
    for problem in Problem.objects.open().filter(integration__in=found).order_by("last_seen_at", "pk"):
        found[problem.integration_id].problem = problem
    return ListNumbers(found)


def waiting_by_integration(integrations: Sequence[int]) -> dict[int, int]:
    """Track events and messages that wait; exact up to MOST_WAITING in all, from the counts beyond."""
    events = OutboxEvent.objects.filter(delivery__state=State.PENDING).order_by(
        "delivery__environment_id", "delivery__due_at", "delivery_id"
    )
    of_events = list(events.values_list("message__integration_id", flat=True)[: MOST_WAITING + 1])
    messages = InboxMessage.objects.filter(state=State.PENDING).order_by("due_at", "pk")
    of_messages = list(messages.values_list("integration_id", flat=True)[: MOST_WAITING + 1])
    totals: defaultdict[int, int] = defaultdict(int)
    if len(of_events) > MOST_WAITING:
        totals.update(_waiting_by_counts(integrations))
    else:
        for integration in of_events:
            totals[integration] += 1
    for integration in of_messages:
        totals[integration] += 1
    return {integration: totals[integration] for integration in integrations}


def _waiting_by_counts(integrations: Sequence[int]) -> dict[int, int]:
    """Made, less delivered, less given up, in all the time that is counted."""
    waiting: defaultdict[int, int] = defaultdict(int)
    rows = HourlyCount.objects.filter(integration__in=integrations, hour=EVER)
    for integration, name, count in rows.values_list("integration_id", "name", "count"):
        if name == Count.EVENT:
            waiting[integration] += count
        elif name in (Count.DELIVERED, Count.DEAD):
            waiting[integration] -= count
    return {integration: max(0, count) for integration, count in waiting.items()}
