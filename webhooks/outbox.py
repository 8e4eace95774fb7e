"""The outbox: track events go to FME in batches, per environment, at least once, and never twice knowingly.

Each POST has a `DeliveryAttempt` whose id is the claim token of the events it carries: opened in the transaction of
the claim, closed with the outcome. One still open when its lease ends was cut off by a crash: ambiguous. The lease is
renewed (the events move to the next attempt's token) before each further POST, or the events are let go.
"""

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import timedelta
from functools import cache
from uuid import uuid4

from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, connection, transaction
from django.utils import timezone

from durable.drains import beat
from durable.stopping import stopping
from integrations import holding
from integrations.models import Environment
from webhooks.delivery import Delivery
from webhooks.models import ClaimedEvent, DeliveryAttempt, OutboxEvent
from webhooks.queue import claim_events

LOOK_SECONDS = 0.2
"""How often new work of other environments is looked for while one is being delivered."""

PROBE_EVENTS = 1
"""What a probe of a held environment risks sending twice, should its answer get lost."""

FARTHEST = timedelta(hours=2)
"""No event and no probe is put off for longer than an hour; a later date was written by a clock that was wrong."""

LOST_RACE_SECONDS = 0.05

Outcome = DeliveryAttempt.Outcome


def drain_outbox() -> int:
    """Deliver every due event; environments side by side, so that none waits for another. Returns how many went."""
    mark_cut_off_attempts()
    OutboxEvent.objects.bring_back(FARTHEST)
    holding.bring_back(FARTHEST)
    if settings.OUTBOX_THREADS <= 1:
        return sum(deliver(environment) for environment in due_environments())
    return deliver_side_by_side(threads())


@cache
def threads() -> ThreadPoolExecutor:
    """The process's threads for delivery: kept, with their connections, because a new one costs more than a batch."""
    return ThreadPoolExecutor(settings.OUTBOX_THREADS, thread_name_prefix="outbox")


def deliver_side_by_side(pool: ThreadPoolExecutor) -> int:
    """One thread per environment with due events, until none has any."""
    flying: dict[int, Future[int]] = {}
    total = 0
    while True:
        beat("outbox")
        for environment in due_environments():
            if environment.pk not in flying:
                flying[environment.pk] = pool.submit(deliver_in_thread, environment)
        if not flying:
            return total
        wait(flying.values(), timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
        for pk in [pk for pk, future in flying.items() if future.done()]:
            total += flying.pop(pk).result()


def deliver_in_thread(environment: Environment) -> int:
    """`deliver` on this thread's connection, if it still is any good; after a failure the next time on a new one."""
    close_old_connections()
    try:
        return deliver(environment)
    except (OperationalError, InterfaceError):
        connection.close()
        raise


def due_environments() -> list[Environment]:
    """Environments that may be delivered to and have something due: one index look-up each."""
    if stopping.is_set():
        return []
    now = timezone.now()
    return [
        environment
        for environment in holding.open_environments(now)
        if OutboxEvent.objects.due(now).filter(environment=environment).exists()
    ]


def deliver(environment: Environment) -> int:
    """Deliver what is due for one environment until nothing is, it is held, or the worker has to stop."""
    if environment.is_held and not holding.begin_probe(environment, lease_seconds=settings.LEASE_SECONDS):
        return 0
    total = 0
    limit = PROBE_EVENTS if environment.is_held else settings.OUTBOX_BATCH_EVENTS
    while not stopping.is_set():
        claimed, attempt = claim(environment, limit=limit)
        if attempt is None:
            if OutboxEvent.objects.due().filter(environment=environment).exists():
                stopping.wait(LOST_RACE_SECONDS)
                continue
            break
        delivery = Delivery(environment, attempt)
        total += delivery.send(claimed)
        if delivery.is_held:
            break
        limit = settings.OUTBOX_BATCH_EVENTS
    return total


def claim(environment: Environment, *, limit: int) -> tuple[list[ClaimedEvent], DeliveryAttempt | None]:
    """Claim due events and open the attempt that will carry them, in one transaction."""
    now = timezone.now()
    attempt = DeliveryAttempt(
        id=uuid4(), environment=environment, started_at=now, event_count=0, byte_count=0
    )
    until = now + timedelta(seconds=settings.LEASE_SECONDS)
    with transaction.atomic():
        claimed = claim_events(attempt.id, environment_id=environment.pk, limit=limit, now=now, until=until)
        if not claimed:
            return [], None
        attempt.carry(claimed)
        attempt.save(force_insert=True)
    return claimed, attempt


def mark_cut_off_attempts() -> None:
    """An attempt still open after its lease was cut off by a crash: FME may have read it or not."""
    DeliveryAttempt.objects.filter(
        outcome=Outcome.OPEN, started_at__lt=timezone.now() - timedelta(seconds=settings.LEASE_SECONDS)
    ).update(
        outcome=Outcome.AMBIGUOUS,
        answer="The worker stopped before an answer was recorded. The events are sent again.",
    )
