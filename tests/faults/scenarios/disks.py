"""A full disk under the database, and a full spool beside a database that is away."""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import requests

from tests.faults.run import Run
from tests.faults.scenarios import databases
from tests.faults.servers import wait_until

Switch = Callable[[], object]


def database_full(run: Run) -> None:
    """The disk of the database is full: everything is answered 202 by way of the spool."""
    assert run.world.has_small_disk, "a small disk can only be mounted by root"
    stack = run.stack(*run.world.usual)
    source = run.source()
    filler = run.world.disk / "filler"
    load = source.load(stack, run.count, run.dice, rate=run.count / run.seconds(short=5, full=25))
    run.pause(0.5, 1.0)
    fill(filler)
    is_spooled = was_spooled(run.world.spool, within=run.seconds(short=4, full=20))
    filler.unlink()
    load.wait(60)
    if run.world.postgres:
        wait_until(lambda: restarted(run), 30, "PostgreSQL is up again")
    row = run.settle(source, load, seconds=90)
    assert load.statuses() == {202: run.count}, f"answers: {load.statuses()}"
    assert is_spooled, "the database took everything, so the disk was not full"
    assert not row.duplicated, "an event came twice"


def spool_full(run: Run) -> None:
    """Database away and spool full: 503 only then, and /readyz says so; what was answered 202 is delivered."""
    stack = run.stack(*run.world.usual, SPOOL_MAX_BYTES="400000")
    source = run.source()
    source.forge(stack)  # refused, but the secret is known from now on
    with databases.taken(*switches(run)):
        load = source.load(stack, run.count, run.dice, rate=80 if run.is_short else 150, threads=24)
        load.wait(60)
        health = requests.get(f"http://127.0.0.1:{stack.port}/readyz", timeout=10)
        size = sum(file.stat().st_size for file in run.world.spool.glob("*/*.request"))
    statuses = load.statuses()
    row = run.settle(source, load, seconds=60, note=f"{statuses.get(503, 0)} × 503")
    assert set(statuses) == {202, 503}, f"answers: {statuses}"
    assert (health.status_code, health.json()["status"]) == (503, "failing"), health.text
    assert size <= 400_000, f"the spool holds {size} bytes"
    assert not row.duplicated
    wait_until(lambda: requests.get(f"http://127.0.0.1:{stack.port}/readyz", timeout=10).ok, 30, "well again")


def switches(run: Run) -> tuple[Switch, Switch]:
    """How the database is taken away, and given back."""
    if run.world.postgres:
        return run.world.postgres.freeze, run.world.postgres.thaw
    lock = databases.Lock(run.world.database_url)
    return lock.take, lock.give


def fill(file: Path) -> None:
    """Take all room that is left: reserved, not written, or the load would be over before the disk is full."""
    with file.open("wb") as stream:
        taken = 0
        for size in (1 << 24, 1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while True:
                    os.posix_fallocate(stream.fileno(), taken, size)
                    taken += size


def was_spooled(spool: Path, *, within: float) -> bool:
    """Whether a file was seen there in so many seconds: what still fits into the database is soon taken in again."""
    end, was_seen = time.monotonic() + within, False
    while time.monotonic() < end:
        was_seen = was_seen or next(spool.glob("*/*.request"), None) is not None
        time.sleep(0.02)
    return was_seen


def restarted(run: Run) -> bool:
    """PostgreSQL stops itself when it cannot write its log; a supervisor starts it again."""
    postgres = databases.of(run)
    try:
        postgres.connect().close()
    except Exception:
        try:
            postgres.start()
        except RuntimeError:
            return False
    return True
