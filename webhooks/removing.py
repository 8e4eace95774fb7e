"""Removing track events while deliveries are under way: counts stay true, and no delivery is left empty.

Deliveries are locked before their events, as by whoever splits or settles one.
"""

from django.db import transaction
from django.db.models import Q, QuerySet

from durable.models import State
from webhooks import sql
from webhooks.models import Delivery, OutboxEvent
from webhooks.rollups import taken_back

BATCH = 500


def remove(events: QuerySet[OutboxEvent]) -> int:
    """Remove `events`, a batch at a time, each in a transaction of its own; returns how many."""
    total = 0
    while events.exists():
        total += remove_next(events, most=BATCH)
    return total


@transaction.atomic
def remove_next(events: QuerySet[OutboxEvent], *, most: int) -> int:
    """Remove a few of `events`; returns how many. One that is moved to another delivery meanwhile is left."""
    found = dict(events.values_list("pk", "delivery")[:most])
    deliveries = locked({delivery for delivery in found.values() if delivery})
    rows = events.filter(Q(delivery=None) | Q(delivery__in=deliveries), pk__in=found)
    keys = list(rows.values_list("pk", flat=True))
    counted = taken_back(keys)
    OutboxEvent.objects.filter(pk__in=keys).delete()
    recount(deliveries)
    counted.store()
    return len(keys)


def locked(keys: set[int]) -> list[int]:
    """The deliveries that are there, held until the transaction ends, in an order that locks nobody out."""
    rows = Delivery.objects.filter(pk__in=keys).order_by("pk")
    return list(rows.select_for_update().values_list("pk", flat=True))


def recount(keys: list[int]) -> None:
    """Have deliveries say what they still hold; those left empty go. One under way is left to its worker."""
    statement = (
        "UPDATE webhooks_delivery AS d SET event_count = (SELECT count(*) FROM webhooks_outboxevent AS e "  # noqa: S608 - our own names
        "WHERE e.delivery_id = d.id), byte_count = (SELECT coalesce(sum("
        f"{sql.byte_length('e.body')} + 1), 0) FROM webhooks_outboxevent AS e WHERE e.delivery_id = d.id) "
        f"WHERE {sql.among('d.id')} RETURNING id"
    )
    sql.run(statement, [sql.id_list(keys)])
    empty = Delivery.objects.filter(pk__in=keys, event_count=0)
    empty.exclude(state=State.PENDING, claim__isnull=False).delete()
