"""What a growing table costs: claims and inserts at a million rows against ten thousand, and a drain's last batches.

PostgreSQL is judged by buffers, which the load of the machine does not change; SQLite, which tells none, by time.
"""

from collections.abc import Iterator

from benchmarks import received
from benchmarks.bench import Bench
from benchmarks.drain import inside
from benchmarks.latency import receiver_settings
from benchmarks.product import Product, install
from benchmarks.results import Goal, Result, Spread, ratios

SMALL, THOUSAND = 10_000, 1_000


def measure(bench: Bench) -> Iterator[Result]:
    """Both databases."""
    yield from compared(bench, "PostgreSQL", "buffers", claims=Goal("≤", 1.1), inserts=Goal("≤", 1.2))
    yield from compared(bench, "SQLite", "ms", claims=Goal("≤", 1.3), inserts=None)
    yield from long_drain(bench)


def compared(bench: Bench, name: str, unit: str, *, claims: Goal, inserts: Goal | None) -> Iterator[Result]:
    """A small and a large database of one kind, in turns: first a backlog of everything, then a history."""
    large = 100_000 if bench.is_short else 1_000_000
    sides = [grown(bench, name, size) for size in (SMALL, large)]
    for kind in ("backlog", "history"):
        if kind == "history":
            for side in sides:
                inside(side, "benchmarks.grow", "settle")
        rounds = [[inside(side, "benchmarks.grow", "costs") for side in sides] for _ in range(bench.rounds)]
        for what in rounds[0][0]:
            early, late = ([turn[side][what] for turn in rounds] for side in range(len(sides)))
            goal = inserts if what == "insert" else claims
            yield Result(
                f"{name}: {what}, {kind} at {large:,} rows", Spread.of(late), unit, f"at {SMALL:,}",
                ratios(late, early), goal,
            )  # fmt: skip


def grown(bench: Bench, name: str, size: int) -> Product:
    """A database with `size` rows of each kind, all of which wait."""
    called = f"growth_{size}"
    url = (
        bench.postgres.create(called)
        if name == "PostgreSQL"
        else f"sqlite:///{bench.folder}/{called}.sqlite3"
    )
    product = install(bench.folder / f"{name}-{called}", url, bench.port(1))
    inside(product, "benchmarks.grow", str(size))
    return product


def long_drain(bench: Bench) -> Iterator[Result]:
    """100,000 events in batches of a thousand; autovacuum as the product sets it."""
    count = 40 * THOUSAND if bench.is_short else 100 * THOUSAND
    product = install(
        bench.folder / "long", bench.postgres.create("long"), bench.port(1), **receiver_settings(bench)
    )
    with received.receiver(product.folder, bench.port(10)):
        runs = [
            inside(product, "benchmarks.deliver_outbox_times", str(count))
            for _ in range(1 if bench.is_short else 3)
        ]
    first, last = ([sum(run["seconds"][part]) for run in runs] for part in (slice(0, 20), slice(-20, None)))
    yield Result(
        f"delivery of {count:,}: the last 20 batches", Spread.of([1000 * value / 20 for value in last]), "ms a batch",
        "the first 20", Spread.of([late / early for early, late in zip(first, last, strict=True)]), Goal("≤", 1.3),
    )  # fmt: skip
