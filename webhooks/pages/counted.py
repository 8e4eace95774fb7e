"""The hourly counts of one integration as pages read them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from webhooks.models import HourlyCount
from webhooks.rollups import BETWEEN, EVER, Count


@dataclass(frozen=True, slots=True)
class Counted:
    """One row of the hourly counts."""

    hour: datetime
    name: str
    parts: tuple[str, ...]
    count: int


def counted(integration: int, since: datetime, until: datetime, *, with_types: bool) -> list[Counted]:
    """The hourly counts of a time; those of event types, which are most of them, only when asked for."""
    names = [
        Count.RECEIVED, Count.UNVERIFIED, Count.REFUSED, Count.DROPPED, Count.EVENT, Count.DELIVERED, Count.DEAD,
        Count.LATENCY, Count.MATCHED, Count.SKIPPED, *([Count.TYPE] if with_types else []),
    ]  # fmt: skip
    rows = HourlyCount.objects.filter(
        integration=integration, name__in=names, hour__gte=since, hour__lt=until
    )
    return [
        Counted(hour, name, tuple(label.split(BETWEEN)), count)
        for hour, name, label, count in rows.exclude(hour=EVER).values_list("hour", "name", "label", "count")
    ]


def total(rows: Iterable[Counted], name: Count) -> int:
    """How often in all."""
    return sum(row.count for row in rows if row.name == name)
