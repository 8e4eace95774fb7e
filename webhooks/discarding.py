"""Deleting an integration together with what it has not delivered."""

from django.db import transaction

from durable.models import State
from integrations.models import SentryIntegration
from integrations.services import remove_integration
from webhooks.models import InboxMessage, OutboxEvent


@transaction.atomic
def remove_and_discard(integration: SentryIntegration) -> None:
    """Hide the integration and drop what waits: messages not yet translated and events not yet delivered.

    A POST under way is not called back; what it carries may still arrive.
    """
    remove_integration(integration)
    InboxMessage.objects.filter(integration=integration, state=State.PENDING).delete()
    OutboxEvent.objects.filter(message__integration=integration, state=State.PENDING).delete()
