"""The API's filters of messages, and what it counts of them."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Final

from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from durable.models import State
from integrations.models import SentryIntegration
from webhooks.models import InboxMessage, OutboxEvent
from webhooks.pages.filters import Filter
from webhooks.spans import CUSTOM, Span

FOLLOWED: Final = {
    "pending": "waiting",
    "waiting": "waiting",
    "dead": "failed",
    "skipped": "dropped",
    "done": "delivered",
    "delivered": "delivered",
}
"""By each of `MESSAGE_STATES`, the state of the log whose messages are looked through for it."""


def wanted_of(integration: SentryIntegration, filters: dict[str, Any]) -> Filter:
    """What the log is asked for by the filters of `MessageFilterSerializer`."""
    span = Span(CUSTOM, filters.get("received_after"), filters.get("received_before"))
    state, text = FOLLOWED.get(filters.get("state", ""), ""), event_id_of(filters)
    wanted = Filter((integration,), span, state=state, text=text)
    return replace(wanted, integrations=()) if text and not wanted.event_id else wanted


def left_of(filters: dict[str, Any], wanted: Filter, ids: Collection[int]) -> Q:
    """What the filters ask beyond what the log's index answers."""
    condition = of_state(filters["state"], ids) if "state" in filters else Q()
    return condition & Q(event_id=event_id_of(filters)) if "event_id" in filters else condition


def event_id_of(filters: dict[str, Any]) -> str:
    """The event id as it is stored; blank for none."""
    return str(filters.get("event_id", "")).replace("-", "").lower()


def of_state(word: str, ids: Collection[int]) -> Q:
    """Messages in a state by the words of `MESSAGE_STATES`, among those with these ids."""
    events = OutboxEvent.objects.filter(message__in=ids).values("message")
    if word == "waiting":
        return Q(pk__in=events.filter(delivery__state=State.PENDING))
    if word == "skipped":
        return Q(state=State.DONE) & ~Q(pk__in=events)
    if word == "delivered":
        return Q(pk__in=events) & ~Q(pk__in=events.exclude(delivery__state=State.DONE))
    return Q(state=word)


def events_of_message(**conditions: Any) -> Coalesce:
    """How many events a message has, as an annotation: a look into the index per message shown."""
    events = OutboxEvent.objects.filter(message=OuterRef("pk"), **conditions).order_by().values("message")
    return Coalesce(Subquery(events.annotate(count=Count("pk")).values("count")), 0)


def count_events(messages: Sequence[InboxMessage]) -> None:
    """Give each of a page of messages its `events_total` and `events_delivered`; one query."""
    events = OutboxEvent.objects.filter(message__in=[message.pk for message in messages]).order_by()
    delivered = Count("pk", filter=Q(delivery__state=State.DONE))
    rows = events.values_list("message").annotate(total=Count("pk"), delivered=delivered)
    counts = {pk: (total, done) for pk, total, done in rows}
    for message in messages:
        message.events_total, message.events_delivered = counts.get(message.pk, (0, 0))  # type: ignore[attr-defined]  # for the serializer
