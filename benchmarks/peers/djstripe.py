"""dj-stripe's webhook view: the most used way to take signed webhooks into a Django database."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import accept, bodies
from benchmarks.bench import Bench, Side, in_turns
from benchmarks.load import Target
from benchmarks.peers import environment
from benchmarks.processes import ROOT, Server
from benchmarks.product import SECRET, install
from benchmarks.results import Goal, Result, Spread, ratios

PEER = "dj-stripe"
UUID = "6f1cf1f5-9a39-4bb5-8d2f-0f3f6cb7c111"
STORED = "SELECT substr(body, length(body) - 33, 32) FROM djstripe_webhookeventtrigger WHERE valid"


def measure(bench: Bench) -> Iterator[Result]:
    """20 KB bodies, both on PostgreSQL with one process."""
    folder = bodies.write(bench.folder / "20k", [bodies.of_size(20_000)])
    product = install(bench.folder / "beside-peer", bench.postgres.create("beside_peer"), bench.port(1))
    with accept.product_side(bench, product, "ours") as ours, peer_side(bench) as theirs:
        shots = in_turns(bench, [accept.on(ours, folder), theirs])
    rate, other_rate = ([shot.load.per_second for shot in shots[name]] for name in ("ours", PEER))
    cpu, other_cpu = ([shot.cpu_us for shot in shots[name]] for name in ("ours", PEER))
    yield Result(
        "accept 20 KB, PostgreSQL: throughput", Spread.of(rate), "1/s", PEER, ratios(rate, other_rate), Goal("≥", 5),
        f"{PEER}: {Spread.of(other_rate)}/s",
    )  # fmt: skip
    yield Result(
        "accept 20 KB, PostgreSQL: CPU, server + database", Spread.of(cpu), "µs", PEER, ratios(cpu, other_cpu),
        Goal("≤", 0.15), f"{PEER}: {Spread.of(other_cpu)} µs",
    )  # fmt: skip


@contextmanager
def peer_side(bench: Bench) -> Iterator[Side]:
    """Its view on gunicorn's threads, each valid event found by its id."""
    python, port = environment.python(), bench.port(5)
    settings = {
        "PEER_DATABASE_URL": bench.postgres.create("peer"), "PEER_SECRET": SECRET, "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    module = "benchmarks.peers.djstripe_site"
    subprocess.run(
        [python, "-m", module], env=os.environ | settings, cwd=ROOT, check=True, capture_output=True
    )
    command = accept.gunicorn(python, port, f"{module}:application")
    folder = bodies.write(bench.folder / "stripe", [stripe_event(bodies.of_size(20_000))])
    with Server(command, port=port, log=bench.folder / "peer.log", environment=settings) as server:
        yield Side(PEER, target(port), folder, (server.pid, bench.postgres.pid), lambda: stored(bench))


def target(port: int) -> Target:
    """Stripe signs the time and the body."""
    now = int(time.time())
    return Target(port, f"/stripe/webhook/{UUID}/", SECRET, f"Stripe-Signature: t={now},v1=", f"{now}.")


def stored(bench: Bench) -> Iterator[str]:
    """The ids of the valid events."""
    return (row[0] for row in bench.postgres.sql("peer", STORED))


def stripe_event(body: bytes) -> bytes:
    """The same 20 KB in Stripe's envelope, the id last: "evt_" and 32 digits."""
    inside = json.loads(body)
    del inside["event"]["eventID"]
    event = {
        "object": "event", "livemode": False, "api_version": "2024-06-20", "created": 1, "type": "charge.failed",
        "data": {"object": inside}, "id": f"evt_{bodies.NO_ID}",
    }  # fmt: skip
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
