"""Resend: track events that were given up, and messages that failed before they became any, once more."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from durable.models import DurableQuerySet, State
from durable.wake import wake
from integrations.models import Environment, SentryIntegration
from webhooks.models import Delivery, InboxMessage
from webhooks.replaying import replay
from webhooks.rollups import count_dead
from webhooks.spans import Span

MOST_AT_ONCE = 10_000
"""Of each, resent by one order; what is beyond it takes another."""


@dataclass(frozen=True, slots=True)
class Failed:
    """What failed: track events that FME refused for good, and messages that could not be translated or verified."""

    deliveries: DurableQuerySet[Delivery]
    """Of one event each: what FME refuses is split until the event is alone."""
    messages: DurableQuerySet[InboxMessage]

    def count(self) -> tuple[int, int]:
        """How many track events and how many messages."""
        return self.deliveries.count(), self.messages.count()

    def resend(self) -> tuple[int, int]:
        """Make all of it due now; what was delivered is not touched. Returns how many of each."""
        return revive(self.deliveries), replay(self.messages)


@transaction.atomic
def revive(deliveries: QuerySet[Delivery]) -> int:
    """Make those that are dead due now and take them out of the count of the dead; returns how many.

    They are locked first: of two clicks one finds them dead, and what was delivered since is no longer.
    """
    dead = chosen(deliveries).filter(state=State.DEAD).order_by("pk")
    held = list(dead.select_for_update().values_list("pk", flat=True))
    count_dead(held, sign=-1)
    Delivery.objects.filter(pk__in=held).arm()
    wake("outbox")
    return len(held)


def send_now(deliveries: QuerySet[Delivery]) -> int:
    """Have what was given up sent again, and what waits for its date sent now; what is under way is left alone."""
    waiting = chosen(deliveries).filter(state=State.PENDING, claim=None)
    return waiting.update(due_at=timezone.now()) + revive(deliveries)


def chosen(deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """The same rows each once, whatever was joined, sorted or cut to find them: to be locked and changed."""
    return Delivery.objects.filter(pk__in=deliveries.values("pk"))


def failed_since(integration: SentryIntegration, span: Span) -> Failed:
    """What failed of the messages received in that time; read by the indexes of what is dead."""
    places = Environment.objects.filter(project=integration.project_id).values_list("pk", flat=True)
    dead = Delivery.objects.filter(environment__in=list(places), state=State.DEAD)
    ends = {}
    if span.since:
        ends["received_at__gte"] = span.since
    if span.until:
        ends["received_at__lt"] = span.until
    of_events = {f"events__message__{name}": end for name, end in ends.items()}
    messages = InboxMessage.objects.filter(integration=integration, state=State.DEAD, **ends)
    return _at_most(dead.filter(events__message__integration=integration, **of_events), messages)


def failed_of(message: InboxMessage) -> Failed:
    """What failed of one message."""
    return _at_most(
        Delivery.objects.filter(events__message=message, state=State.DEAD),
        InboxMessage.objects.filter(pk=message.pk, state=State.DEAD),
    )


def _at_most(deliveries: QuerySet[Delivery], messages: QuerySet[InboxMessage]) -> Failed:
    newest_deliveries = deliveries.order_by("-pk").values("pk")[:MOST_AT_ONCE]
    newest = messages.exclude(body=None).order_by("-pk").values("pk")[:MOST_AT_ONCE]
    return Failed(
        Delivery.objects.filter(pk__in=newest_deliveries), InboxMessage.objects.filter(pk__in=newest)
    )
