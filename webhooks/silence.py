"""Integrations that went quiet: messages came nearly every day, and then none. Two queries over the counts."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Final

from durable.models import State
from integrations.models import SentryIntegration
from webhooks.models import HourlyCount
from webhooks.rollups import EVER, Count

QUIET_FOR: Final = timedelta(days=3)
BEFORE: Final = timedelta(days=7)
BUSY_DAYS: Final = 6
"""Of the seven days up to the last message; an app that rests at weekends does not come so far."""


def quiet_since(
    living: Mapping[int, SentryIntegration], now: datetime
) -> Iterator[tuple[SentryIntegration, datetime]]:
    """Each integration that should hear from Sentry and no longer does, with the time of its last message."""
    last = dict(
        HourlyCount.objects.filter(
            integration__in=living, hour=EVER, name=Count.RECEIVED, label="", last_at__lte=now - QUIET_FOR
        ).values_list("integration_id", "last_at")
    )
    first = min(last.values(), default=now) - BEFORE
    hours = HourlyCount.objects.filter(integration__in=last, name=Count.RECEIVED, hour__gte=first)
    days: defaultdict[int, set[date]] = defaultdict(set)
    for pk, hour in hours.values_list("integration_id", "hour"):
        if hour > last[pk] - BEFORE:
            days[pk].add(hour.date())
    for pk, at in last.items():
        if len(days[pk]) >= BUSY_DAYS and _should_hear(living[pk]):
            yield living[pk], at


def _should_hear(integration: SentryIntegration) -> bool:
    """Whether nothing else says already why no message comes."""
    hook = integration.hook
    return (
        integration.is_active and not integration.installation.deleted_at
        and hook is not None and hook.confirmed_at is not None and hook.state != State.DEAD
    )  # fmt: skip
