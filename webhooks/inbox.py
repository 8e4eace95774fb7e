"""The inbox: stored messages become track events, or skips with a reason. Exactly once, by the claim's token.

A batch is claimed, translated in memory, and settled in one transaction that first finishes the messages under the
token and then stores the events of those it finished; so a worker that outlived its lease stores nothing.
"""

import logging
import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from durable.drains import beat
from durable.stopping import stopping
from durable.wake import wake
from durable.working import again_at
from integrations.mapping import Rules, Skip, SkipCode, TrackEvent, Translation, translate
from integrations.mapping.culprit import PLAIN_EVENT_TYPE
from integrations.payloads import SentryException, parse
from integrations.payloads.envelopes import PayloadUnreadable, Source
from integrations.rules import rules_for
from integrations.validation import storable
from webhooks import testing
from webhooks.delivery_rows import NewEvent, insert_events
from webhooks.message_rows import ClaimedMessage, FinishedMessage, claim_messages, finish_messages, held_row
from webhooks.models import InboxMessage, OutboxEvent, Replay
from webhooks.reasons import FORGED
from webhooks.rollups import Count, Tally
from webhooks.unverified import verified

logger = logging.getLogger(__name__)

BATCH = 200
"""Messages in one claim: enough that statements and commits do not matter, few enough to end soon on SIGTERM."""

BATCH_BYTES = 16_000_000
"""Of the bodies of one claim: what a worker holds in memory while it translates, however large they come."""

FARTHEST = timedelta(hours=2)
"""No message is put off for longer than an hour; a later date was written by a clock that was wrong."""

LOST_RACE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Translated:
    """What came of one message: what to note on it, the events to send, and the reasons for not more."""

    message: ClaimedMessage
    finished: FinishedMessage
    events: tuple[TrackEvent, ...]
    skips: tuple[Skip, ...]
    is_test: bool = False


def drain_inbox() -> int:
    """Translate every due message; returns how many were handled."""
    total = 0
    InboxMessage.objects.bring_back(FARTHEST)
    while not stopping.is_set():
        beat("inbox")
        token, now = uuid4(), timezone.now()
        until = now + timedelta(seconds=settings.LEASE_SECONDS)
        batch = claim_messages(token, limit=BATCH, max_bytes=BATCH_BYTES, now=now, until=until)
        if not batch:
            if not InboxMessage.objects.due().exists():
                break
            stopping.wait(LOST_RACE_SECONDS)  # others hold what is due
            continue
        total += len(batch)
        settle_batch(token, verified(token, batch))
    return total


def settle_batch(token: UUID, batch: Sequence[ClaimedMessage]) -> None:
    """Translate and settle together; when that fails in our own code, one by one, so that no row stops the others."""
    try:
        settle(token, batch)
    except (OperationalError, InterfaceError):  # the database is away: the lease brings the batch back
        raise
    except Exception:
        for message in batch:
            settle_alone(token, message)


def settle_alone(token: UUID, message: ClaimedMessage) -> None:
    """One message in a transaction of its own; a fault of ours is counted on its row."""
    try:
        settle(token, [message])
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("Message %d could not be translated.", message.id)
        if row := held_row(token, message):
            row.fault(traceback.format_exc(), again_at(row.attempts))


def settle(token: UUID, batch: Sequence[ClaimedMessage]) -> None:
    """Translate `batch` and store what came of it, under `token`, in one transaction."""
    rules = rules_for(message.integration_id for message in batch)
    translated = [translate_message(message, rules[message.integration_id]) for message in batch]
    known = events_sent_before(batch)
    tally = Tally()
    with transaction.atomic():
        finished = finish_messages(token, [each.finished for each in translated])
        stored = insert_events(list(new_events(translated, finished, known, tally)), now=timezone.now())
        count_messages((each for each in translated if each.finished.id in finished), tally)
        tally.store()
    if stored:
        wake("outbox")


def translate_message(message: ClaimedMessage, rules: Rules) -> Translated:
    """What the rules make of one stored body; a body that cannot be understood is a skip."""
    if rules.ended_at and message.received_at >= rules.ended_at:
        # its hook was still cached at Sentry when the integration was deleted
        deleted = Skip(SkipCode.INTEGRATION_PAUSED, "The integration was deleted before.")
        return translated_as(message, None, Translation((), (deleted,)))
    try:
        exception = parse(message.body, Source(message.source))
    except PayloadUnreadable as reason:
        return translated_as(
            message, None, Translation((), (Skip(SkipCode.PAYLOAD_UNREADABLE, str(reason)),))
        )
    translated = translated_as(message, exception, translate(exception, rules))
    if exception.tags.get(testing.TAG) == testing.MAP_ONLY:
        return rehearsed(translated)
    return translated


def rehearsed(whole: Translated) -> Translated:
    """A test exception that is not to be delivered: what would have come of it is noted; its skips are no problem."""
    if not whole.events:
        return replace(whole, skips=())
    count = len(whole.events)
    words = f"A test: {count} track event{'' if count == 1 else 's'} would have been sent. Not delivered, as asked."
    finished = replace(
        whole.finished,
        outcome="dropped",
        reason=testing.REASON,
        subject="",
        skips=[{"code": testing.REASON, "detail": words}, *whole.finished.skips],
    )
    return replace(whole, finished=finished, events=(), skips=())


def translated_as(
    message: ClaimedMessage, exception: SentryException | None, translation: Translation
) -> Translated:
    """The facts the pages show of a message, beside its events."""
    skips = [{"code": skip.code.value, "detail": skip.detail} for skip in translation.skips]
    environment = (exception.environment if exception else None) or ""
    title = (exception.title if exception else None) or ""
    first = translation.skips[0] if translation.skips else None
    finished = FinishedMessage(
        id=message.id,
        skips=skips,
        environment=storable(environment)[:64],
        title=storable(title)[:256],
        outcome="dropped" if not translation.events else "partly" if first else "whole",
        reason=first.code.value if first else "",
        subject=storable(first.subject)[:250] if first else "",
    )
    is_test = exception is not None and testing.TAG in exception.tags
    return Translated(message, finished, translation.events, translation.skips, is_test)


def count_messages(translated: Iterable[Translated], tally: Tally) -> None:
    """Count what became of messages; one that is translated again leaves the count it was in."""
    for each in translated:
        message, now = each.message, each.finished
        where, at = message.integration_id, message.received_at
        if message.outcome in (Count.DROPPED, Count.PARTLY):
            tally.add(where, Count(message.outcome), at, message.reason, message.subject, count=-1)
        if message.reason == FORGED:  # its hook's secret has been put right since
            tally.add(where, Count.UNVERIFIED, at, count=-1)
        if not message.outcome:
            tally.add(where, Count.RECEIVED, at)
            tally.add_ever(where, Count.RECEIVED, at, is_test=each.is_test)
            tally.add(where, Count.MATCHED, at, now.environment)
        if now.outcome in (Count.DROPPED, Count.PARTLY):
            tally.add(where, Count(now.outcome), at, now.reason, now.subject)
        for skip in each.skips:
            tally.add(
                where, Count.SKIPPED, at, skip.code.value, storable(skip.subject)[:250], note=skip.detail
            )


def new_events(
    translated: Iterable[Translated],
    finished: set[int],
    known: set[tuple[int, int, str, str, str]],
    tally: Tally,
) -> Iterator[NewEvent]:
    """The outbox rows of the messages that were finished, less what an earlier translation sent; counted."""
    for each in translated:
        if each.finished.id not in finished:
            continue
        for event in each.events:
            identity = (
                each.finished.id,
                event.environment_id,
                event.traffic_type,
                event.key,
                event.event_type,
            )
            if identity not in known:
                count_event(each.message, event, tally)
                yield NewEvent(
                    message_id=each.finished.id,
                    environment_id=event.environment_id,
                    event_type=event.event_type,
                    traffic_type=event.traffic_type,
                    key=event.key,
                    timestamp_ms=event.timestamp_ms,
                    body=event.json,
                )


def count_event(message: ClaimedMessage, event: TrackEvent, tally: Tally) -> None:
    """Count one new track event, by where it goes and by its type."""
    where, at = message.integration_id, message.received_at
    tally.add(where, Count.EVENT, at, event.environment_id, event.traffic_type)
    tally.add_ever(where, Count.EVENT, at)
    culprit = "" if event.event_type == PLAIN_EVENT_TYPE else str(event.properties.get("culprit", ""))
    tally.add(where, Count.TYPE, at, event.event_type, event.traffic_type, note=culprit)


def events_sent_before(batch: Sequence[ClaimedMessage]) -> set[tuple[int, int, str, str, str]]:
    """What earlier translations made of messages that are replayed for what is new."""
    replayed = [message.id for message in batch if message.replay == Replay.ADDED]
    if not replayed:
        return set()
    rows = OutboxEvent.objects.filter(message__in=replayed)
    return set(rows.values_list("message_id", "environment_id", "traffic_type", "key", "event_type"))
