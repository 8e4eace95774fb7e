"""The Prometheus page: what this process counted, and what the rows say of all processes together."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from durable.models import Heartbeat
from integrations.models import Environment, ServiceHook
from webhooks.models import DeliveryAttempt, InboxMessage, OutboxEvent
from webhooks.spool import spool

CONTENT_TYPE = CONTENT_TYPE_LATEST

Outcome = DeliveryAttempt.Outcome


class Rows(Collector):
    """Gauges read from the database at scrape time; every query walks a partial index, not the history."""

    def describe(self) -> list[Any]:
        return []  # nothing is read when the collector is registered

    def collect(self) -> Iterator[GaugeMetricFamily]:
        pending = {"inbox": InboxMessage.objects, "outbox": OutboxEvent.objects}
        backlog = GaugeMetricFamily("queue_pending", "Rows that wait", labels=["queue"])
        age = GaugeMetricFamily(
            "queue_oldest_seconds", "How long the oldest due row has been due", labels=["queue"]
        )
        now = timezone.now()
        for name, rows in pending.items():
            facts = rows.filter(state="pending").aggregate(count=Count("pk"), oldest=Min("due_at"))
            backlog.add_metric([name], facts["count"])
            age.add_metric(
                [name], max(0.0, (now - facts["oldest"]).total_seconds()) if facts["oldest"] else 0.0
            )
        yield backlog
        yield age
        dead = GaugeMetricFamily("queue_dead", "Rows that can never succeed as they are", labels=["queue"])
        dead.add_metric(["inbox"], InboxMessage.objects.filter(state="dead").count())
        dead.add_metric(["outbox"], OutboxEvent.objects.filter(state="dead").count())
        dead.add_metric(["hooks"], ServiceHook.objects.filter(state="dead").count())
        yield dead
        yield GaugeMetricFamily(
            "environments_held",
            "Environments whose delivery is held",
            Environment.objects.exclude(hold_reason="").count(),
        )
        ambiguous = DeliveryAttempt.objects.filter(outcome=Outcome.AMBIGUOUS).count()
        yield GaugeMetricFamily("attempts_ambiguous", "Attempts whose answer was never seen", ambiguous)
        files, size = spool.sizes()
        yield GaugeMetricFamily("spool_files", "Requests on disk", files)
        yield GaugeMetricFamily("spool_bytes", "Bytes on disk", size)
        silence = GaugeMetricFamily(
            "drain_silence_seconds", "Since a drain last looked for work", labels=["drain"]
        )
        for beat in Heartbeat.objects.all():
            silence.add_metric([beat.drain], (now - beat.at).total_seconds())
        yield silence


REGISTRY.register(Rows())


def page() -> bytes:
    """The exposition text."""
    return generate_latest(REGISTRY)
