"""What one claim leads to: one POST, or several when FME refuses what was claimed and it is halved."""

import logging
import random
import time
import traceback
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from durable.models import FAULT_LIMIT
from durable.patience import patiently
from durable.stopping import stopping
from durable.working import again_at
from integrations import holding
from integrations.fme import post_events
from integrations.models import Environment
from integrations.peers import PeerError
from webhooks.batches import as_body, halves
from webhooks.delivery_rows import (
    ClaimedDelivery,
    close_attempt,
    insert_attempt,
    move_deliveries,
    split_delivery,
    with_events,
    without_emptied,
)
from webhooks.models import Delivery, DeliveryAttempt
from webhooks.rollups import count_dead, count_delivered
from webhooks.verdict import TOO_LARGE, Verdict, is_ambiguous, judge, reason_to_hold

logger = logging.getLogger(__name__)

SUSPECTS = 8
"""So many events refused one by one and none accepted: then it is not the events, and the environment is held."""

ANSWER_CHARACTERS = 1000

Outcome = DeliveryAttempt.Outcome
Batch = list[ClaimedDelivery]
"""What one POST carries."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A delivery of one event that was refused, under which token and why; `is_ours`: by our own code."""

    token: UUID
    delivery: ClaimedDelivery
    reason: str
    is_ours: bool


class Courier:
    """Sends what was claimed under one attempt's token and settles every delivery: done, held, waiting or dead."""

    def __init__(self, environment: Environment, attempt: DeliveryAttempt) -> None:
        self.environment = environment
        self.opened = attempt
        self.is_held = False
        self.accepted = 0
        self.waiting: deque[tuple[UUID, Batch]] = deque()
        self.suspects: list[Suspect] = []

    def send(self, claimed: Batch) -> int:
        """Send everything claimed; returns how many events FME accepted."""
        if self.is_late(self.opened):  # this process slept since the claim: others may have it by now
            self.waiting.append((self.opened.id, claimed))
            self.opened.delete()
        else:
            self.post(self.opened, claimed)
        while self.waiting and not self.is_held:
            if stopping.is_set() or not holding.read_key(self.environment):
                self.let_go()
                break
            token, batch = self.waiting.popleft()
            attempt, held = self.move_on(token, batch)
            if held:
                self.post(attempt, held)
        self.settle_suspects()
        return self.accepted

    def is_late(self, attempt: DeliveryAttempt) -> bool:
        """Whether so much of the lease is gone that a POST might outlast it."""
        return timezone.now() - attempt.started_at > timedelta(seconds=settings.LEASE_SECONDS / 3)

    def move_on(self, token: UUID, batch: Batch) -> tuple[DeliveryAttempt, Batch]:
        """Renew the lease by moving deliveries to a new attempt's token; those whose claim was lost are let go.

        Their events are read anew: what was erased since the claim is not sent.
        """
        now = timezone.now()
        attempt = DeliveryAttempt(id=uuid4(), environment=self.environment, started_at=now)
        until = now + timedelta(seconds=settings.LEASE_SECONDS)
        with transaction.atomic():
            moved = move_deliveries([one.id for one in batch], token, claim=attempt.id, leased_until=until)
            left = with_events({one.id: one.attempts for one in batch if one.id in moved})
            held = without_emptied(attempt.id, left)
            if held:
                insert_attempt(attempt, held)
        return attempt, held

    def post(self, attempt: DeliveryAttempt, batch: Batch) -> None:
        """One POST, and what its answer means for each delivery it carries."""
        started = time.monotonic()
        try:
            answer = post_events(self.environment.sdk_key, as_body(batch))
        except PeerError as error:
            attempt.duration_ms = milliseconds_since(started)
            self.hold(attempt, batch, str(error), Outcome.AMBIGUOUS if error.ambiguous else Outcome.HELD)
            return
        except Exception:  # a mistake of ours, over one event or all: found like one that FME refuses
            logger.exception("A batch could not be sent.")
            attempt.answer = traceback.format_exc()[-ANSWER_CHARACTERS:]
            self.split(attempt, batch, f"Sending failed in our own code: {attempt.answer}", is_ours=True)
            return
        attempt.duration_ms, attempt.status_code = milliseconds_since(started), answer.status
        attempt.answer = answer.text[:ANSWER_CHARACTERS]
        match judge(answer.status):
            case Verdict.DELIVERED:
                self.finish(attempt, batch)
            case Verdict.SPLIT:
                reason = f"FME refused this event ({answer.status}): {answer.text}"
                self.split(attempt, batch, reason, is_too_large=answer.status == TOO_LARGE)
            case Verdict.HOLD:
                outcome = Outcome.AMBIGUOUS if is_ambiguous(answer.status) else Outcome.HELD
                wish = answer.retry_after_seconds
                self.hold(attempt, batch, reason_to_hold(answer), outcome, retry_after_seconds=wish)

    def finish(self, attempt: DeliveryAttempt, batch: Batch) -> None:
        """FME has them. Each keeps the token of the attempt that brought it."""
        lost = len(batch) - patiently(lambda: self.mark_delivered(attempt, batch))
        self.accepted += attempt.event_count
        if lost:
            logger.warning("%d deliveries that FME took had lost their claim and may be sent again.", lost)
        if self.environment.hold_attempts or self.environment.is_held:
            holding.lift(self.environment)

    def mark_delivered(self, attempt: DeliveryAttempt, batch: Batch) -> int:
        """Finish what is still held, or was finished by a commit whose answer got lost; returns how many that are.

        An answer that came after the lease says nothing of what others hold by then: ambiguous.
        """
        ids, now = [one.id for one in batch], timezone.now()
        with transaction.atomic():
            done = move_deliveries(ids, attempt.id, state="done", delivered_at=now, last_error="")
            kept = len(done)
            if kept < len(batch):
                kept = Delivery.objects.filter(pk__in=ids, claim=attempt.id, state="done").count()
            attempt.outcome = Outcome.DELIVERED if kept == len(batch) else Outcome.AMBIGUOUS
            close_attempt(attempt)
            count_delivered(done, now)
        return kept

    def split(
        self,
        attempt: DeliveryAttempt,
        batch: Batch,
        reason: str,
        *,
        is_too_large: bool = False,
        is_ours: bool = False,
    ) -> None:
        """A refused batch is halved until the bad event is alone; a delivery of several events is split for that.

        Which half goes first is left to chance: a run of bad events side by side must not look like all of them.
        """
        attempt.outcome = Outcome.AMBIGUOUS if is_ours else Outcome.REFUSED
        patiently(partial(close_attempt, attempt))
        if attempt.event_count > 1:
            parts = (
                [list(part) for part in halves(batch)] if len(batch) > 1 else self.halved(attempt, batch[0])
            )
            random.shuffle(parts)
            self.waiting.extendleft((attempt.id, part) for part in parts)
            return
        if is_too_large:
            self.bury(attempt.id, batch[0], reason)
            return
        self.suspects.append(Suspect(attempt.id, batch[0], reason, is_ours))
        if len(self.suspects) >= SUSPECTS and not self.accepted:
            self.hold_all(f"FME refuses every event. The last one: {reason}", self.next_probe(None))

    def halved(self, attempt: DeliveryAttempt, delivery: ClaimedDelivery) -> list[Batch]:
        """One delivery as two, if it is still ours."""
        middle = attempt.event_count // 2
        return [[part] for part in split_delivery(attempt.id, delivery.id, first=middle)]

    def settle_suspects(self) -> None:
        """Bury what was refused alone while others were accepted; with nothing to compare, wait for something."""
        for suspect in self.suspects:
            one = suspect.delivery
            known = Delivery.objects.filter(pk=one.id).values_list("faults", "refused_at").first()
            faults, refused_at = known or (0, None)
            faults += suspect.is_ours
            is_odd_one = self.accepted or (refused_at and self.was_well_since(refused_at))
            if is_odd_one and (not suspect.is_ours or faults >= FAULT_LIMIT):
                self.bury(suspect.token, one, suspect.reason)
                continue
            changes = {
                "claim": None,
                "leased_until": None,
                "due_at": again_at(one.attempts),
                "last_error": suspect.reason,
                "faults": faults,
                "refused_at": refused_at or self.opened.started_at,
            }
            move_deliveries([one.id], suspect.token, **changes)
        if self.suspects and self.environment.is_held and not self.accepted and not self.is_held:
            self.hold_all(self.environment.hold_reason, self.next_probe(None))

    def was_well_since(self, moment: datetime) -> bool:
        """Whether FME has accepted anything of this environment since then."""
        attempts = DeliveryAttempt.objects.filter(environment=self.environment, started_at__gte=moment)
        return attempts.filter(outcome=Outcome.DELIVERED).exists()

    def hold(
        self,
        attempt: DeliveryAttempt,
        batch: Batch,
        reason: str,
        outcome: DeliveryAttempt.Outcome,
        *,
        retry_after_seconds: float | None = None,
    ) -> None:
        """Nothing of this environment can be delivered now: hold it, and let everything claimed go."""
        attempt.outcome, attempt.next_at = outcome, self.next_probe(retry_after_seconds)
        attempt.answer = attempt.answer or reason[:ANSWER_CHARACTERS]
        patiently(partial(close_attempt, attempt))
        self.waiting.append((attempt.id, batch))
        self.hold_all(reason, attempt.next_at)

    def hold_all(self, reason: str, until: datetime) -> None:
        """Hold the environment; its deliveries stay due, without a claim."""
        self.is_held = True
        patiently(lambda: holding.hold(self.environment, reason, until))
        self.let_go()

    def let_go(self) -> None:
        """Give back what is claimed and was not sent, or was not taken: due at once, without a claim."""
        while self.waiting:
            token, batch = self.waiting.popleft()
            move_deliveries([one.id for one in batch], token, claim=None, leased_until=None)

    def next_probe(self, retry_after_seconds: float | None) -> datetime:
        """When to try a held environment again."""
        return again_at(self.environment.hold_attempts + 1, retry_after_seconds=retry_after_seconds)

    def bury(self, token: UUID, delivery: ClaimedDelivery, reason: str) -> None:
        """This event can never be delivered as it is."""
        with transaction.atomic():
            count_dead(move_deliveries([delivery.id], token, state="dead", last_error=reason))
        logger.warning("Event %s is dead: %s", delivery.event_ids.decode(), reason)


def milliseconds_since(started: float) -> int:
    """Whole milliseconds since the monotonic second `started`."""
    return round((time.monotonic() - started) * 1000)
