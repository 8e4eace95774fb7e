"""Processes killed at random moments, and processes asked to stop."""

import contextlib

from tests.faults.run import Run
from tests.faults.servers import wait_until

PROCESSES = ("web", "worker", "beat", "drain")


def killed(run: Run) -> None:
    """kill -9 of each process; each is started again, as a supervisor would."""
    stack = run.stack(*PROCESSES)
    source = run.source()
    for name in source.environments:
        source.intake(name).seconds = 0.03
    times = 1 if run.is_short else 10
    seconds = len(PROCESSES) * times * 2.0
    load = source.load(stack, run.count, run.dice, rate=run.count / seconds)
    for name in run.dice.sample(PROCESSES * times, len(PROCESSES) * times):
        run.pause(0.1, 1.2)
        stack.kill(name)
        stack.start(name)
    load.wait(120)
    run.settle(source, load, seconds=60, note=f"{times} times each")


def stopped_politely(run: Run) -> None:
    """SIGTERM of each process in turn under load: nothing is in doubt afterwards."""
    stack = run.stack(*PROCESSES)
    source = run.source()
    for name in source.environments:
        source.intake(name).seconds = 0.8
    times = 1 if run.is_short else 3
    load = source.load(stack, run.count, run.dice, rate=run.count / (len(PROCESSES) * times * 3.0))
    for name in run.dice.sample(PROCESSES * times, len(PROCESSES) * times):
        run.pause(0.1, 0.6)
        with contextlib.suppress(AssertionError):  # best in the middle of a POST
            wait_until(lambda: any(source.intake(one).under_way for one in source.environments), 3, "a POST")
        stack.stop(name, seconds=15)
        stack.start(name)
    load.wait(120)
    row = run.settle(source, load, seconds=60)
    assert not row.ambiguous, "a process that was asked to stop left a POST without its outcome"
    assert not row.duplicated


def behind_gunicorn(run: Run) -> None:
    """The same web process under gunicorn with the shipped configuration, killed and stopped once."""
    stack = run.stack(*run.world.usual, server="gunicorn")
    source = run.source()
    load = source.load(stack, run.count, run.dice, rate=100 if run.is_short else 150)
    run.pause(0.2, 0.8)
    stack.kill("web")
    stack.start("web")
    run.pause(0.2, 0.8)
    stack.stop("web", seconds=20)
    stack.start("web")
    load.wait(120)
    run.settle(source, load, seconds=60)
