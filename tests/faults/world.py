"""What a run of the suite stands on: one database, one broker, one FME, and the product's processes on them."""

import contextlib
import os
import shutil
from pathlib import Path
from random import Random
from typing import Literal

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from tests.faults.fme import Fme
from tests.faults.rabbit import Rabbit
from tests.faults.servers import Postgres, Redis, small_disk, temporary_folder, unmount
from tests.faults.stack import Stack

SHORT_MEGABYTES, FULL_MEGABYTES = 250, 1500
"""Enough for the database; the disk-full scenario fills the rest."""

Database = Literal["sqlite", "postgres"]


class World:
    """Made once a run, before Django is set up; `close` leaves nothing behind."""

    def __init__(self, database: Database, broker: str, *, seed: int, is_short: bool, count: int) -> None:
        self.database, self.seed, self.is_short, self.count = database, seed, is_short, count
        self.folder = temporary_folder()
        self.disk = self.folder / "disk"
        self.has_small_disk = small_disk(self.disk, SHORT_MEGABYTES if is_short else FULL_MEGABYTES)
        self.disk.mkdir(exist_ok=True)
        self.postgres = Postgres(self.disk / "postgres") if database == "postgres" else None
        self.broker: Rabbit | Redis = Rabbit() if broker == "rabbitmq" else Redis(self.folder)
        self.fme = Fme()
        self.stack: Stack | None = None
        self.spool = self.folder / "spool"

    def dice(self, scenario: str) -> Random:
        """Chance of one scenario: the same for the same seed."""
        return Random(f"{self.seed} {scenario}")

    @property
    def database_url(self) -> str:
        return self.postgres.url if self.postgres else f"sqlite:///{self.disk}/db.sqlite3"

    @property
    def observer_url(self) -> str:
        """The same database for the suite's own queries."""
        return self.postgres.observer_url if self.postgres else self.database_url

    @property
    def usual(self) -> tuple[str, ...]:
        """The processes of this database's mode."""
        return ("web", "worker", "beat") if self.postgres else ("web", "drain")

    def environment(self) -> dict[str, str]:
        """The product's settings: its own in everything that is not named here."""
        return os.environ | {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "ENV_FILE": os.devnull,
            "DEBUG": "1",
            "SANDBOX": "",
            "DATABASE_URL": self.database_url,
            "SPOOL_DIR": str(self.spool),
            "FME_EVENTS_URL": self.fme.url,
            "CELERY_BROKER_URL": "",
            "CELERY_QUEUE": self.broker.queue if isinstance(self.broker, Rabbit) else "drains",
            "LEASE_SECONDS": "6",
            "SWEEP_SECONDS": "2" if self.is_short else "5",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def migrate(self) -> None:
        """The tables, in the runner's own process; the small disk needs no more than that."""
        call_command("migrate", verbosity=0)
        connection.close()

    def stack_of(self, *names: str, server: str = "granian", without: str = "", **settings: str) -> Stack:
        """The stack with exactly these processes: the one that runs when it is such, else a fresh one."""
        environment = self.environment() | settings
        if {"worker", "beat"} & set(names):
            environment["CELERY_BROKER_URL"] = self.broker.url
        if without:
            environment["FAULT_WITHOUT"] = without
        running = self.stack
        if running and (running.environment, running.server, set(running.processes)) == (
            environment, server, set(names)
        ) and not without:  # fmt: skip
            return running
        self.end_stack()
        self.stack = Stack(self.folder, environment, server, without)
        self.stack.start(*names)
        return self.stack

    def end_stack(self) -> None:
        """Kill the product."""
        if self.stack:
            self.stack.close()
            self.stack = None

    def close(self) -> None:
        """End and remove everything."""
        self.end_stack()
        self.fme.close()
        self.broker.close()
        if settings.configured:
            connection.close()
        if self.postgres:
            with contextlib.suppress(RuntimeError):  # a scenario that failed may have left it stopped
                self.postgres.stop()
        if self.has_small_disk:
            unmount(self.disk)
        shutil.rmtree(self.folder, ignore_errors=True)

    def logs(self) -> str:
        """The end of every process's output: why something went wrong."""
        return "".join(f"--- {log.name}\n{tail(log)}\n" for log in sorted(self.folder.glob("*.log")))


def tail(log: Path, characters: int = 3000) -> str:
    """The end of a file."""
    return log.read_text(errors="replace")[-characters:]
