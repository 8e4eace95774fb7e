"""The API's filters of messages, and what it counts of them."""

from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from durable.models import State
from webhooks.models import InboxMessage, OutboxEvent


def filtered(messages: QuerySet[InboxMessage], filters: dict[str, Any]) -> QuerySet[InboxMessage]:
    """The messages that a filter of `MessageFilterSerializer` leaves."""
    if "state" in filters:
        messages = messages.filter(of_state(filters["state"]))
    if "received_after" in filters:
        messages = messages.filter(received_at__gte=filters["received_after"])
    if "received_before" in filters:
        messages = messages.filter(received_at__lt=filters["received_before"])
    if "event_id" in filters:
        messages = messages.filter(event_id=filters["event_id"].replace("-", "").lower())
    return messages


def of_state(word: str) -> Q:
    """Messages in a state by the words of `MESSAGE_STATES`."""
    events = OutboxEvent.objects.filter(message=OuterRef("pk"))
    if word == "waiting":
        return Q(Exists(events.filter(state=State.PENDING)))
    if word == "skipped":
        return Q(state=State.DONE) & ~Q(Exists(events))
    if word == "delivered":
        return Q(Exists(events)) & ~Q(Exists(events.exclude(state=State.DONE)))
    return Q(state=word)


def events_of_message(**conditions: Any) -> Coalesce:
    """How many events a message has, as an annotation: a look into the index per message shown."""
    events = OutboxEvent.objects.filter(message=OuterRef("pk"), **conditions).order_by().values("message")
    return Coalesce(Subquery(events.annotate(count=Count("pk")).values("count")), 0)
