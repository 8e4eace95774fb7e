"""`python -m benchmarks [--short] [--only NAME] [--page FILE]`: measure, print JSON lines, write the page's table."""

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import mkdtemp

from benchmarks import accept, deliver, drain, growth, latency, machine, mapping, memory, page
from benchmarks.bench import Bench
from benchmarks.broker import clean_up, find_broker
from benchmarks.load import build
from benchmarks.peers import djstripe
from benchmarks.postgres import Postgres
from benchmarks.results import Result

Scenario = Callable[[Bench], Iterator[Result]]
SCENARIOS: dict[str, Scenario] = {
    "mapping": mapping.measure, "accept": accept.measure, "djstripe": djstripe.measure, "drain": drain.measure,
    "deliver": deliver.measure, "latency": latency.measure, "growth": growth.measure, "memory": memory.measure,
}  # fmt: skip
POSTGRES_PORT = 18950


def main(arguments: Sequence[str]) -> int:
    """Run the scenarios that are asked for; returns 0 also when goals are missed: noise decides nothing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--short", action="store_true", help="three short rounds: a look, not a measurement")
    parser.add_argument("--seconds", type=float, help="of each shot; 5, or 1 in the short form")
    parser.add_argument("--only", action="append", choices=SCENARIOS, help="one scenario; may be repeated")
    parser.add_argument("--page", type=Path, help="write the results into this Markdown page")
    options = parser.parse_args(arguments)
    facts, results = machine.description(), []
    for result in run(options.only or list(SCENARIOS), is_short=options.short, seconds=options.seconds):
        print(result.as_json(), flush=True)
        results.append(result)
    if options.page:
        command = "make bench" + (" SHORT=1" if options.short else "")
        page.write(options.page, facts, command, results)
    return 0


def run(names: Sequence[str], *, is_short: bool, seconds: float | None = None) -> Iterator[Result]:
    """Measure in a folder that is removed afterwards, on a PostgreSQL that ends with the run."""
    folder = Path(mkdtemp(prefix="bench-"))
    folder.chmod(0o755)  # PostgreSQL runs as another person when root starts it
    try:
        if not is_short:
            machine.fill_memory(folder)
        with Postgres(folder / "postgres", POSTGRES_PORT) as postgres:
            bench = Bench(
                folder,
                build(folder),
                postgres,
                rounds=3 if is_short else 5,
                seconds=seconds or (1.0 if is_short else 5.0),
                is_short=is_short,
                broker_url=find_broker(),
            )
            for name in names:
                yield from SCENARIOS[name](bench)
            clean_up(bench.broker_url)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
