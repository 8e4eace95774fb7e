"""Delivering: claim, POST and settle from PostgreSQL, beside the vendor's own SDK, which keeps events in memory."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import bodies, broker, received
from benchmarks.bench import Bench
from benchmarks.check import Lost, demand_each_once
from benchmarks.drain import inside
from benchmarks.mapping import RULES
from benchmarks.peers import environment
from benchmarks.processes import PYTHON
from benchmarks.product import Product, install
from benchmarks.results import Goal, Result, Spread, ratios
from integrations.mapping import translate
from integrations.payloads import Source, parse

SDK = "the Split SDK"
BURST = 10_000


@dataclass(frozen=True, slots=True)
class Delivered:
    """One run: events a second from first to last, CPU of the sender, seconds until the last had arrived."""

    per_second: float
    cpu_us: float
    last_seconds: float


def measure(bench: Bench) -> Iterator[Result]:
    """Throughput, CPU per event and the end of a burst, each side in turns."""
    folder = bench.folder / "deliver"
    port = bench.port(10)
    product = install(
        folder, bench.postgres.create("deliver"), bench.port(1), FME_EVENTS_URL=f"http://127.0.0.1:{port}/api",
        **broker.settings(bench.broker_url),
    )  # fmt: skip
    properties = folder / "properties.json"
    properties.write_text(json.dumps(dict(sample_properties())))
    with received.receiver(folder, port):
        count = 20_000 if bench.is_short else 100_000
        ours, theirs = [], []
        for _ in range(bench.rounds):
            ours.append(delivered(product, folder, count))
            theirs.append(sdk(product, folder, port, properties, count, "push"))
        yield from compared(ours, theirs)
        yield from burst(bench, product, folder, port, properties)


def compared(ours: list[Delivered], theirs: list[Delivered]) -> Iterator[Result]:
    """Both figures of steady pressure."""
    rate, other_rate = ([run.per_second for run in runs] for runs in (ours, theirs))
    cpu, other_cpu = ([run.cpu_us for run in runs] for runs in (ours, theirs))
    yield Result(
        "durable delivery: throughput", Spread.of(rate), "events/s", SDK, ratios(rate, other_rate), Goal("≥", 1.5),
        f"{SDK} under pressure: {Spread.of(other_rate)} events/s",
    )  # fmt: skip
    yield Result(
        "durable delivery: Python CPU per event", Spread.of(cpu), "µs", SDK, ratios(cpu, other_cpu), Goal("≤", 0.15),
        f"{SDK}: {Spread.of(other_cpu)} µs",
    )  # fmt: skip


def burst(bench: Bench, product: Product, folder: Path, port: int, properties: Path) -> Iterator[Result]:
    """From the first of 10,000 events to the last at the receiver: ours are stored, then workers are rung for."""
    rounds = 1 if bench.is_short else 3
    worker: list[str | Path] = [PYTHON, "manage.py", "drain", "--follow"]
    if bench.broker_url:
        worker = [PYTHON, "-m", "celery", "-A", "config", "worker", "--loglevel", "warning"]
    ours: list[float] = []
    with product.run(worker):
        time.sleep(5)  # until it listens
        for _ in range(rounds):
            run = inside(product, "benchmarks.deliver_outbox", str(BURST), "ring")
            posts = wait_for(folder, run["keys"])
            ours.append(posts[-1].at - run["started"])
    theirs = [sdk(product, folder, port, properties, BURST, "burst").last_seconds for _ in range(rounds)]
    yield Result(
        "the last of 10,000 burst events at the receiver", Spread.of(ours), "s", SDK, ratios(ours, theirs),
        Goal("≤", 0.05), f"{SDK}: {Spread.of(theirs)} s; woken by {'the broker' if bench.broker_url else 'polling'}",
    )  # fmt: skip


def delivered(product: Product, folder: Path, count: int) -> Delivered:
    """Ours, by one process; raises Lost unless every event arrived once and is settled."""
    run = inside(product, "benchmarks.deliver_outbox", str(count), "drain")
    posts = received.read(folder)
    demand_each_once(run["keys"], (event["key"] for post in posts for event in post.events), "the receiver")
    if run["pending"]:
        raise Lost(f"{run['pending']} events are still pending")
    return Delivered(count / run["seconds"], 1e6 * run["cpu"] / count, posts[-1].at - run["started"])


def sdk(product: Product, folder: Path, port: int, properties: Path, count: int, how: str) -> Delivered:
    """Theirs, by one process; raises Lost unless every event it took arrived."""
    program = ["benchmarks.peers.split_sdk", f"http://127.0.0.1:{port}", str(count), str(properties), how]
    run = inside(product, *program, python=environment.python())
    posts = received.read(folder)
    demand_each_once(run["keys"], (event["key"] for post in posts for event in post.events), "the receiver")
    last = posts[-1].at - run["started"]
    return Delivered(count / last, 1e6 * run["cpu"] / count, last)


def wait_for(folder: Path, keys: list[str], seconds: float = 60.0) -> list[received.Post]:
    """The POSTs that brought all of `keys`; raises Lost when they do not come."""
    posts: list[received.Post] = []
    end = time.monotonic() + seconds
    while sum(len(post.events) for post in posts) < len(keys) and time.monotonic() < end:
        time.sleep(0.5)
        posts += received.read(folder)
    demand_each_once(keys, (event["key"] for post in posts for event in post.events), "the receiver")
    return posts


def sample_properties() -> dict[str, object]:
    """The properties of one real exception, so that both sides send events of one size."""
    body = bodies.with_id_last(bodies.real(bodies.LONG), "a" * 32)
    return dict(translate(parse(body, Source.SERVICE_HOOK), RULES).events[0].properties)
