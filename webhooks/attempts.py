"""Which POSTs to FME carried given events."""

from collections.abc import Collection

from django.utils import timezone

from webhooks.models import DeliveryAttempt, OutboxEvent

MOST_READ = 1000
"""Attempts looked at. An attempt names a thousand events in one list, so they are read along the time axis."""


def attempts_with(events: Collection[OutboxEvent]) -> list[DeliveryAttempt]:
    """The attempts that carried any of `events` (with their messages at hand), oldest first; one query."""
    if not events:
        return []
    wanted = {event.pk for event in events}
    delivered = [event.delivered_at for event in events]
    until = timezone.now() if None in delivered else max(filter(None, delivered))
    attempts = DeliveryAttempt.objects.filter(
        environment__in={event.environment_id for event in events},
        started_at__gte=min(event.message.received_at for event in events),
        started_at__lte=until,
    ).order_by("started_at")
    return [attempt for attempt in attempts[:MOST_READ] if wanted.intersection(attempt.event_ids)]
