"""Run inside the product: let its tables grow, or print what a claim of a hundred and an insert cost there, as JSON.

One argument: a number (so many rows, all of which wait: a backlog), "settle" (all but a few thousand are done: a
history) or "costs".
"""

import json
import sys
import time
from collections.abc import Callable, Collection
from datetime import timedelta
from functools import partial
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import django
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from psycopg.errors import Diagnostic

django.setup()

from integrations.models import Environment, SentryIntegration
from webhooks.delivery_rows import ClaimedDelivery, NewEvent, claim_deliveries, insert_events
from webhooks.inbox import BATCH_BYTES
from webhooks.message_rows import NewMessage, claim_messages, insert_messages
from webhooks.models import Delivery, InboxMessage, OutboxEvent

TRIES, CLAIM, WAITING = 3, 100, 8_000
SIZES = (100, 1)
"""Events to a delivery: as a burst leaves them, and as a trickle does."""

BODY = b'{"event": {}}'

AUTO_EXPLAIN = "; ".join(
    f"SET auto_explain.{name} = {value}"
    for name, value in {
        "log_min_duration": 0, "log_analyze": "on", "log_buffers": "on", "log_timing": "off", "log_format": "json",
        "log_level": "notice",
    }.items()
)  # fmt: skip
"""Each statement's plan comes as a notice, with the pages it read; the statement runs as it always does."""


def grow_messages(total: int) -> None:
    """Copies of one message until there are `total`: one statement."""
    random_id = "substr(md5(random()::text || n), 1, 32)" if is_postgres() else "lower(hex(randomblob(16)))"
    copy(InboxMessage, total - InboxMessage.objects.count(), {"event_id": random_id})


def grow_events(total: int) -> None:
    """Track events until there are `total`: half of them a hundred to a delivery, half one to a delivery."""
    for size, environment in zip(SIZES, environments(), strict=True):
        last = Delivery.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        lacking = total // len(SIZES) - OutboxEvent.objects.filter(environment=environment).count()
        place = {"environment_id": str(environment)}
        copy(Delivery, -(-lacking // size), {**place, "id": f"{last} + n", "event_count": str(size)})
        copy(OutboxEvent, lacking, {**place, "delivery_id": f"{last} + 1 + (n - 1) / {size}"})
    if is_postgres():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT setval('webhooks_delivery_id_seq', (SELECT max(id) FROM webhooks_delivery))"
            )


def environments() -> list[int]:
    """One environment for each size of delivery."""
    return list(Environment.objects.order_by("pk").values_list("pk", flat=True)[: len(SIZES)])


def copy(
    model: type[InboxMessage] | type[Delivery] | type[OutboxEvent], count: int, drawn: dict[str, str]
) -> None:
    """`count` copies of the first row, with an expression of `n` for each column in `drawn`."""
    pattern = model.objects.order_by("pk")[0]
    columns = {str(field.column): field.get_db_prep_value(getattr(pattern, field.attname), connection)
               for field in model._meta.concrete_fields if field.column not in ("id", *drawn)}  # fmt: skip
    numbers = f"generate_series(1, {count}) AS n"
    if not is_postgres():
        numbers = f"(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) SELECT n FROM s)"
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


def cost(
    work: Callable[[UUID], Collection[Any]], queue: type[InboxMessage] | type[Delivery] | None = None
) -> float:
    """Buffers on PostgreSQL, milliseconds on SQLite: the median of some tries, after one that warms up.

    What a try claims of `queue` is done before the next, as in a drain: claims that PostgreSQL rolls back leave more
    dead rows than a drain does, and a later try would read them. SQLite leaves none: there a rehearsal fills the cache.
    """
    tried = []
    for _ in range(1 + TRIES):
        token = uuid4()
        if not is_postgres():
            with transaction.atomic():
                work(token)
                transaction.set_rollback(True)
        with transaction.atomic():
            taken, claimed = (buffers if is_postgres() else milliseconds)(partial(work, token))
        tried.append(taken)
        if queue:
            queue.objects.filter(pk__in=[one.id for one in claimed]).update(state="done", claim=None)
    return median(tried[1:])


def milliseconds(work: Callable[[], Collection[Any]]) -> tuple[float, Collection[Any]]:
    """Time of one try, without its commit, and what it gave."""
    start = time.perf_counter()
    given = work()
    return 1000 * (time.perf_counter() - start), given


def buffers(work: Callable[[], Collection[Any]]) -> tuple[float, Collection[Any]]:
    """Pages read or hit by the statements that `work` runs, as PostgreSQL's auto_explain tells them; what it gave."""
    plans: list[dict[str, float]] = []

    def note(notice: Diagnostic) -> None:
        plans.append(json.loads(str(notice.message_primary).partition("plan:")[2])["Plan"])

    with connection.cursor() as cursor:
        cursor.execute(f"LOAD 'auto_explain'; {AUTO_EXPLAIN}")
    connection.connection.add_notice_handler(note)
    try:
        given = work()
    finally:
        connection.connection.remove_notice_handler(note)
    return sum(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] for plan in plans), given


def costs() -> dict[str, float]:
    """Of one claim of each queue, and of storing one message."""
    now = timezone.now()
    until = now + timedelta(seconds=30)
    integration = SentryIntegration.objects.get().pk
    together, apart = environments()

    def claim_events(environment: int, token: UUID) -> list[ClaimedDelivery]:
        return claim_deliveries(
            token, environment_id=environment, max_events=CLAIM, max_bytes=10**6, now=now, until=until
        )

    return {
        "claim of 100 messages": cost(
            lambda token: claim_messages(token, limit=CLAIM, max_bytes=BATCH_BYTES, now=now, until=until),
            InboxMessage,
        ),
        "claim of 100 events, one delivery": cost(partial(claim_events, together), Delivery),
        "claim of 100 events, 100 deliveries": cost(partial(claim_events, apart), Delivery),
        "insert": cost(
            lambda token: insert_messages(
                [NewMessage(integration, token.hex, "service_hook", now, BODY * 1_500)]
            )
        ),
    }


def settle() -> None:
    """All but the last rows of each kind are done."""
    waits: list[tuple[QuerySet[Any], int]] = [
        (InboxMessage.objects.all(), WAITING),
        *(
            (Delivery.objects.filter(environment=environment), WAITING // len(SIZES) // size)
            for environment, size in zip(environments(), SIZES, strict=True)
        ),
    ]
    for rows, left in waits:
        last = rows.order_by("-pk").values_list("pk", flat=True)[left]
        rows.filter(pk__lte=last).update(state="done")


def vacuum() -> None:
    """What autovacuum does in time."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if is_postgres() else "ANALYZE")


def grow(total: int) -> None:
    """`total` messages and `total` events, made of one each."""
    message = InboxMessage.objects.create(
        integration=SentryIntegration.objects.get(), event_id=uuid4().hex, body=BODY, source="service_hook"
    )
    event = NewEvent(message.pk, environments()[0], "sentry_exception", "user", "k", 1, "{}" * 150)
    insert_events([event], now=timezone.now())
    grow_messages(total)
    grow_events(total)
    vacuum()


def main(what: str) -> None:
    """Do what is asked for; prints {what: cost}, empty for the two that change the tables."""
    found: dict[str, float] = {}
    if what == "costs":
        found = costs()
    elif what == "settle":
        settle()
        vacuum()
    else:
        grow(int(what))
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
