"""Draining the inbox: from stored messages to committed outbox rows, by the CPU time Python takes for it."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench
from benchmarks.check import Lost
from benchmarks.processes import PYTHON, ROOT
from benchmarks.product import Product, install
from benchmarks.results import Goal, Result, Spread


def measure(bench: Bench) -> Iterator[Result]:
    """PostgreSQL and SQLite, 20 KB, four events each."""
    count = 1_000 if bench.is_short else 5_000
    postgres = install(bench.folder / "drain-pg", bench.postgres.create("drain"), bench.port(1))
    sqlite = install(bench.folder / "drain-lite", f"sqlite:///{bench.folder}/drain.sqlite3", bench.port(1))
    runs = [(drained(postgres, count), drained(sqlite, count)) for _ in range(bench.rounds)]
    for number, (name, goal) in enumerate((("PostgreSQL", Goal("≥", 4_000)), ("SQLite", None))):
        rates = Spread.of([run[number]["messages"] / run[number]["cpu"] for run in runs])
        clock = Spread.of([run[number]["messages"] / run[number]["seconds"] for run in runs])
        note = f"{clock} a second by the clock, one process"
        yield Result(
            f"inbox drain, {name}: messages per second of Python CPU", rates, "1/s", goal=goal, note=note
        )


def drained(product: Product, count: int, size: int = 20_000) -> dict[str, Any]:
    """Fill and drain; raises Lost unless every message became four events."""
    run = inside(product, "benchmarks.drain_inbox", str(count), str(size))
    if run["messages"] != count or run["events"] != 4 * count or run["pending"]:
        raise Lost(f"{count} messages were to become {4 * count} events: {run}")
    return run


def inside(product: Product, module: str, *arguments: str, python: Path = PYTHON) -> dict[str, Any]:
    """Run one of our programs with the product's settings, on the server's processor; returns what it printed."""
    pinned = ["taskset", "--cpu-list", "1"] if (os.cpu_count() or 1) > 1 else []
    done = subprocess.run(
        [*pinned, python, "-m", module, *arguments], env=os.environ | product.settings, cwd=ROOT, check=True,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed
