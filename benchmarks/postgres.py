"""A PostgreSQL of the benchmark's own: its CPU time is nobody else's, and nobody else's work disturbs it."""

import contextlib
import os
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from benchmarks import machine
from benchmarks.processes import Server

OPTIONS = {
    "synchronous_commit": "on", "fsync": "on", "full_page_writes": "on", "shared_buffers": "512MB",
    "max_wal_size": "4GB", "max_connections": "100", "listen_addresses": "127.0.0.1", "unix_socket_directories": "",
}  # fmt: skip

START_TRIES = 100


class Postgres:
    """A fresh cluster in `folder`, from entering until leaving the context."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
        folder.mkdir(parents=True)
        if user:
            shutil.chown(folder, user)
        how = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale")
        initdb = (program("initdb"), "-D", folder / "data", *how)
        subprocess.run(initdb, check=True, capture_output=True, user=user, cwd=folder)
        options = [part for name, value in OPTIONS.items() for part in ("-c", f"{name}={value}")]
        self.server = Server(
            [program("postgres"), "-D", folder / "data", "-p", str(port), *options],
            port=port, log=folder / "log", processors=machine.DATABASE_CPU, user=user,
        )  # fmt: skip

    def __enter__(self) -> Self:
        self.server.__enter__()
        for _ in range(START_TRIES):  # it listens before it lets anybody in
            with contextlib.suppress(psycopg.OperationalError):
                self.sql("postgres", "SELECT 1")
                break
            time.sleep(0.1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.__exit__(kind, value, trace)

    @property
    def pid(self) -> int:
        """Of the postmaster; all its backends are below it."""
        return self.server.pid

    def url(self, database: str) -> str:
        """What psycopg and DATABASE_URL take."""
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        """A fresh database; returns its address."""
        self.sql("postgres", f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        self.sql("postgres", f"CREATE DATABASE {database}")
        return self.url(database)

    def sql(self, database: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement by itself; returns its rows."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def wal_position(self) -> int:
        """Bytes of WAL ever written."""
        return int(self.sql("postgres", "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")[0][0])


def program(name: str) -> str:
    """Where one of PostgreSQL's programs is: on PATH, or where Debian puts it. Raises RuntimeError without one."""
    candidates = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    if found := shutil.which(name) or next(map(str, candidates), None):
        return found
    raise RuntimeError(f"PostgreSQL's server programs are needed: {name} was not found.")
