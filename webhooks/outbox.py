"""The outbox: track events go to FME in batches, per environment, at least once, and never twice knowingly.

Events are claimed, posted and settled by the `Delivery`, a row for up to a thousand of them. Each POST has a
`DeliveryAttempt` whose id is the claim token of the deliveries it carries: opened in the transaction of the claim,
closed with the outcome. One still open when its lease ends was cut off by a crash: ambiguous. The lease is renewed (the
deliveries move to the next attempt's token) before each further POST, or they are let go.
"""

import logging
import time
from collections.abc import Collection
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
from webhooks.adopting import adopt
from webhooks.courier import Courier
from webhooks.delivery_rows import (
    ClaimedDelivery,
    claim_deliveries,
    close_attempts_before,
    environments_with_due,
    insert_attempt,
    move_deliveries,
    split_delivery,
    without_emptied,
)
from webhooks.models import Delivery, DeliveryAttempt

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
"""How often new work of other environments is looked for while one is being delivered."""

FARTHEST = timedelta(hours=2)
"""No delivery and no probe is put off for longer than an hour; a later date was written by a clock that was wrong."""

KEY_SECONDS = 1.0
"""How long an SDK key is used for claims as it was read: reading it for each costs a sixth of sending a full batch."""

TIDY_SECONDS = 1.0
"""How often a process looks for what was left lying; in a burst it is rung for fifty times a second."""

LOST_RACE_SECONDS = 0.05

_tidied_at = -TIDY_SECONDS


class NoConnection(Exception):
    """The database gave this thread none; nothing was claimed."""


def drain_outbox() -> int:
    """Deliver every due event; environments side by side, so that none waits for another. Returns how many went."""
    mark_cut_off_attempts()
    tidy()
    if settings.OUTBOX_THREADS <= 1:
        return sum(deliver(environment) for environment in due_environments())
    return deliver_side_by_side(threads())


def tidy() -> None:
    """See to what wrong clocks and older versions left lying, unless that was done a moment ago."""
    global _tidied_at
    if (now := time.monotonic()) - _tidied_at < TIDY_SECONDS:
        return
    _tidied_at = now
    adopt()
    Delivery.objects.bring_back(FARTHEST)
    holding.bring_back(FARTHEST)


@cache
def threads() -> ThreadPoolExecutor:
    """The process's threads for delivery: kept, with their connections, because a new one costs more than a batch."""
    return ThreadPoolExecutor(settings.OUTBOX_THREADS, thread_name_prefix="outbox")


def deliver_side_by_side(pool: ThreadPoolExecutor) -> int:
    """One thread per environment with due events, until none has any.

    Where the database has no connection left for a thread, this one, which has one, delivers instead.
    """
    flying: dict[Environment, Future[int]] = {}
    total = 0
    while True:
        beat("outbox")
        for environment in due_environments(apart_from=flying):
            flying[environment] = pool.submit(deliver_in_thread, environment)
        if not flying:
            return total
        wait(flying.values(), timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
        for environment in [each for each, future in flying.items() if future.done()]:
            try:
                total += flying.pop(environment).result()
            except NoConnection:
                total += deliver(environment)


def deliver_in_thread(environment: Environment) -> int:
    """`deliver` on this thread's connection, if it still is any good; after a failure the next time on a new one."""
    close_old_connections()
    try:
        connection.ensure_connection()
    except OperationalError as error:
        raise NoConnection from error
    try:
        return deliver(environment)
    except (OperationalError, InterfaceError):
        connection.close()
        raise


def due_environments(apart_from: Collection[Environment] = ()) -> list[Environment]:
    """Environments that may be delivered to and have something due, but not those in `apart_from`."""
    if stopping.is_set():
        return []
    now = timezone.now()
    known = {environment.pk for environment in apart_from}
    found = [id_ for id_ in environments_with_due(now) if id_ not in known]
    return list(holding.open_environments(now).filter(pk__in=found)) if found else []


def deliver(environment: Environment) -> int:
    """Deliver what is due for one environment until nothing is, it is held, or the worker has to stop."""
    is_probe = environment.is_held
    if is_probe and not holding.begin_probe(environment, lease_seconds=settings.LEASE_SECONDS):
        return 0
    if not holding.has_key(environment):
        return 0
    total, read_at = 0, time.monotonic()
    while not stopping.is_set():
        if time.monotonic() - read_at > KEY_SECONDS:
            read_at = time.monotonic()
            if not holding.read_key(environment):
                break
        claimed, attempt = claim(environment, is_probe=is_probe)
        if attempt is None:
            if environment.pk in environments_with_due(timezone.now()):  # another worker was just claiming it
                stopping.wait(LOST_RACE_SECONDS)
                continue
            break
        courier = Courier(environment, attempt)
        total += courier.send(claimed)
        if courier.is_held:
            break
        is_probe = False
    return total


def claim(
    environment: Environment, *, is_probe: bool
) -> tuple[list[ClaimedDelivery], DeliveryAttempt | None]:
    """Claim as much of what is due as one POST takes, and open the attempt that will carry it, in one transaction."""
    now = timezone.now()
    attempt = DeliveryAttempt(id=uuid4(), environment=environment, started_at=now)
    with transaction.atomic():
        claimed = claim_deliveries(
            attempt.id,
            environment_id=environment.pk,
            max_events=1 if is_probe else settings.OUTBOX_BATCH_EVENTS,
            max_bytes=settings.OUTBOX_BATCH_BYTES,
            now=now,
            until=now + timedelta(seconds=settings.LEASE_SECONDS),
        )
        claimed = without_emptied(attempt.id, claimed)
        if is_probe and claimed:
            claimed = without_emptied(attempt.id, [alone(attempt, claimed[0])])
        if not claimed:
            return [], None
        insert_attempt(attempt, claimed)
    if any(one.attempts > 1 for one in claimed):
        _mark_before_sending_again()
    return claimed, attempt


def _mark_before_sending_again() -> None:
    """The attempts that had them are ambiguous. Should that fail they are sent all the same; the next drain marks."""
    try:
        mark_cut_off_attempts()
    except (OperationalError, InterfaceError) as error:
        logger.warning("Attempts that were cut off are marked later: %s", type(error).__name__)


def alone(attempt: DeliveryAttempt, delivery: ClaimedDelivery) -> ClaimedDelivery:
    """One event for a probe: should its answer get lost, no more is sent twice. The rest stays due."""
    if delivery.event_count == 1:
        return delivery
    first, rest = split_delivery(attempt.id, delivery.id, first=1)
    move_deliveries([rest.id], attempt.id, claim=None, leased_until=None)
    return first


def mark_cut_off_attempts() -> None:
    """An attempt still open after its lease was cut off by a crash: FME may have read it or not."""
    close_attempts_before(
        timezone.now() - timedelta(seconds=settings.LEASE_SECONDS),
        outcome=DeliveryAttempt.Outcome.AMBIGUOUS,
        answer="The worker stopped before an answer was recorded. The events are sent again.",
    )
