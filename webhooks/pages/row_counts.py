"""How much came through each row of a mapping in a chosen time, from the hourly counts."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from integrations.models import SentryIntegration
from webhooks.pages.counted import Counted
from webhooks.pages.stations import Addresses
from webhooks.problem_words import BY_PATH
from webhooks.rollups import Count


@dataclass(frozen=True, slots=True)
class RowCount:
    """One row: messages of its Sentry environment, or track events of its traffic type; and where they are."""

    count: int
    address: str
    without_key: int = 0
    """Messages in which nothing usable stood at the row's path."""


@dataclass(frozen=True, slots=True)
class RowCounts:
    """The counts of all rows, by what stands in them."""

    by_environment: dict[str, RowCount]
    by_path: dict[tuple[str, str], RowCount]


def row_counts(integration: SentryIntegration, rows: Iterable[Counted], address: Addresses) -> RowCounts:
    """Add up what belongs to each row of the mapping as it is now.

    Two paths to one traffic type share its count: a track event does not say which row it came from.
    """
    came: Counter[str] = Counter()
    made: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for row in rows:
        if row.name == Count.MATCHED:
            came[row.parts[0]] += row.count
        elif row.name == Count.EVENT and len(row.parts) > 1:
            made[row.parts[1]] += row.count
        elif row.name == Count.SKIPPED and row.parts[0] in BY_PATH and len(row.parts) > 1:
            missed[row.parts[1]] += row.count
    environments = (row.sentry_environment for row in integration.environment_mappings.all())
    identities = ((row.path, row.traffic_type.name) for row in integration.identity_mappings.all())
    return RowCounts(
        {name: RowCount(came[name], address.of(environment=name)) for name in environments},
        {
            (path, kind): RowCount(made[kind], address.of("events", traffic_type=kind), missed[path])
            for path, kind in identities
        },
    )
