"""Deleting an integration together with what it has not delivered: hidden at once, dropped in batches."""

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from durable.drains import beat
from durable.models import State
from durable.stopping import stopping
from durable.wake import wake
from durable.working import work_off
from integrations.models import Discard, SentryIntegration
from integrations.services import remove_integration
from webhooks.models import InboxMessage, OutboxEvent, ReplayOrder
from webhooks.removing import remove_next

BATCH = 500
"""Rows dropped in one transaction: what is little is gone with the request, a backlog holds up nobody."""


@transaction.atomic
def remove_and_discard(integration: SentryIntegration) -> None:
    """Hide the integration, stop translating for it, and have dropped what it has not delivered.

    What is little is dropped here, the rest by the drain. Until that has come to an event it may still be sent, and
    a POST under way is not called back.
    """
    remove_integration(integration)
    ReplayOrder.objects.filter(integration=integration).delete()
    Discard.objects.get_or_create(
        integration=integration
    )  # of two clicks at once the second finds the first's
    drop_next(integration.pk)
    wake("discards")


def drain_discards() -> int:
    """Drop what deleted integrations left; returns how many were handled."""
    return work_off(Discard.objects.all(), drop)


def drop(discard: Discard) -> None:
    """Drop a batch at a time until nothing waits; one that is stopped or crashes goes on with what is left."""
    while not stopping.is_set():
        beat("discards")
        if not discard.renew(settings.LEASE_SECONDS):
            return
        drop_next(discard.integration_id)
        if not waiting(discard.integration_id).exists() and not undelivered(discard.integration_id).exists():
            discard.finish()
            return
    discard.reschedule(timezone.now())


@transaction.atomic
def drop_next(integration_id: int) -> None:
    """Drop a batch of what waits: messages and events.

    A message that is being replayed keeps the facts of its first translation, and what was delivered of it.
    """
    messages = InboxMessage.objects.filter(pk__in=batch_of(waiting(integration_id)))
    messages.filter(outcome="", events=None).delete()
    messages.update(state=State.DONE, claim=None, replay="", unverified_signature="")
    remove_next(undelivered(integration_id), most=BATCH)


def waiting(integration_id: int) -> QuerySet[InboxMessage]:
    """Messages that are still to be translated."""
    return InboxMessage.objects.filter(integration=integration_id, state=State.PENDING)


def undelivered(integration_id: int) -> QuerySet[OutboxEvent]:
    """Track events that FME has not taken and that are not given up: the one place here that asks for their state."""
    return OutboxEvent.objects.filter(message__integration=integration_id, delivery__state=State.PENDING)


def batch_of(rows: QuerySet[InboxMessage]) -> list[int]:
    """The keys of a batch, locked; what somebody else is just changing is left for the next time."""
    if connection.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(skip_locked=True, of=("self",))
    return list(rows.values_list("pk", flat=True)[:BATCH])
