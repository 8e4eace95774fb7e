"""Memory of a web process and of a worker: after a minute of load, and after an hour."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks import bodies, broker, machine, received
from benchmarks.bench import Bench, Side, shoot
from benchmarks.latency import receiver_settings
from benchmarks.processes import PYTHON
from benchmarks.product import install
from benchmarks.results import Goal, Result, Spread

RATE = 50.0
MINUTE, SHORT_SECONDS = 60.0, 10.0


def measure(bench: Bench) -> Iterator[Result]:
    """Private memory at a steady rate that all parts bear, the drains included."""
    step, steps = (SHORT_SECONDS, 2) if bench.is_short else (MINUTE, 60)
    product = install(
        bench.folder / "memory", bench.postgres.create("memory"), bench.port(1), **receiver_settings(bench),
        **broker.settings(bench.broker_url),
    )  # fmt: skip
    worker: list[str | Path] = [PYTHON, "manage.py", "drain", "--follow"]
    if bench.broker_url:
        worker = [PYTHON, "-m", "celery", "-A", "config", "worker", "--loglevel", "warning"]
    with ExitStack() as stack:
        stack.enter_context(received.receiver(product.folder, bench.port(10)))
        processes = {
            "web process": stack.enter_context(product.web()),
            "worker": stack.enter_context(product.run(worker)),
        }
        folder = bodies.write(bench.folder / "mix", bodies.mix())
        side = Side("memory", product.target, folder, [], product.stored)
        first: dict[str, int] = {}
        for _ in range(steps):
            shoot(bench, side, seconds=step, warm_up=0.0, rate=RATE, connections=32)
            first = first or {name: machine.resident_bytes(server.pid) for name, server in processes.items()}
        last = {name: machine.resident_bytes(server.pid) for name, server in processes.items()}
    for name in processes:
        yield Result(
            f"memory of a {name} after {steps} × {step:.0f} s", Spread.of([last[name] / 1e6]), "MB",
            f"after {step:.0f} s", Spread.of([last[name] / first[name]]), Goal("≤", 1.1),
            f"{RATE:.0f} webhooks a second",
        )  # fmt: skip
