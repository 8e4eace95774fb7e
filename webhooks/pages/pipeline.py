"""An integration's numbers for a chosen time: the way from exception to track event, and the chart over it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from django.http import QueryDict
from django.utils import timezone

from integrations.models import Environment, SentryIntegration
from webhooks.pages.charts import Plot, Series, plot
from webhooks.pages.counted import Counted, counted, total
from webhooks.pages.numbers import Numbers, list_numbers
from webhooks.pages.row_counts import RowCounts, row_counts
from webhooks.pages.stations import Addresses, Drop, Station, stations_of
from webhooks.rollups import LATENCY_SECONDS, Count, hour_of
from webhooks.spans import Span, span_of
from webhooks.testing import UNMAPPED

SPLITS = {"place": "By environment and traffic type", "type": "By event type"}
MOST_SERIES = 3
LONGEST = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Unmapped:
    """The environment most messages were dropped for."""

    name: str
    count: int
    first_at: datetime
    is_mapped: bool
    """Whether a row maps it by now, so that what came before can be replayed."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the numbers' part of an integration's page shows."""

    span: Span
    since: datetime
    until: datetime
    numbers: Numbers
    stations: tuple[Station, ...]
    floor_percent: int
    events_made: int
    messages_made: int
    latency: tuple[str, str]
    unmapped: Unmapped | None
    split: str
    chart: Plot
    slots: tuple[datetime, ...]
    slot_hours: int
    table: tuple[tuple[datetime, tuple[int, ...]], ...]
    log_address: str
    rows: RowCounts

    @property
    def refused(self) -> tuple[Drop, ...]:
        """Requests that are in no log, with what to do about them."""
        return tuple(drop for station in self.stations for drop in station.drops if drop.advice)

    @property
    def labels(self) -> tuple[datetime, ...]:
        """The times under the chart: at most five, evenly spread."""
        step = max(1, len(self.slots) // 4)
        return self.slots[::step][:5]


def overview_of(integration: SentryIntegration, query: QueryDict, zone: tzinfo) -> Overview:
    """Read and arrange the numbers: nine queries, none of them over messages or track events by the row."""
    span = span_of(query, default="24h", zone=zone)
    since, until = bounds(span)
    split = query.get("split", "place") if query.get("split") in SPLITS else "place"
    rows = counted(integration.pk, since, until, with_types=split == "type")
    numbers = list_numbers([integration]).by_id[integration.pk]
    address = Addresses(integration.pk, since, until)
    stations, floor = stations_of(rows, address)
    slots, hours = slots_of(since, until)
    chart = chart_of(rows, slots, hours, split=split)
    mapped = {row.sentry_environment for row in integration.environment_mappings.all()}
    received, dropped = total(rows, Count.RECEIVED), total(rows, Count.DROPPED)
    return Overview(
        span=span, since=since, until=until, numbers=numbers, stations=stations, floor_percent=round(floor * 100),
        events_made=total(rows, Count.EVENT), messages_made=received - dropped, latency=latency_of(rows),
        unmapped=unmapped_of(rows, mapped), split=split, chart=chart, slots=slots, slot_hours=hours,
        table=tuple(
            (slot, tuple(series.values[place] for series in (chart.line, *chart.bars)))
            for place, slot in enumerate(slots)
        ),
        log_address=address.of(state="dropped"), rows=row_counts(integration, rows, address),
    )  # fmt: skip


def bounds(span: Span) -> tuple[datetime, datetime]:
    """Whole hours: the counts know no finer ones."""
    now = timezone.now()
    until = min(span.until, now) if span.until else now
    since = span.since or until - timedelta(hours=24)
    since = max(since, until - LONGEST)
    return hour_of(min(since, until)), hour_of(until) + timedelta(hours=1)


def unmapped_of(rows: Iterable[Counted], mapped: Collection[str]) -> Unmapped | None:
    """The environment that most messages were dropped for, one that is still not `mapped` before all others.

    Not the one of tests, which is never to be mapped.
    """
    counts: Counter[str] = Counter()
    first: dict[str, datetime] = {}
    for row in rows:
        if row.name == Count.DROPPED and row.parts[0] == "environment_unmapped" and len(row.parts) > 1:
            counts[row.parts[1]] += row.count
            first[row.parts[1]] = min(row.hour, first.get(row.parts[1], row.hour))
    left = {name: count for name, count in counts.items() if name not in ("", UNMAPPED) and count > 0}
    name = max(left, key=lambda name: (name not in mapped, left[name]), default="")
    return Unmapped(name, left[name], first[name], name in mapped) if name else None


def latency_of(rows: Iterable[Counted]) -> tuple[str, str]:
    """The median and the 95th percentile of received to delivered, each as "under 2 s"; blank without any."""
    counts: Counter[str] = Counter()
    for row in rows:
        if row.name == Count.LATENCY:
            counts[row.parts[0]] += row.count
    return percentile(counts, 0.5), percentile(counts, 0.95)


def percentile(counts: Counter[str], share: float) -> str:
    """The upper end of the class in which `share` of all lies."""
    below, wanted = 0, counts.total() * share
    if not wanted:
        return ""
    for end in LATENCY_SECONDS:
        below += counts[str(end)]
        if below >= wanted:
            return f"{end} s" if end < 60 else f"{end // 60} min"
    return "more than an hour"


def slots_of(since: datetime, until: datetime) -> tuple[tuple[datetime, ...], int]:
    """The bars of the chart: of one hour up to two days, of six up to eight, of a day beyond."""
    length = until - since
    hours = 1 if length <= timedelta(hours=50) else 6 if length <= timedelta(days=8) else 24
    count = -(-int(length.total_seconds()) // (hours * 3600))
    return tuple(since + timedelta(hours=hours * place) for place in range(max(count, 1))), hours


def chart_of(rows: Sequence[Counted], slots: Sequence[datetime], hours: int, *, split: str) -> Plot:
    """Track events by place or by type, stacked, under the line of messages received."""
    name = Count.TYPE if split == "type" else Count.EVENT
    series: defaultdict[tuple[str, ...], list[int]] = defaultdict(lambda: [0] * len(slots))
    line = [0] * len(slots)
    for row in rows:
        slot = int((row.hour - slots[0]).total_seconds() // (3600 * hours))
        if not 0 <= slot < len(slots):
            continue
        if row.name == Count.RECEIVED:
            line[slot] += row.count
        elif row.name == name:
            series[row.parts if split == "place" else row.parts[:1]][slot] += row.count
    ranked = sorted(series.items(), key=lambda item: -sum(item[1]))
    if len(ranked) > MOST_SERIES:
        rest = [
            sum(values) for values in zip(*(values for _, values in ranked[MOST_SERIES - 1 :]), strict=True)
        ]
        ranked = [*ranked[: MOST_SERIES - 1], (("",), rest)]
    names = _names([parts for parts, _ in ranked], split)
    stacked = [Series(words, tuple(values)) for words, (_, values) in zip(names, ranked, strict=True)]
    return plot(stacked, Series("Messages received", tuple(line)))


def _names(labels: Sequence[tuple[str, ...]], split: str) -> list[str]:
    if split == "type":
        return [parts[0] or "Other event types" for parts in labels]
    ids = [int(parts[0]) for parts in labels if parts[0].isdecimal()]
    environments = dict(Environment.objects.filter(pk__in=ids).values_list("pk", "name"))
    return [
        f"{environments.get(int(parts[0]), 'Removed environment')}, {parts[1]}" if len(parts) > 1 else "Other"
        for parts in labels
    ]
