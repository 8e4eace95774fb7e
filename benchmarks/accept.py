"""Accepting webhooks: the product beside the floor, beside one commit per request, and beside dj-stripe."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import bodies, broker
from benchmarks.bench import Bench, Shot, Side, in_turns, shoot
from benchmarks.load import Target
from benchmarks.processes import PYTHON, Server
from benchmarks.product import SECRET, Product, install
from benchmarks.results import Goal, Result, Spread, ratios

HERE = Path(__file__).parent
SIZES = (19_000, 20_000, 21_000)
FLOOR = "the floor"


def measure(bench: Bench) -> Iterator[Result]:
    """All figures of the accept path."""
    twenty = bodies.write(bench.folder / "20k", [bodies.of_size(size) for size in SIZES])
    large = bodies.write(bench.folder / "200k", [bodies.of_size(200_000)])
    mixed = bodies.write(bench.folder / "mix", bodies.mix())
    with ExitStack() as stack:
        floor = stack.enter_context(floor_side(bench))
        postgres = install(
            bench.folder / "pg",
            bench.postgres.create("product"),
            bench.port(1),
            **broker.settings(bench.broker_url),
        )
        sqlite = install(bench.folder / "lite", f"sqlite:///{bench.folder}/product.sqlite3", bench.port(3))
        ours = stack.enter_context(product_side(bench, postgres, "PostgreSQL"))
        lite = stack.enter_context(product_side(bench, sqlite, "SQLite"))

        shots = in_turns(bench, [on(side, twenty) for side in (floor, ours, lite)])
        yield from against(shots, ours.name, floor.name, "accept 20 KB, PostgreSQL", least=1.0, most=1.0)
        yield from against(shots, lite.name, floor.name, "accept 20 KB, SQLite", least=1.1, most=None)
        shots = in_turns(bench, [on(side, large) for side in (floor, ours)])
        yield from against(shots, ours.name, floor.name, "accept 200 KB, PostgreSQL", least=0.85, most=None)
        shots = in_turns(bench, [on(side, mixed) for side in (floor, ours, lite)])
        yield from against(shots, ours.name, floor.name, "accept mix, PostgreSQL", least=None, most=None)
        yield from against(shots, lite.name, floor.name, "accept mix, SQLite", least=None, most=None)
        fastest = {
            side.name: Spread.of([shot.load.per_second for shot in shots[side.name]]) for side in (ours, lite)
        }
        for side in (ours, lite):
            yield from open_loop(bench, on(side, mixed), 0.4 * fastest[side.name].median)
        yield from log_volume(bench, ours)
    yield from one_commit_each(bench, sqlite, twenty)


@contextmanager
def floor_side(bench: Bench) -> Iterator[Side]:
    """The floor on gunicorn's threads."""
    url = bench.postgres.create("floor")
    bench.postgres.sql("floor", (HERE / "floor.sql").read_text())
    port = bench.port(2)
    command = gunicorn(PYTHON, port, "benchmarks.floor:application")
    environment = {"FLOOR_SECRET": SECRET, "FLOOR_DATABASE_URL": url}
    with Server(command, port=port, log=bench.folder / "floor.log", environment=environment) as server:
        yield Side(
            FLOOR, Target(port, "/", SECRET), Path(), (server.pid, bench.postgres.pid),
            lambda: (row[0] for row in bench.postgres.sql("floor", "SELECT event_id FROM message")),
        )  # fmt: skip


@contextmanager
def product_side(bench: Bench, product: Product, name: str, **settings: str) -> Iterator[Side]:
    """The product's web process."""
    with product.web(**settings) as server:
        pids = [server.pid] if product.database_url.startswith("sqlite") else [server.pid, bench.postgres.pid]
        yield Side(name, product.target, Path(), pids, product.stored)


def gunicorn(python: Path, port: int, application: str) -> list[str | Path]:
    """One process of eight threads, connections kept."""
    return [
        python, "-m", "gunicorn", "--config", "/dev/null", "--no-control-socket", "--worker-class", "gthread",
        "--workers", "1", "--threads", "8", "--keep-alive", "60", "--bind", f"127.0.0.1:{port}", application,
    ]  # fmt: skip


def on(side: Side, folder: Path) -> Side:
    """The same side, with other bodies."""
    return Side(side.name, side.target, folder, side.pids, side.stored)


def against(
    shots: dict[str, list[Shot]],
    ours: str,
    theirs: str,
    name: str,
    *,
    least: float | None,
    most: float | None,
) -> Iterator[Result]:
    """Throughput and CPU of one side against another."""
    rate, other_rate = ([shot.load.per_second for shot in shots[side]] for side in (ours, theirs))
    cpu, other_cpu = ([shot.cpu_us for shot in shots[side]] for side in (ours, theirs))
    at_least = Goal("≥", least) if least is not None else None
    at_most = Goal("≤", most) if most is not None else None
    beside = f"{theirs}: {Spread.of(other_rate)}/s, {Spread.of(other_cpu)} µs"
    yield Result(
        f"{name}: throughput", Spread.of(rate), "1/s", theirs, ratios(rate, other_rate), at_least, beside
    )
    yield Result(
        f"{name}: CPU, server + database", Spread.of(cpu), "µs", theirs, ratios(cpu, other_cpu), at_most
    )


def open_loop(bench: Bench, side: Side, rate: float) -> Iterator[Result]:
    """Latency from when each request was due, at a rate the machine bears easily."""
    shots = [shoot(bench, side, rate=rate, connections=64) for _ in range(bench.rounds)]
    note = f"{rate:.0f} a second, {len(shots)} × {bench.seconds:.0f} s"
    name = f"open loop on the mix at 40 % of own maximum, {side.name}"
    yield Result(
        f"{name}: p99", Spread.of([s.load.p99_ms for s in shots]), "ms", goal=Goal("≤", 25), note=note
    )
    yield Result(f"{name}: longest", Spread.of([s.load.max_ms for s in shots]), "ms", goal=Goal("≤", 100))


def one_commit_each(bench: Bench, product: Product, folder: Path) -> Iterator[Result]:
    """SQLite at saturation: group commit beside the same product with one commit for each request."""
    alone = Product(product.folder, product.database_url, bench.port(4), product.settings, product.address)
    with (
        product_side(bench, product, "group") as group,
        product_side(bench, alone, "each", WEBHOOK_WRITER="inline") as each,
    ):
        shots = in_turns(bench, [on(group, folder), on(each, folder)])
    ours, theirs = ([shot.load.p99_ms for shot in shots[name]] for name in ("group", "each"))
    rates = Spread.of([shot.load.per_second for shot in shots["each"]])
    yield Result(
        "SQLite p99 at saturation", Spread.of(ours), "ms", "one commit per request", ratios(ours, theirs),
        Goal("≤", 0.15), f"one commit per request: {Spread.of(theirs)} ms, {rates}/s",
    )  # fmt: skip


def log_volume(bench: Bench, side: Side) -> Iterator[Result]:
    """WAL written per accepted byte of real bodies between 20 and 30 KB."""
    sizes = range(20_000, 30_000, 1_000)
    sent = [bodies.of_size(size) for size in sizes]
    aimed = on(side, bodies.write(bench.folder / "wal", sent))
    values = [wal_share(bench, aimed, sent) for _ in range(bench.rounds)]
    yield Result("WAL bytes per accepted body byte", Spread.of(values), "", goal=Goal("≤", 0.35))


def wal_share(bench: Bench, side: Side, sent: Sequence[bytes]) -> float:
    """From a checkpoint on, so that whole-page images are in it."""
    bench.postgres.sql("postgres", "CHECKPOINT")
    before = bench.postgres.wal_position()
    shot = shoot(bench, side, warm_up=0.0)
    written = bench.postgres.wal_position() - before
    return written / (len(shot.load.accepted) * sum(map(len, sent)) / len(sent))
