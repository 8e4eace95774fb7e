"""Every scenario: its name in the table, what it does, on which databases, and the protection that it shows."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.run import Run
from tests.faults.scenarios import brokers, databases, disks, kills, peers, senders, sentry, workers

BOTH = ("sqlite", "postgres")


@dataclass(frozen=True, slots=True)
class Scenario:
    """`protection` names what `unprotected` takes out to make it fail."""

    name: str
    run: Callable[[Run], None]
    protection: str
    on: tuple[str, ...] = BOTH


SCENARIOS = (
    Scenario("kill -9 of web, worker, beat, drain", kills.killed, "leases"),
    Scenario("SIGTERM of web, worker, beat, drain", kills.stopped_politely, "finishing on SIGTERM"),
    Scenario("kill and stop under gunicorn", kills.behind_gunicorn, "commit before the answer"),
    Scenario("broker stopped and restarted", brokers.stopped, "sweep"),
    Scenario("broker wiped", brokers.wiped, "sweep"),
    Scenario("broker never answers", brokers.silent, "bell thread"),
    Scenario("PostgreSQL refuses", databases.refused, "patient outcomes", ("postgres",)),
    Scenario("PostgreSQL frozen", databases.frozen, "deadline", ("postgres",)),
    Scenario("PostgreSQL out of connections", databases.out_of_connections, "spool", ("postgres",)),
    Scenario("SQLite locked", databases.locked, "spool", ("sqlite",)),
    Scenario("disk full for the database", disks.database_full, "spool"),
    Scenario("spool full", disks.spool_full, "bound of the spool"),
    Scenario("FME fails in eight ways", peers.failing, "ambiguous is retried"),
    Scenario("FME refuses a poisoned event", peers.poison, "halving"),
    Scenario("FME away for an hour", peers.out_for_an_hour, "cap of an hour"),
    Scenario("clock a year ahead, then right", peers.clock_jumps, "bringing back"),
    Scenario("Sentry fails at each step", sentry.troubled, "adopting by address"),
    Scenario("two drains and four workers", workers.crowd, "claims"),
    Scenario("fifty unfinished bodies, granian", senders.slow_under_granian, "threads"),
    Scenario("fifty unfinished bodies, gunicorn", senders.slow_under_gunicorn, "threads"),
)
