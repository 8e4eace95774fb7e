"""The sandbox's memory: one SQLite file, one connection, one lock; safe under threads, kept over restarts."""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.options import options
from sandbox.schema import SCHEMA, TABLES

Json = dict[str, Any]


class Store:
    """Rows in, rows out. Everything inside `write()` is one transaction."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(path, timeout=20, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        # A power cut may cost the last moments of a sandbox; a killed process costs nothing.
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.executescript(SCHEMA)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction; nested ones join the outer one."""
        with self._lock:
            if self._depth:
                yield self._db
                return
            self._db.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            else:
                self._db.execute("COMMIT")
            finally:
                self._depth = 0

    def run(self, sql: str, *values: object) -> int:
        """One statement; answers the number of rows it changed."""
        with self.write() as db:
            return db.execute(sql, values).rowcount

    def insert(self, table: str, **values: object) -> int:
        """One row; answers its rowid."""
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        with self.write() as db:
            return (
                db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", [*values.values()]).lastrowid
                or 0
            )

    def insert_many(self, sql: str, rows: Iterable[tuple[object, ...]]) -> None:
        with self.write() as db:
            db.executemany(sql, rows)

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def named(self, sql: str, values: Json) -> list[sqlite3.Row]:
        """Rows of a query with `:names` in it."""
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def row(self, sql: str, *values: object) -> sqlite3.Row | None:
        with self._lock:
            found: sqlite3.Row | None = self._db.execute(sql, values).fetchone()
            return found

    def one(self, sql: str, *values: object) -> sqlite3.Row:
        """The only row of a query that has to find one; LookupError when it does not."""
        found = self.row(sql, *values)
        if found is None:
            raise LookupError(f"{sql} {values}")
        return found

    def value(self, sql: str, *values: object) -> Any:
        """The first column of the first row, or None."""
        found = self.row(sql, *values)
        return found[0] if found else None

    def empty(self) -> None:
        """Forget everything; ids start anew."""
        with self.write() as db:
            for table in TABLES:
                db.execute(f"DELETE FROM {table}")
            db.execute("DELETE FROM sqlite_sequence")


@cache
def store() -> Store:
    """The store of this process."""
    return Store(options().state)


def setting(name: str, default: Any) -> Any:
    """A switch of the control interface, or its default."""
    text = store().value("SELECT value FROM settings WHERE name = ?", name)
    return default if text is None else json.loads(text)


def set_setting(name: str, value: object) -> None:
    store().run("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", name, json.dumps(value))
