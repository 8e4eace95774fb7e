"""Run inside the product: what a claim of a hundred and an insert cost in a small and in a large table, as JSON.

Arguments: rows of the small and of the large table. Twice each: every row waits (a backlog), and all but a few
thousand are done (a history). Nothing is kept of what is measured: each try is rolled back.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from statistics import median
from typing import Any
from uuid import uuid4

import django
from django.db import connection, transaction
from django.utils import timezone

django.setup()

from integrations.models import Environment, SentryIntegration  # noqa: E402 - the apps have to be ready first
from webhooks import sql  # noqa: E402
from webhooks.models import InboxMessage, OutboxEvent  # noqa: E402
from webhooks.queue import NewMessage, claim_events, claim_messages, insert_messages  # noqa: E402

TRIES, CLAIM, WAITING = 9, 100, 8_000
BODY = b'{"event": {}}'


def grow(model: type[InboxMessage] | type[OutboxEvent], total: int) -> None:
    """Copies of one row until there are `total`: one statement."""
    pattern = model.objects.order_by("pk")[0]
    columns = {str(field.column): field.get_db_prep_value(getattr(pattern, field.attname), connection)
               for field in model._meta.concrete_fields if field.column not in ("id", "event_id")}  # fmt: skip
    event_id = {
        "event_id": "substr(md5(random()::text || n), 1, 32)"
        if is_postgres()
        else "lower(hex(randomblob(16)))"
    }
    drawn = event_id if model is InboxMessage else {}
    numbers = f"generate_series(1, {total - model.objects.count()}) AS n"
    if not is_postgres():
        numbers = (
            "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < "
            f"{total - model.objects.count()}) SELECT n FROM s)"
        )
    names = ", ".join([*columns, *drawn])
    places = ", ".join([*(["%s"] * len(columns)), *drawn.values()])
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({names}) SELECT {places} FROM {numbers}",
            list(columns.values()),
        )


def is_postgres() -> bool:
    """Which of the two databases this is."""
    return connection.vendor == "postgresql"


def cost(work: Callable[[], Any]) -> float:
    """Buffers on PostgreSQL, milliseconds on SQLite: the median of several tries, each rolled back."""
    return median((buffers if is_postgres() else milliseconds)(work) for _ in range(TRIES))


def milliseconds(work: Callable[[], Any]) -> float:
    """Time of one try."""
    with transaction.atomic():
        start = time.perf_counter()
        work()
        taken = time.perf_counter() - start
        transaction.set_rollback(True)
    return 1000 * taken


def buffers(work: Callable[[], Any]) -> float:
    """Pages read or hit by the statement that `work` runs, by EXPLAIN in its place."""
    plans: list[dict[str, float]] = []
    real = sql.run

    def explained(statement: str, values: Sequence[Any], *, is_kept: bool = False) -> list[tuple[Any, ...]]:
        plans.append(real(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", values)[0][0][0]["Plan"])
        return []

    sql.run = explained
    try:
        with transaction.atomic():
            work()
            transaction.set_rollback(True)
    finally:
        sql.run = real
    return sum(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] for plan in plans)


def costs() -> dict[str, float]:
    """Of one claim of each queue, and of storing one message."""
    now, environment = timezone.now(), Environment.objects.order_by("pk")[0].pk
    until = now + timedelta(seconds=30)
    new = NewMessage(SentryIntegration.objects.get().pk, uuid4().hex, "service_hook", now, BODY * 1_500)
    return {
        "claim of messages": cost(lambda: claim_messages(uuid4(), limit=CLAIM, now=now, until=until)),
        "claim of events": cost(
            lambda: claim_events(uuid4(), environment_id=environment, limit=CLAIM, now=now, until=until)
        ),
        "insert": cost(lambda: insert_messages([new])),
    }


def settle(model: type[InboxMessage] | type[OutboxEvent]) -> None:
    """All but the last rows are done."""
    last = model.objects.order_by("-pk").values_list("pk", flat=True)[WAITING]
    model.objects.filter(pk__lte=last).update(state="done")


def vacuum() -> None:
    """What autovacuum does in time."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if is_postgres() else "ANALYZE")


def main(sizes: Sequence[int]) -> None:
    """Backlog and history at each size; prints {what: [at the small, at the large]}."""
    message = InboxMessage.objects.create(
        integration=SentryIntegration.objects.get(), event_id=uuid4().hex, body=BODY, source="service_hook"
    )
    environment = Environment.objects.order_by("pk")[0]
    OutboxEvent.objects.create(
        message=message, environment=environment, event_type="sentry_exception", traffic_type="user", key="k",
        timestamp_ms=1, body="{}" * 150,
    )  # fmt: skip
    found: dict[str, list[float]] = {}
    for size in sizes:
        for model in (InboxMessage, OutboxEvent):
            model.objects.update(state="pending")
            grow(model, size)
        for kind in ("backlog", "history"):
            vacuum()
            for what, value in costs().items():
                if what == "insert" and kind == "history":
                    continue
                found.setdefault(what if what == "insert" else f"{what}, {kind}", []).append(value)
            for model in (InboxMessage, OutboxEvent):
                settle(model)
    print(json.dumps(found))


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]])
