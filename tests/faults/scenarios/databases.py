"""A database that refuses, stands still, is locked or has no connection left."""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator

import psycopg

from tests.faults.load import SENTRY_TIMEOUT_SECONDS
from tests.faults.run import Run
from tests.faults.servers import ROLE, Postgres


def refused(run: Run) -> None:
    """PostgreSQL is stopped, as by a crash, and comes back; the web process is killed over its spool meanwhile."""
    postgres = of(run)
    away(run, postgres.stop, postgres.start, kills_web=True)


def frozen(run: Run) -> None:
    """PostgreSQL stands still with its connections open."""
    postgres = of(run)
    away(run, postgres.freeze, postgres.thaw)


def out_of_connections(run: Run) -> None:
    """Others hold every connection that PostgreSQL gives, and ours are cut."""
    hogs: list[psycopg.Connection[tuple[object, ...]]] = []
    postgres = of(run)

    def release() -> None:
        for hog in hogs:
            hog.close()

    away(run, lambda: hogs.extend(all_connections(postgres)), release)


def locked(run: Run) -> None:
    """Somebody holds SQLite's write lock, as a backup by hand does."""
    lock = Lock(run.world.database_url)
    away(run, lock.take, lock.give)


class Lock:
    """The lock that keeps everybody else from reading and writing a SQLite file."""

    def __init__(self, url: str) -> None:
        self.connection = sqlite3.connect(
            url.removeprefix("sqlite:///"), timeout=30, isolation_level=None, check_same_thread=False
        )

    def take(self) -> None:
        """Wait for it, and hold it."""
        self.connection.execute("BEGIN EXCLUSIVE")

    def give(self) -> None:
        """Let it go."""
        self.connection.execute("ROLLBACK")
        self.connection.close()


def away(
    run: Run, take: Callable[[], object], give: Callable[[], object], *, kills_web: bool = False
) -> None:
    """Under load the database goes away and comes back: all answered 202 in time, all delivered, nothing twice."""
    seconds = run.seconds(short=6, full=20)
    stack = run.stack(*run.world.usual, LEASE_SECONDS=str(round(seconds * 1.5 + 3)))
    source = run.source()
    for name in source.environments:
        source.intake(name).seconds = 0.5  # so that a POST is under way when the database goes
    load = source.load(stack, run.count, run.dice, rate=run.count / (seconds + 3), threads=24)
    run.pause(1.0, 1.5)
    with taken(take, give):
        time.sleep(seconds / 2)
        if kills_web:
            stack.kill("web")
            stack.start("web")
        time.sleep(seconds / 2)
    load.wait(60)
    row = run.settle(source, load, seconds=seconds * 2 + 60)
    assert load.statuses() == {202: run.count}, f"answers: {load.statuses()}"
    assert not load.late, f"{load.late} answers came too late for Sentry"
    assert not row.duplicated, "an event came twice"
    run.in_time(row, SENTRY_TIMEOUT_SECONDS)


@contextlib.contextmanager
def taken(take: Callable[[], object], give: Callable[[], object]) -> Iterator[None]:
    """Give back whatever happens."""
    take()
    try:
        yield
    finally:
        give()


def of(run: Run) -> Postgres:
    """The server, which only runs on PostgreSQL have."""
    assert run.world.postgres is not None
    return run.world.postgres


def all_connections(postgres: Postgres) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """Take every connection that is left to roles without privileges, then those the product had."""
    with postgres.connect() as superuser:
        for _ in range(5):
            superuser.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s "
                              "AND application_name <> 'hog'", [ROLE])  # fmt: skip
            with contextlib.suppress(psycopg.OperationalError):
                while True:
                    yield psycopg.connect(f"{postgres.url}?application_name=hog", connect_timeout=5)
