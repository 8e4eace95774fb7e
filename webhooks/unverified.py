"""Messages that came before their hook's secret was known: proven, or found forged, once it is."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from durable.working import again_at
from integrations.fields import UnreadableSecret
from integrations.models import ServiceHook
from webhooks.message_rows import ClaimedMessage, held_row
from webhooks.reasons import FORGED
from webhooks.rollups import Count, Tally
from webhooks.signature import verify


def verified(token: UUID, batch: Sequence[ClaimedMessage]) -> list[ClaimedMessage]:
    """The messages whose signature is proven; what waited for its hook's secret is checked here."""
    waiting = [message for message in batch if message.unverified_signature]
    if not waiting:
        return list(batch)
    hooks = ServiceHook.objects.in_bulk({message.hook_address for message in waiting}, field_name="address")
    genuine = [message for message in batch if not message.unverified_signature]
    for message in waiting:
        hook = hooks.get(message.hook_address)
        secret, waits = secret_of(hook)
        if secret and verify(message.body, secret, message.unverified_signature):
            genuine.append(message)
        else:
            settle_unverified(token, message, waits)
    return genuine


def secret_of(hook: ServiceHook | None) -> tuple[str, str]:
    """A hook's secret; or none, and why it is worth waiting for, if it is."""
    try:
        secret = hook.secret if hook else ""
    except UnreadableSecret as error:
        return "", str(error)
    if hook and not secret and hook.takes_messages and hook.state != "dead":
        return "", "Waiting for the secret of the service hook, which Sentry has not told yet."
    return secret, ""


def settle_unverified(token: UUID, message: ClaimedMessage, waits: str) -> None:
    """Wait for the secret while there will be one; a signature that does not match it is a forgery."""
    row = held_row(token, message)
    if row is None:
        return
    if waits:
        row.retry(again_at(row.attempts), waits)
    else:
        reason = (
            "The signature does not match the service hook's secret: the message did not come from Sentry."
        )
        is_known = message.reason == FORGED  # and was counted when it came
        with transaction.atomic():
            if row.bury(reason, reason=FORGED) and not is_known:
                tally = Tally()
                tally.add(message.integration_id, Count.UNVERIFIED, message.received_at)
                tally.store()
