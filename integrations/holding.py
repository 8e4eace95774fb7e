"""Holding an FME environment: one field with a reason and the date of the next probe, never a retry per row."""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from durable.working import again_at
from integrations.fields import UnreadableSecret
from integrations.models import Environment


def open_environments(now: datetime) -> QuerySet[Environment]:
    """Environments that may be delivered to: with a key, and not held or due for a probe."""
    return Environment.objects.exclude(sdk_key="").filter(Q(hold_reason="") | Q(hold_until__lte=now))


def has_key(environment: Environment) -> bool:
    """Whether there is an SDK key that can be read; one that cannot holds the environment, with the reason."""
    try:
        return bool(environment.sdk_key)
    except UnreadableSecret as error:
        hold(environment, str(error), again_at(environment.hold_attempts + 1))
        return False


def read_key(environment: Environment) -> bool:
    """`has_key` of the SDK key read anew: it may be replaced or removed while a backlog is sent."""
    fresh = Environment.objects.only("sdk_key", "sdk_key_set_at").get(pk=environment.pk)
    environment.sdk_key_set_at = fresh.sdk_key_set_at
    if is_there := has_key(fresh):
        environment.sdk_key = fresh.sdk_key
    return is_there


def hold(environment: Environment, reason: str, until: datetime) -> None:
    """Hold delivery until a probe at `until` succeeds; counts how often that was done in a row.

    Workers that fail side by side are one failure, or the next probe would come much later than it should. What
    failed with a key that was replaced meanwhile says nothing about the new one.
    """
    Environment.objects.filter(pk=environment.pk, sdk_key_set_at=environment.sdk_key_set_at).update(
        hold_reason=reason[:2000], hold_until=until, hold_attempts=environment.hold_attempts + 1
    )


def bring_back(farthest: timedelta) -> int:
    """Probe now what is held for longer than `farthest`: only a clock that was wrong dates a probe like that."""
    now = timezone.now()
    return Environment.objects.filter(hold_until__gt=now + farthest).update(hold_until=now)


def begin_probe(environment: Environment, *, lease_seconds: float) -> bool:
    """Win the right to probe a held environment; the others leave it alone for the lease."""
    now = timezone.now()
    return bool(
        Environment.objects.filter(
            pk=environment.pk, hold_until=environment.hold_until, hold_until__lte=now
        ).update(hold_until=now + timedelta(seconds=lease_seconds))
    )


def lift(environment: Environment) -> None:
    """Deliver again: all that waited is due at once. Not when the key was replaced since: the new one proves itself."""
    Environment.objects.filter(pk=environment.pk, sdk_key_set_at=environment.sdk_key_set_at).exclude(
        hold_reason=""
    ).update(hold_reason="", hold_until=None, hold_attempts=0)
    environment.hold_reason, environment.hold_until, environment.hold_attempts = "", None, 0
