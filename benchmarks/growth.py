"""What a growing table costs: claims and inserts at a million rows against ten thousand, and a drain's last batches.

PostgreSQL is judged by buffers, which the load of the machine does not change; SQLite, which tells none, by time.
"""

from collections.abc import Iterator

from benchmarks import received
from benchmarks.bench import Bench
from benchmarks.drain import inside
from benchmarks.latency import receiver_settings
from benchmarks.product import install
from benchmarks.results import Goal, Result, Spread

SMALL, THOUSAND = 10_000, 1_000


def measure(bench: Bench) -> Iterator[Result]:
    """Both databases."""
    large = 100_000 if bench.is_short else 1_000_000
    sides = {
        "PostgreSQL": (bench.postgres.create("growth"), "buffers", 1.1, 1.2),
        "SQLite": (f"sqlite:///{bench.folder}/growth.sqlite3", "ms", 1.3, None),
    }
    for name, (url, unit, claim_bound, insert_bound) in sides.items():
        product = install(bench.folder / f"growth-{name}", url, bench.port(1))
        found = inside(product, "benchmarks.grow", str(SMALL), str(large))
        for what, costs in found.items():
            bound = insert_bound if what == "insert" else claim_bound
            yield Result(
                f"{name}: {what} at {large:,} rows", Spread.of([costs[1]]), unit, f"at {SMALL:,}",
                Spread.of([costs[1] / costs[0]]), Goal("≤", bound) if bound else None,
            )  # fmt: skip
    yield from long_drain(bench)


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
