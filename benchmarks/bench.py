"""What every scenario gets, and shooting at several sides in turns."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import machine
from benchmarks.check import demand_all
from benchmarks.load import Load, Target, fire
from benchmarks.postgres import Postgres

FIRST_PORT = 18900
WAKING_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Bench:
    """A folder of the run's own, the load generator, a PostgreSQL, and how long and often to measure."""

    folder: Path
    load_command: list[str]
    postgres: Postgres
    rounds: int
    seconds: float
    is_short: bool
    broker_url: str

    def port(self, number: int) -> int:
        """Ports are few and fixed, so that a run that was cut off is noticed by the next."""
        return FIRST_PORT + number


@dataclass(frozen=True, slots=True)
class Side:
    """One of the things compared: where it listens, its processes, and the ids found in its database."""

    name: str
    target: Target
    bodies: Path
    pids: Sequence[int]
    stored: Callable[[], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Shot:
    """One side in one round; CPU is of server and database together, per accepted request."""

    load: Load
    cpu_us: float


def shoot(bench: Bench, side: Side, **options: float) -> Shot:
    """Load one side; raises Lost when an accepted id is not in its database."""
    before = sum(map(machine.cpu_seconds, side.pids))
    load = fire(bench.load_command, side.target, side.bodies, **{"seconds": bench.seconds, **options})  # type: ignore[arg-type]  # all are numbers
    cpu = sum(map(machine.cpu_seconds, side.pids)) - before
    count = demand_all(load.accepted, side.stored(), side.name)
    return Shot(load, 1e6 * cpu / count)


def in_turns(bench: Bench, sides: Sequence[Side], **options: float) -> dict[str, list[Shot]]:
    """Every side once in each round, in an order drawn anew."""
    for side in sides:
        shoot(
            bench, side, seconds=0.5, warm_up=WAKING_SECONDS
        )  # a first request imports what the server still lacks
    shots: dict[str, list[Shot]] = {side.name: [] for side in sides}
    for _ in range(bench.rounds):
        for side in random.sample(sides, len(sides)):
            shots[side.name].append(shoot(bench, side, **options))
    return shots
