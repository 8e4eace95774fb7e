"""An idle system: from the webhook's answer to its last event at the receiver, in both modes."""

import hashlib
import hmac
import http.client
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

from benchmarks import bodies, broker, received
from benchmarks.bench import Bench
from benchmarks.check import demand_all
from benchmarks.processes import PYTHON
from benchmarks.product import SECRET, Product, install
from benchmarks.results import Goal, Result, Spread

START_SECONDS = 6.0
"""Until workers listen: a Celery worker says nowhere when it does."""


def measure(bench: Bench) -> Iterator[Result]:
    """The full mode needs a broker; the embedded mode polls every second."""
    if bench.broker_url:
        product = install(
            bench.folder / "full", bench.postgres.create("latency"), bench.port(1), **receiver_settings(bench),
            **broker.settings(bench.broker_url),
        )  # fmt: skip
        celery: list[str | Path] = [PYTHON, "-m", "celery", "-A", "config"]
        beat = [*celery, "beat", "--loglevel", "warning", "--schedule", bench.folder / "beat"]
        worker = [*celery, "worker", "--loglevel", "warning"]
        yield from quantiles("full mode", waits(bench, product, [worker, beat]), median=50, p99=250)
    product = install(
        bench.folder / "embedded",
        f"sqlite:///{bench.folder}/latency.sqlite3",
        bench.port(1),
        **receiver_settings(bench),
    )
    follow: list[str | Path] = [PYTHON, "manage.py", "drain", "--follow"]
    yield from quantiles("embedded", waits(bench, product, [follow]), median=1200, p99=1500)


def receiver_settings(bench: Bench) -> dict[str, str]:
    """Where events go."""
    return {"FME_EVENTS_URL": f"http://127.0.0.1:{bench.port(10)}/api"}


def quantiles(mode: str, milliseconds: Sequence[float], *, median: float, p99: float) -> Iterator[Result]:
    """Median and 99th of a hundred."""
    ordered, note = sorted(milliseconds), f"{len(milliseconds)} webhooks"
    for name, share, bound in (("median", 0.5, median), ("p99", 0.99, p99)):
        value = Spread.of([ordered[int(share * len(ordered))]])
        yield Result(
            f"webhook answered → event at FME, {mode}: {name}", value, "ms", goal=Goal("≤", bound), note=note
        )


def waits(bench: Bench, product: Product, commands: Sequence[Sequence[str | Path]]) -> list[float]:
    """Milliseconds of each webhook, sent one by one at odd moments; raises Lost when one does not arrive."""
    with ExitStack() as stack:
        stack.enter_context(received.receiver(product.folder, bench.port(10)))
        stack.enter_context(product.web())
        for command in commands:
            stack.enter_context(product.run(command))
        time.sleep(START_SECONDS)
        answered = send(product, 40 if bench.is_short else 200)
        time.sleep(3)
        arrived: dict[str, float] = {}
        for post in received.read(product.folder):
            arrived |= {event["properties"]["event_id"]: post.at for event in post.events}
    demand_all(answered, arrived, "the receiver")
    return [1000 * (arrived[event_id] - at) for event_id, at in answered.items()]


def send(product: Product, count: int) -> dict[str, float]:
    """Post `count` webhooks with pauses of 0.1 to 0.2 s; returns when each was answered."""
    before, _, after = bodies.of_size(20_000).partition(bodies.NO_ID.encode())
    connection, answered = http.client.HTTPConnection("127.0.0.1", product.port), {}
    for number in range(count):
        event_id = uuid4().hex
        body = before + event_id.encode() + after
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        connection.request("POST", product.target.path, body, {"X-ServiceHook-Signature": signature})
        answer = connection.getresponse()
        answer.read()
        if answer.status == 202:
            answered[event_id] = time.time()
        time.sleep(0.1 + 0.1 * (number * 0.618 % 1))  # spread evenly over a poll's second
    return answered
