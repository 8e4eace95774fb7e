"""Requests to a known hook's address that were refused: counted by integration, hour and reason.

A refused request is no row, and must cause none: whoever knows an address could otherwise have us write as often as
they like. A forger makes one row per reason and hour, however often they try.
"""

from collections import Counter
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from integrations.models import SentryIntegration
from webhooks import hook_secrets
from webhooks.counters import Sums
from webhooks.outcome import Outcome
from webhooks.rollups import Count, Key, Tally, Value, hour_of

COUNTED: Final = frozenset(
    {Outcome.BAD_SIGNATURE, Outcome.UNREADABLE, Outcome.TOO_LARGE, Outcome.CUT_SHORT, Outcome.FULL}
)
HOUR: Final = timedelta(hours=1)


def note(address: UUID | None, outcome: Outcome) -> None:
    """Count `outcome` if it is a refusal and `address` is a hook this process knows; reaches no database."""
    if address is None or outcome not in COUNTED:
        return
    hook = hook_secrets.cache.stale(address)
    now = timezone.now()
    if hook is None or hook.integration_id is None or not hook.takes(now):
        return
    sums.add(Key(hook.integration_id, Count.REFUSED, hour_of(now), outcome.label))


@transaction.atomic
def store(counts: Counter[Key]) -> None:
    """Add `counts` to the hourly counts; those of integrations that are gone are dropped."""
    wanted = {key.integration_id for key in counts}
    there = set(SentryIntegration.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    now, tally = timezone.now(), Tally()
    tally.rows = {
        key: Value(count, min(now, key.hour + HOUR), "")
        for key, count in counts.items()
        if key.integration_id in there
    }
    tally.store()


sums: Sums[Key] = Sums(store)
