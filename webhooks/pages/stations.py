"""The way from exception to track event in numbers: six stations, and what was lost at each."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, pairwise
from operator import sub
from urllib.parse import urlencode

from django.urls import reverse

from integrations.states import Status
from webhooks.pages.charts import band_floor, band_path
from webhooks.pages.counted import Counted, total
from webhooks.pages.filters import REACHED, STAGES
from webhooks.reasons import FORGED, REFUSALS, UNKNOWN_REFUSAL, is_fixable, reason_words
from webhooks.rollups import Count

MOST_DROPS = 4
WORDS = (*[*REACHED.values()][:-1], "Track events delivered")


@dataclass(frozen=True, slots=True)
class Drop:
    """What was lost at a station: how many, why, and where the messages are."""

    state: Status
    count: int
    address: str = ""
    """Empty for refused requests, which were not stored, and for a rest of several reasons."""
    advice: str = ""
    """What to do about a refusal."""


@dataclass(frozen=True, slots=True)
class Station:
    """One step of the way."""

    word: str
    count: int
    address: str
    band: str
    drops: tuple[Drop, ...]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Links to the messages and track events behind a number."""

    integration: int
    since: datetime
    until: datetime

    def of(self, page: str = "messages", **query: str) -> str:
        """The page with this filter, for exactly the counted hours."""
        ends = {"from": f"{self.since:%Y-%m-%dT%H:%M}+00:00", "to": f"{self.until:%Y-%m-%dT%H:%M}+00:00"}
        return f"{reverse(page)}?{urlencode({'integration': self.integration, 'range': 'custom', **ends, **query})}"


@dataclass(frozen=True, slots=True)
class Sums:
    """What was counted along the way; `dropped` by reason and subject, for each stage that drops messages."""

    received: int
    unverified: int
    refused: Counter[str]
    dropped: tuple[Counter[tuple[str, str]], ...]
    made: int
    sent: int
    dead: int

    @classmethod
    def of(cls, rows: Sequence[Counted]) -> "Sums":
        """Add up the hours."""
        dropped: Counter[tuple[str, str]] = Counter()
        for row in rows:
            if row.name == Count.DROPPED:
                dropped[(row.parts[0], row.parts[1] if len(row.parts) > 1 else "")] += row.count
        by_stage = (
            Counter({key: count for key, count in dropped.items() if key[0] in reasons})
            for reasons in STAGES.values()
        )
        return cls(
            received=total(rows, Count.RECEIVED),
            unverified=total(rows, Count.UNVERIFIED),
            refused=refused_of(rows),
            dropped=tuple(by_stage),
            made=total(rows, Count.EVENT),
            sent=total(rows, Count.DELIVERED),
            dead=total(rows, Count.DEAD),
        )

    @property
    def messages(self) -> list[int]:
        """How many came to each station that counts messages. What was refused is none: it was not stored."""
        losses = (self.unverified, *(stage.total() for stage in self.dropped[:-1]))
        return list(accumulate(losses, sub, initial=self.received + self.unverified))

    @property
    def shares(self) -> list[float]:
        """The part of all that came to each station; at the last one, of the track events."""
        first, *_, last = messages = self.messages
        shares = [count / first if first else 0.0 for count in messages]
        delivered = min(self.sent / self.made, 1) if self.made else 0.0 if last else 1.0
        return [*shares, shares[-1] * delivered]


def stations_of(rows: Sequence[Counted], address: Addresses) -> tuple[tuple[Station, ...], float]:
    """The six stations, and where the scale of their band begins."""
    sums = Sums.of(rows)
    floor = band_floor(sums.shares)
    heights = [max(0.0, (share - floor) / (1 - floor)) for share in sums.shares]
    bands = [band_path(before, here) for before, here in pairwise([heights[0], *heights])]
    links = (
        *(address.of(stage=stage) for stage in [*REACHED][:-1]),
        address.of("events", event_state="done"),
    )
    facts = zip(WORDS, [*sums.messages, sums.sent], links, bands, _drops(sums, address), strict=True)
    return tuple(Station(*fact) for fact in facts), floor


def _drops(sums: Sums, address: Addresses) -> Iterator[tuple[Drop, ...]]:
    yield tuple(_refused(sums.refused))
    yield _lost(sums.unverified, Status("bad", "x", reason_words(FORGED)), address.of(reason=FORGED))
    *stages, tests = sums.dropped
    yield from (_reasons(stage, address) for stage in stages)
    waiting = max(sums.made - sums.sent - sums.dead, 0)
    yield (
        *_lost(waiting, Status("info", "clock", "waiting"), address.of("events", event_state="pending")),
        *_lost(sums.dead, Status("bad", "x", "failed"), address.of("events", event_state="dead")),
        *_reasons(tests, address),
    )


def refused_of(rows: Sequence[Counted]) -> Counter[str]:
    """Requests that were not stored, by the label of their outcome."""
    refused: Counter[str] = Counter()
    for row in rows:
        if row.name == Count.REFUSED:
            refused[row.parts[0]] += row.count
    return refused


def _refused(refused: Counter[str]) -> Iterator[Drop]:
    for label, count in refused.most_common():
        why = REFUSALS.get(label, UNKNOWN_REFUSAL)
        yield Drop(Status("bad", "x", why.words), count, advice=why.advice)


def _lost(count: int, state: Status, link: str) -> tuple[Drop, ...]:
    return (Drop(state, count, link),) if count > 0 else ()


def _reasons(stage: Counter[tuple[str, str]], address: Addresses) -> tuple[Drop, ...]:
    """The most frequent reasons of one station, each with what it is about; the rest of a reason in one line."""
    drops = []
    for (reason, subject), count in stage.most_common(MOST_DROPS):
        if count <= 0:
            continue
        fixable = is_fixable(reason)
        state = Status(
            "warn" if fixable else "", "alert" if fixable else "skip", reason_words(reason, subject)
        )
        query = {"reason": reason, "state": "dropped"} | ({"subject": subject} if subject else {})
        drops.append(Drop(state, count, address.of(**query)))
    if (rest := stage.total() - sum(drop.count for drop in drops)) > 0:
        drops.append(Drop(Status("", "skip", "for other reasons"), rest))
    return tuple(drops)
