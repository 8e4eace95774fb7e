"""Every scenario: its name in the table, what it does, on which databases, and the protection that it shows."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.run import Run
from tests.faults.scenarios import brokers, databases, disks, kills, peers, senders, sentry, workers

BOTH = ("sqlite", "postgres")


@dataclass(frozen=True, slots=True)
class Scenario:
    """`protection` names what `unprotected` takes out to make it fail; `short_on`: where the short form runs it."""

    name: str
    run: Callable[[Run], None]
    protection: str
    on: tuple[str, ...] = BOTH
    short_on: tuple[str, ...] = BOTH

    def is_for(self, database: str, *, is_short: bool) -> bool:
        """Whether it runs there: what does not depend on the database runs once in the short form."""
        return database in self.on and (not is_short or database in self.short_on)


SCENARIOS = (
    Scenario("kill -9 of web, worker, beat, drain", kills.killed, "leases"),
    Scenario("SIGTERM of web, worker, beat, drain", kills.stopped_politely, "finishing on SIGTERM"),
    Scenario(
        "kill and stop under gunicorn",
        kills.behind_gunicorn,
        "commit before the answer",
        short_on=("sqlite",),
    ),
    Scenario("broker stopped and restarted", brokers.stopped, "sweep", short_on=("postgres",)),
    Scenario("broker wiped", brokers.wiped, "sweep", short_on=("postgres",)),
    Scenario("broker never answers", brokers.silent, "bell thread", short_on=("postgres",)),
    Scenario("PostgreSQL refuses", databases.refused, "patient outcomes", ("postgres",)),
    Scenario("PostgreSQL frozen", databases.frozen, "deadline", ("postgres",)),
    Scenario("PostgreSQL out of connections", databases.out_of_connections, "spool", ("postgres",)),
    Scenario("SQLite locked", databases.locked, "spool", ("sqlite",)),
    Scenario("disk full for the database", disks.database_full, "spool"),
    Scenario("spool full", disks.spool_full, "bound of the spool"),
    Scenario("FME fails in nine ways", peers.failing, "ambiguous is retried", short_on=("postgres",)),
    Scenario("FME refuses a poisoned event", peers.poison, "halving", short_on=("sqlite",)),
    Scenario("FME away for an hour", peers.out_for_an_hour, "cap of an hour", short_on=("sqlite",)),
    Scenario("clock a year ahead, then right", peers.clock_jumps, "bringing back", short_on=("sqlite",)),
    Scenario("Sentry fails at each step", sentry.troubled, "adopting by address", short_on=("sqlite",)),
    Scenario("two drains and four workers", workers.crowd, "claims"),
    Scenario(
        "fifty unfinished bodies, granian", senders.slow_under_granian, "threads", short_on=("postgres",)
    ),
    Scenario(
        "fifty unfinished bodies, gunicorn", senders.slow_under_gunicorn, "threads", short_on=("sqlite",)
    ),
)
