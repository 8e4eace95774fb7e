"""The Prometheus page: what the rows say of all processes together, but for the spool, which is of this host."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Count, Min, Sum
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from durable.models import DurableRow, Heartbeat
from integrations.models import Discard, Environment, ServiceHook
from webhooks.models import Delivery, DeliveryAttempt, InboxMessage, Notice, ReplayOrder
from webhooks.spool import spool
from webhooks.totals import DUPLICATES, REQUESTS, SET_ASIDE, totals

CONTENT_TYPE = CONTENT_TYPE_LATEST

Outcome = DeliveryAttempt.Outcome

QUEUES: dict[str, type[DurableRow]] = {
    "inbox": InboxMessage,
    "outbox": Delivery,
    "hooks": ServiceHook,
    "replays": ReplayOrder,
    "discards": Discard,
    "notices": Notice,
}
"""Whose rows somebody has to look at when they are dead."""

database_up = Gauge("database_up", "Whether the database answered this scrape")


class Rows(Collector):
    """Gauges read from the database at scrape time; every query walks a partial index, not the history."""

    def describe(self) -> list[Any]:
        return []  # nothing is read when the collector is registered

    def collect(self) -> Iterator[GaugeMetricFamily]:
        backlog = GaugeMetricFamily(
            "queue_pending", "Messages, track events and notices that wait", labels=["queue"]
        )
        age = GaugeMetricFamily(
            "queue_oldest_seconds", "How long the oldest due row has been due", labels=["queue"]
        )
        now = timezone.now()
        for name, rows, counted in (
            ("inbox", InboxMessage.objects.all(), Count("pk")),
            ("outbox", Delivery.objects.all(), Sum("event_count")),
            ("notices", Notice.objects.all(), Count("pk")),
        ):
            facts = rows.filter(state="pending").aggregate(count=counted, oldest=Min("due_at"))
            backlog.add_metric([name], facts["count"] or 0)
            age.add_metric(
                [name], max(0.0, (now - facts["oldest"]).total_seconds()) if facts["oldest"] else 0.0
            )
        yield backlog
        yield age
        dead = GaugeMetricFamily("queue_dead", "Rows that can never succeed as they are", labels=["queue"])
        for name, model in QUEUES.items():
            dead.add_metric([name], model._default_manager.filter(state="dead").count())
        yield dead
        yield GaugeMetricFamily(
            "environments_held",
            "Environments whose delivery is held",
            Environment.objects.exclude(hold_reason="").count(),
        )
        ambiguous = DeliveryAttempt.objects.filter(outcome=Outcome.AMBIGUOUS).count()
        yield GaugeMetricFamily(
            "attempts_ambiguous", "Attempts of which nobody knows whether FME accepted them", ambiguous
        )
        silence = GaugeMetricFamily(
            "drain_silence_seconds", "Since a drain last looked for work", labels=["drain"]
        )
        for beat in Heartbeat.objects.all():
            silence.add_metric([beat.drain], (now - beat.at).total_seconds())
        yield silence


class Spooled(Collector):
    """What waits on this host's disk: to be seen above all while the database is away."""

    def describe(self) -> list[Any]:
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        files, size = spool.sizes()
        yield GaugeMetricFamily("spool_files", "Requests on disk", files)
        yield GaugeMetricFamily("spool_bytes", "Bytes on disk", size)


class Totals(Collector):
    """Counters of all web processes together."""

    def describe(self) -> list[Any]:
        return []

    def collect(self) -> Iterator[CounterMetricFamily]:
        known = totals()
        requests = CounterMetricFamily("webhook_requests", "Webhook requests by outcome", labels=["outcome"])
        for name, label in sorted(known):
            if name == REQUESTS:
                requests.add_metric([label], known[name, label])
        yield requests
        yield CounterMetricFamily(
            "webhook_duplicates", "Messages that were stored already", known[DUPLICATES, ""]
        )
        yield CounterMetricFamily(
            "spool_set_aside",
            "Spooled files that could not be read and were set aside",
            known[SET_ASIDE, ""],
        )


REGISTRY.register(Spooled())
STORED = CollectorRegistry()
STORED.register(Rows())
STORED.register(Totals())


def of_host() -> bytes:
    """What can be told without the database."""
    return generate_latest(REGISTRY)


def of_database() -> bytes:
    """What the database tells; raises what it raises."""
    return generate_latest(STORED)
