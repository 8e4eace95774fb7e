"""The time a page looks at: a preset or exact ends, read from the address."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from django.http import QueryDict
from django.utils import timezone

PRESETS = {
    "1h": ("1 hour", timedelta(hours=1)),
    "24h": ("24 hours", timedelta(hours=24)),
    "7d": ("7 days", timedelta(days=7)),
}
CUSTOM = "custom"

EARLIEST, LATEST = datetime(1971, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""What is beyond is taken for these: days are added to and taken from what is asked for."""


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` (included) to `until` (not included); None where it is open. `name` is the preset."""

    name: str
    since: datetime | None = None
    until: datetime | None = None

    @property
    def words(self) -> str:
        """For a caption: "the last 24 hours"."""
        return (
            f"the last {PRESETS[self.name][0]}"
            if self.name in PRESETS
            else "the chosen time"
            if self.name
            else "all time"
        )


def span_of(query: QueryDict, *, default: str = "", zone: tzinfo = UTC) -> Span:
    """Read `range`, `from` and `to`; exact ends without a zone are in the reader's."""
    name = query.get("range", "") or (CUSTOM if query.get("from") or query.get("to") else default)
    if name in PRESETS:
        return Span(name, since=timezone.now() - PRESETS[name][1])
    if name == CUSTOM:
        return Span(CUSTOM, moment_of(query.get("from", ""), zone), moment_of(query.get("to", ""), zone))
    return Span("")


def moment_of(text: str, zone: tzinfo) -> datetime | None:
    """A date and time as a browser's field writes it; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        moment = (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        return EARLIEST if found.year < EARLIEST.year else LATEST
    return min(max(moment, EARLIEST), LATEST)
