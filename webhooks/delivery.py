"""What one claim of track events leads to: one POST, or several when it is cut or a refused batch is halved."""

import logging
import random
import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from durable import retry
from integrations import holding
from integrations.fme import post_events
from integrations.models import Environment
from integrations.peers import Answer, PeerError
from webhooks.batches import as_body, cut, halves
from webhooks.models import ClaimedEvent, DeliveryAttempt
from webhooks.queue import move_events
from webhooks.verdict import TOO_LARGE, Verdict, judge, reason_to_hold

logger = logging.getLogger(__name__)

SUSPECTS = 8
"""So many events refused one by one and none accepted: then it is not the events, and the environment is held."""

ANSWER_CHARACTERS = 1000

Outcome = DeliveryAttempt.Outcome
Batch = list[ClaimedEvent]


class Delivery:
    """Sends what was claimed under one attempt's token and settles every event: done, held, waiting or dead."""

    def __init__(self, environment: Environment, attempt: DeliveryAttempt) -> None:
        self.environment = environment
        self.opened = attempt
        self.is_held = False
        self.accepted = 0
        self.waiting: deque[tuple[UUID, Batch]] = deque()
        self.suspects: list[tuple[UUID, ClaimedEvent, str]] = []

    def send(self, claimed: Sequence[ClaimedEvent]) -> int:
        """Send everything claimed; returns how many events FME accepted."""
        limits = {"max_events": settings.OUTBOX_BATCH_EVENTS, "max_bytes": settings.OUTBOX_BATCH_BYTES}
        self.waiting.extend((self.opened.id, batch) for batch in cut(claimed, **limits))
        first = self.waiting.popleft()[1]
        if self.waiting:
            self.opened.carry(first)
            self.opened.save()
        self.post(self.opened, first)
        while self.waiting and not self.is_held:
            token, batch = self.waiting.popleft()
            attempt, held = self.move_on(token, batch)
            if held:
                self.post(attempt, held)
        self.settle_suspects()
        return self.accepted

    def move_on(self, token: UUID, batch: Batch) -> tuple[DeliveryAttempt, Batch]:
        """Renew the lease by moving events to a new attempt's token; those whose claim was lost are let go."""
        now = timezone.now()
        attempt = DeliveryAttempt(id=uuid4(), environment=self.environment, started_at=now)
        until = now + timedelta(seconds=settings.LEASE_SECONDS)
        with transaction.atomic():
            moved = move_events([event.id for event in batch], token, claim=attempt.id, due_at=until)
            held = [event for event in batch if event.id in moved]
            attempt.carry(held)
            if held:
                attempt.save(force_insert=True)
        return attempt, held

    def post(self, attempt: DeliveryAttempt, batch: Batch) -> None:
        """One POST, and what its answer means for each of its events."""
        started = time.monotonic()
        try:
            answer = post_events(self.environment.sdk_key, as_body(batch))
        except PeerError as error:
            attempt.duration_ms = milliseconds_since(started)
            self.hold(attempt, batch, str(error), Outcome.AMBIGUOUS if error.ambiguous else Outcome.HELD)
            return
        attempt.duration_ms, attempt.status_code = milliseconds_since(started), answer.status
        attempt.answer = answer.text[:ANSWER_CHARACTERS]
        match judge(answer.status):
            case Verdict.DELIVERED:
                self.finish(attempt, batch)
            case Verdict.SPLIT:
                self.split(attempt, batch, answer)
            case Verdict.HOLD:
                wish = answer.retry_after_seconds
                self.hold(attempt, batch, reason_to_hold(answer), Outcome.HELD, retry_after_seconds=wish)

    def finish(self, attempt: DeliveryAttempt, batch: Batch) -> None:
        """FME has them. Each keeps the token of the attempt that delivered it."""
        now = timezone.now()
        attempt.outcome = Outcome.DELIVERED
        with transaction.atomic():
            done = move_events([event.id for event in batch], attempt.id, state="done", delivered_at=now)
            attempt.save()
        self.accepted += len(batch)
        if len(done) < len(batch):
            logger.warning(
                "%d delivered events had lost their claim and may be sent again.", len(batch) - len(done)
            )
        if self.environment.hold_attempts or self.environment.is_held:
            holding.lift(self.environment)

    def split(self, attempt: DeliveryAttempt, batch: Batch, answer: Answer) -> None:
        """A refused batch is halved until the bad event is alone.

        Which half goes first is left to chance: a run of bad events side by side must not look like all of them.
        """
        attempt.outcome = Outcome.REFUSED
        attempt.save()
        if len(batch) > 1:
            parts = list(halves(batch))
            random.shuffle(parts)
            self.waiting.extendleft((attempt.id, list(part)) for part in parts)
            return
        reason = f"FME refused this event ({answer.status}): {answer.text}"
        if answer.status == TOO_LARGE:
            self.bury(attempt.id, batch[0], reason)
            return
        self.suspects.append((attempt.id, batch[0], reason))
        if len(self.suspects) >= SUSPECTS and not self.accepted:
            self.hold_all(f"FME refuses every event ({answer.status}): {answer.text}", self.next_probe(None))

    def settle_suspects(self) -> None:
        """Bury what was refused alone while others were accepted; with nothing to compare, wait for something."""
        for token, event, reason in self.suspects:
            if self.accepted or (event.attempts > 1 and self.was_well_lately()):
                self.bury(token, event, reason)
            else:
                at = retry.decide(event.attempts, now=timezone.now(), dice=random.random()).at  # noqa: S311 - jitter
                move_events([event.id], token, claim=None, due_at=at, last_error=reason)
        if self.suspects and self.environment.is_held and not self.accepted and not self.is_held:
            self.hold_all(self.environment.hold_reason, self.next_probe(None))

    def was_well_lately(self) -> bool:
        """Whether FME accepted anything of this environment within the hour."""
        hour_ago = timezone.now() - timedelta(hours=1)
        attempts = DeliveryAttempt.objects.filter(environment=self.environment, started_at__gte=hour_ago)
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
        attempt.save()
        self.waiting.append((attempt.id, batch))
        self.hold_all(reason, attempt.next_at)

    def hold_all(self, reason: str, until: datetime) -> None:
        """Hold the environment; its events stay due, without a claim."""
        self.is_held = True
        holding.hold(self.environment, reason, until)
        for token, batch in self.waiting:
            move_events([event.id for event in batch], token, claim=None, due_at=timezone.now())
        self.waiting.clear()

    def next_probe(self, retry_after_seconds: float | None) -> datetime:
        """When to try a held environment again."""
        return retry.decide(
            self.environment.hold_attempts + 1,
            now=timezone.now(),
            dice=random.random(),  # noqa: S311 - jitter
            retry_after_seconds=retry_after_seconds,
        ).at

    def bury(self, token: UUID, event: ClaimedEvent, reason: str) -> None:
        """This event can never be delivered as it is."""
        move_events([event.id], token, state="dead", last_error=reason)
        logger.warning("Event %d is dead: %s", event.id, reason)


def milliseconds_since(started: float) -> int:
    """Whole milliseconds since the monotonic second `started`."""
    return round((time.monotonic() - started) * 1000)
