"""A broker that is stopped, wiped, or accepts and never answers."""

import time
from collections.abc import Callable

from tests.faults.run import Run
from tests.faults.stack import Stack

ANSWER_SECONDS = 1.0


def stopped(run: Run) -> None:
    """Connections are refused for a while."""
    disturbed(run, run.stack("web", "worker", "beat"), run.world.broker.refuse)


def wiped(run: Run) -> None:
    """Everything that waited in the broker is gone, and the queue with it."""
    stack = run.stack("web", "worker", "beat")
    source = run.source()
    load = source.load(stack, run.count, run.dice, rate=60 if run.is_short else 100)
    run.pause(0.5, 1.0)
    run.world.broker.wipe()  # under the worker's eyes
    run.pause(0.2, 0.5)
    stack.kill("worker")
    stack.kill("beat")
    load.wait(60)
    run.world.broker.wipe()  # with every bell that rang since
    stack.start("worker", "beat")
    row = run.settle(source, load, seconds=60)
    assert row.accepted == run.count
    run.in_time(row, ANSWER_SECONDS)


def silent(run: Run) -> None:
    """Connections are accepted and never answered; also those of a web process that starts meanwhile."""
    stack = run.stack("web", "worker", "beat")

    def hang_and_restart() -> None:
        run.world.broker.hang()
        stack.kill("web")
        stack.start("web")

    disturbed(run, stack, hang_and_restart)


def disturbed(run: Run, stack: Stack, disturb: Callable[[], None]) -> None:
    """Under load: disturb, wait, give back; webhooks are answered within a second and all is delivered."""
    source = run.source()
    load = source.load(stack, run.count, run.dice, rate=60 if run.is_short else 100)
    try:
        run.pause(0.5, 1.0)
        disturb()
        time.sleep(run.seconds(short=3, full=12))
    finally:
        run.world.broker.allow()
    load.wait(60)
    row = run.settle(source, load, seconds=60)
    assert row.accepted == run.count
    assert not row.duplicated, "an event came twice"
    run.in_time(row, ANSWER_SECONDS)
