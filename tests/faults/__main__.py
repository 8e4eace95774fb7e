"""Run the fault suite: `python -m tests.faults [--short] [--database …] [--broker …] [--only TEXT] [--seed N]`."""

import argparse
import json
import os
import signal
import sys
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from random import SystemRandom

import django

from tests.faults.rabbit import Rabbit
from tests.faults.world import World

HEAD = ("scenario", "accepted", "expected", "delivered", "lost", "duplicated", "ambiguous", "longest", "note")


def main() -> int:
    """Everything that was asked for; 0 when all of it held."""
    asked = arguments()
    signal.signal(
        signal.SIGTERM, lambda number, frame: sys.exit(143)
    )  # what was started is ended all the same
    broker = asked.broker or ("rabbitmq" if Rabbit.is_there() else "redis")
    count = asked.count or (200 if asked.short else 2000)
    print(
        f"database {asked.database}, broker {broker}, seed {asked.seed}, {count} messages a scenario",
        flush=True,
    )
    print(line(HEAD), line(("---",) * len(HEAD)), sep="\n", flush=True)
    world = World(asked.database, broker, seed=asked.seed, is_short=asked.short, count=count)
    try:
        names = ("DJANGO_SETTINGS_MODULE", "ENV_FILE", "DEBUG", "SANDBOX")
        os.environ.update(
            {name: world.environment()[name] for name in names}, DATABASE_URL=world.observer_url
        )
        django.setup()
        world.migrate()
        return run_all(world, asked)
    finally:
        world.close()


def run_all(world: World, asked: argparse.Namespace) -> int:
    """One scenario after the other; each failure is told with its reason and the end of the logs."""
    from tests.faults.run import Run  # the models need Django to be set up
    from tests.faults.table import SCENARIOS

    failed, rows = [], []
    is_short = asked.short and not asked.all
    chosen = [
        one for one in SCENARIOS if one.is_for(asked.database, is_short=is_short) and asked.only in one.name
    ]
    for scenario in chosen:
        run = Run(
            world, scenario.name, world.dice(scenario.name), scenario.protection if asked.without else ""
        )
        started, reason = time.monotonic(), ""
        try:
            scenario.run(run)
        except Exception as error:
            reason = "".join(traceback.format_exception_only(error)).strip()
            if not asked.without:
                traceback.print_exc()
                print(world.logs(), file=sys.stderr)
            world.end_stack()
        if asked.without:
            print(
                f"| {scenario.name} | without {scenario.protection} | {reason or 'HELD ALL THE SAME'} |",
                flush=True,
            )
            failed += [] if reason else [scenario.name]
            world.end_stack()
            continue
        for row in run.rows:
            print(line(tuple(asdict(row).values())), flush=True)
        rows += [asdict(row) for row in run.rows]
        if reason:
            failed.append(scenario.name)
            print(f"FAILED {scenario.name}: {reason}", flush=True)
        print(f"{scenario.name}: {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)
    if asked.json:
        Path(asked.json).write_text(json.dumps(rows, indent=1))
    print(
        f"{len(chosen) - len(failed)} of {len(chosen)} scenarios held" if not asked.without else "",
        flush=True,
    )
    return 1 if failed else 0


def line(values: tuple[object, ...]) -> str:
    """One row of a Markdown table."""
    texts = [f"{value:.2f} s" if isinstance(value, float) else str(value) for value in values]
    return f"| {' | '.join(texts)} |"


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--broker", choices=("rabbitmq", "redis"), help="default: RabbitMQ, if one answers")
    parser.add_argument("--short", action="store_true", help="200 messages a scenario, outages of seconds")
    parser.add_argument(
        "--all", action="store_true", help="with --short: also what the other database covers"
    )
    parser.add_argument("--count", type=int, help="messages a scenario")
    parser.add_argument("--only", default="", metavar="TEXT", help="scenarios whose name holds it")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    parser.add_argument(
        "--without", action="store_true", help="take each scenario's protection out: it has to fail"
    )
    parser.add_argument("--json", metavar="FILE", help="write the rows there too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
