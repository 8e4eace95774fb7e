"""What answering a request reads: rows by the database's own account, or the steps it took."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

STEP = 20
"""SQLite tells of every so many steps of its virtual machine."""


@dataclass(slots=True)
class Cost:
    """`reads` is rows on PostgreSQL and steps on SQLite; `buffers` are PostgreSQL's pages of 8 KB, 0 on SQLite."""

    queries: int = 0
    reads: int = 0
    buffers: int = 0
    dearest: tuple[int, str] = field(default=(0, ""))

    def add(self, statement: str, reads: int, buffers: int = 0) -> None:
        """Count one statement."""
        self.queries += 1
        self.reads += reads
        self.buffers += buffers
        self.dearest = max(self.dearest, (reads, statement))


def measured() -> AbstractContextManager[Cost]:
    """Measure every SELECT inside; each is run once more on PostgreSQL, to be explained."""
    return _explained() if connection.vendor == "postgresql" else _stepped()


@contextmanager
def _explained() -> Iterator[Cost]:
    cost = Cost()

    def explain(
        execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        if _reads(sql):
            with connection.connection.cursor() as cursor:  # not Django's: it may be one on the server
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {sql}", params)
                plan = cursor.fetchone()[0]
            plan = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
            buffers = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
            cost.add(sql, round(sum(map(_rows_of, _nodes(plan)))), buffers)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield cost


@contextmanager
def _stepped() -> Iterator[Cost]:
    cost, steps = Cost(), 0

    def tick() -> int:
        nonlocal steps
        steps += STEP
        return 0

    def count(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """Rows that were not fetched yet when the next statement begins belong to this one's successor."""
        nonlocal steps
        before, steps = steps, 0
        cost.reads += before
        answer = execute(sql, params, many, context)
        if _reads(sql):
            cost.add(sql, steps)
            steps = 0
        return answer

    connection.ensure_connection()
    connection.connection.set_progress_handler(tick, STEP)
    try:
        with connection.execute_wrapper(count):
            yield cost
    finally:
        connection.connection.set_progress_handler(None, STEP)
        cost.reads += steps


def _reads(sql: str) -> bool:
    return sql.lstrip("( ").upper().startswith(("SELECT", "WITH"))


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def _rows_of(node: dict[str, Any]) -> float:
    """Rows that a scan of a table looked at, those it threw away included."""
    if "Relation Name" not in node:
        return 0
    seen = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    return sum(node.get(name, 0) for name in seen) * node["Actual Loops"]
