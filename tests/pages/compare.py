"""Every page at two sizes of the database, side by side."""

from dataclasses import dataclass

from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import Client

from integrations.admin.parts import BoundedPaginator
from tests.pages.clicks import Click, clicks
from tests.pages.cost import Cost, measured
from tests.pages.history import History, fill
from webhooks.pages import log

PER_ROW = {"postgresql": 1, "sqlite": 20}
"""What reading one more row may cost in the unit of `Cost.reads`; a scan takes three steps a row and more."""

Costs = dict[str, tuple[Click, Cost]]
"""By name of the page."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One page, with its costs.

    It may read so much more of the large database as fills what was not full in the small one: a window, with five
    rows for each message in it, or a bounded count. What was empty asked for nothing more.
    """

    click: Click
    small: Cost
    large: Cost

    @property
    def name(self) -> str:
        """What was opened."""
        return self.click.name

    @property
    def grew(self) -> bool:
        """Whether it reads more, or asks more often, than a page whose parts were not full yet may."""
        bound = 5 * log.WINDOW + (3 * BoundedPaginator.most_counted if self.click.counts else 0)
        allowed = 1.25 * self.small.reads + bound * PER_ROW[connection.vendor]
        return self.large.reads > allowed or self.large.queries > self.small.queries + 5


def compare(small: int, large: int) -> list[Pair]:
    """Fill an empty database, click and empty it again, once for each size."""
    before, after = costs_at(small), costs_at(large)
    return pairs_of(before, after)


def pairs_of(before: Costs, after: Costs) -> list[Pair]:
    """The same pages side by side."""
    return [Pair(click, before[name][1], cost) for name, (click, cost) in after.items()]


def costs_at(count: int) -> Costs:
    """What each page costs with `count` messages, after what a database does by itself in quiet hours."""
    history = fill(count)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    try:
        return costs_of(history)
    finally:
        call_command("flush", interactive=False, verbosity=0)


def costs_of(history: History) -> Costs:
    """What each page costs now."""
    return {click.name: (click, cost_of(click)) for click in clicks(history)}


def cost_of(click: Click) -> Cost:
    """Open it as somebody who is logged in, with nothing remembered of the pages before."""
    client = Client()
    client.force_login(click.person, backend="django.contrib.auth.backends.ModelBackend")
    cache.clear()
    with measured() as cost:
        answer = client.get(click.address)
    assert answer.status_code in (200, 204), click
    return cost


def table(pairs: list[Pair], sizes: tuple[int, int]) -> str:
    """In Markdown, the dearest pages first."""
    unit = "rows" if connection.vendor == "postgresql" else "steps"
    small, large = (f"{size:,}" for size in sizes)
    head = f"| page | queries | {unit} at {small} | {unit} at {large} | ratio | buffers at {small} | at {large} |"
    lines = [head, "|---|---|---|---|---|---|---|"]
    for pair in sorted(pairs, key=lambda pair: -pair.large.reads):
        ratio = pair.large.reads / max(pair.small.reads, 1)
        cells = (
            pair.name, f"{pair.large.queries}", f"{pair.small.reads:,}", f"{pair.large.reads:,}", f"{ratio:.2f}",
            f"{pair.small.buffers:,}", f"{pair.large.buffers:,}",
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
