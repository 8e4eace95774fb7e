"""How the hot statements reach the database: bound on the server, their places numbered once, lists as one value.

Django's own cursor writes values into the statement's text, a body as hex (2.5 times slower at 200 KB). psycopg's
usual cursor looks through the text for places each time, which for a list of a thousand ids costs more than the
statement itself; so lists travel as one value, and `numbered` remembers what it has seen.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import cache, lru_cache
from itertools import count
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection

from durable.models import LONGEST_LEASE


@cache
def is_postgres() -> bool:
    """Which of the two databases it is; `connection` looks through the thread's context for each question."""
    return connection.vendor == "postgresql"


def run(statement: str, values: Sequence[Any], *, is_kept: bool = False) -> list[tuple[Any, ...]]:
    """Execute one statement with its places written `%s`; returns its rows.

    `is_kept`: PostgreSQL keeps it prepared. Only for inserts: the plan of a query that was first run on an empty
    table would be kept too.
    """
    with cursor() as each:
        options = {"prepare": is_kept, "binary": True} if is_postgres() else {}
        each.execute(numbered(statement), values, **options)
        rows: list[tuple[Any, ...]] = each.fetchall()
        return rows


@contextmanager
def cursor() -> Iterator[Any]:
    """A cursor of the driver on Django's connection, on PostgreSQL one that binds on the server; errors are Django's.

    It takes statements that were `numbered`.
    """
    connection.ensure_connection()
    driver = connection.connection
    with (
        connection.wrap_database_errors,
        psycopg.RawCursor(driver) if is_postgres() else closing(driver.cursor()) as each,
    ):
        yield each


@lru_cache(maxsize=512)
def numbered(statement: str) -> str:
    """The statement with `$1`, `$2` and so on for its places, for SQLite with `?`, as the database wants them."""
    if not is_postgres():
        return statement.replace("%s", "?")
    first, *rest = statement.split("%s")
    numbers = count(1)
    return first + "".join(f"${next(numbers)}{part}" for part in rest)


FREE = "(leased_until IS NULL OR leased_until <= %s OR leased_until > %s)"
"""A condition: nobody holds the row. Its values are those of `free_at`."""


def free_at(now: datetime) -> tuple[Any, Any]:
    """Between which times a lease ends that holds at `now`; a later one was written by a clock that was wrong."""
    return adapted(now), adapted(now + LONGEST_LEASE)


def lock() -> str:
    """The end of a SELECT that claims: on PostgreSQL it takes what nobody else is just taking."""
    return "FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""


def place() -> str:
    """The column by which an UPDATE finds again what its own statement has locked; on PostgreSQL without an index."""
    return "ctid" if is_postgres() else "id"


def among(column: str) -> str:
    """A condition that takes an `id_list`."""
    if is_postgres():
        return f"{column} = ANY(%s::bigint[])"
    return f"{column} IN (SELECT value FROM json_each(%s))"


def id_list(ids: Collection[int]) -> str:
    """Any number of ids as one value: text, because psycopg takes a microsecond for each item of a list."""
    return f"{{{','.join(map(str, ids))}}}" if is_postgres() else json.dumps(list(ids))


def recordset(columns: dict[str, str]) -> str:
    """A table `v` of the objects in one JSON array, for FROM; `columns` has PostgreSQL's type for each name."""
    if is_postgres():
        typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        return f"json_to_recordset(%s::json) AS v({typed})"
    read = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in columns)
    return f"(SELECT {read} FROM json_each(%s)) AS v"


def joined(column: str) -> str:
    """An aggregate: the values of a group in the order in which they are read, with commas between them, as bytes."""
    if is_postgres():
        return f"convert_to(string_agg({column}::text, ','), 'UTF8')"
    return f"CAST(group_concat({column}, ',') AS BLOB)"


def byte_length(column: str) -> str:
    """An expression: how many bytes a text has as UTF-8."""
    return f"octet_length({column})" if is_postgres() else f"length(CAST({column} AS BLOB))"


def hour(column: str) -> str:
    """An expression that is the same for times of the same hour in UTC."""
    if is_postgres():
        return f"date_trunc('hour', {column}, 'UTC')"
    return f"substr({column}, 1, 13)"


def adapted(value: Any) -> Any:
    """The value as this database takes it: SQLite has times and ids as text, written as Django writes them."""
    if is_postgres():
        return value
    if isinstance(value, datetime):
        return str(value.astimezone(UTC).replace(tzinfo=None))
    return value.hex if isinstance(value, UUID) else value


def as_uuid(value: UUID | str | None) -> UUID | None:
    """SQLite keeps ids as text."""
    return UUID(value) if isinstance(value, str) else value


def as_time(value: datetime | str) -> datetime:
    """SQLite keeps times as text in UTC, and its driver may read them without saying so."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
