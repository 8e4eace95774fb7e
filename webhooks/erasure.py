"""Erasing one person: what this app keeps of a key is removed; what Sentry and FME keep is out of its reach."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from durable.models import State
from integrations.mapping import Rules
from integrations.mapping.identity import key_of
from integrations.models import Environment
from integrations.payloads import SentryException, parse
from integrations.payloads.envelopes import PayloadUnreadable, Source
from integrations.payloads.lenient import JsonValue
from integrations.rules import rules_for
from webhooks.models import Delivery, DeliveryAttempt, InboxMessage, OutboxEvent, Problem
from webhooks.removing import remove

BATCH = 500
READ_AHEAD = 50
"""Bodies in memory at once: a body may have ten megabytes."""

ERASED = "[erased]"

QUOTING = (
    (DeliveryAttempt, "answer"), (Delivery, "last_error"), (Environment, "hold_reason"), (Problem, "detail"),
)  # fmt: skip
"""Where FME's answers are quoted."""


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows lost their trace, and how many still hold one because they wait to be worked off."""

    events: int
    messages: int
    answers: int
    waiting_events: int
    waiting_messages: int


def erase(key: str, *, also_waiting: bool) -> Erased:
    """Remove the traces of `key`: its events, the messages it stands in, FME's answers that name it.

    Events that are not delivered and messages that are not translated yet go only with `also_waiting`: without it
    they are still sent. Safe to repeat, and while the product runs; a POST under way is not called back.
    """
    messages = messages_of(key)
    ended = sum(end(rows) for rows in in_parts(messages, waiting_messages)) if also_waiting else 0
    forgotten = sum(forget(rows) for rows in in_parts(messages, settled_messages))
    siblings = sum(remove(naming(rows, key)) for rows in in_parts(messages, delivered_events))
    events = OutboxEvent.objects.filter(key=key)
    removed = remove(events if also_waiting else events.filter(delivery__state=State.DONE))
    return Erased(
        events=removed + siblings,
        messages=ended + forgotten,
        answers=sum(conceal(model._default_manager.all(), column, key) for model, column in QUOTING),
        waiting_events=events.count(),
        waiting_messages=sum(rows.count() for rows in in_parts(messages, waiting_messages)),
    )


def messages_of(key: str) -> list[int]:
    """Messages that led to events of `key`, and those whose body names it as somebody's identity."""
    led_to = OutboxEvent.objects.filter(key=key).values_list("message_id", flat=True)
    return sorted({*led_to, *messages_naming(key)})


def messages_naming(key: str) -> Iterator[int]:
    """Messages that give `key` as the user, or at a path their integration maps now; reads every body kept."""
    spellings = {key.encode(), json.dumps(key)[1:-1].encode()}
    rules: dict[int, Rules] = {}
    rows = InboxMessage.objects.exclude(body=None).values_list("pk", "integration_id", "source", "body")
    for pk, integration_id, source, stored in rows.iterator(chunk_size=READ_AHEAD):
        body = bytes(stored or b"")
        if not any(spelling in body for spelling in spellings):
            continue
        if integration_id not in rules:
            rules |= rules_for([integration_id])
        if names(body, Source(source), rules[integration_id], key):
            yield pk


def names(body: bytes, source: Source, rules: Rules, key: str) -> bool:
    """Whether a body that holds the characters of `key` means the person; an unreadable one does if it says it."""
    try:
        exception = parse(body, source)
    except PayloadUnreadable:
        return bool(spoken(key).search(body.decode("utf-8", "replace")))
    return any(key_of(value, "") == key for value in identities_in(exception, rules))


def identities_in(exception: SentryException, rules: Rules) -> Iterator[JsonValue]:
    """Every value that says who was affected."""
    for rule in rules.identities:
        if found := exception.lookup(rule.path):
            yield found.value
    yield from leaves(exception.user)


def leaves(value: JsonValue) -> Iterator[JsonValue]:
    """The texts and numbers in a value, however deep."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


def waiting_messages(keys: list[int]) -> QuerySet[InboxMessage]:
    """Messages that are still to be translated."""
    return InboxMessage.objects.filter(pk__in=keys, state=State.PENDING)


def settled_messages(keys: list[int]) -> QuerySet[InboxMessage]:
    """Messages nobody will work on that still hold something."""
    rows = InboxMessage.objects.filter(pk__in=keys).exclude(state=State.PENDING)
    return rows.exclude(body=None, title="", last_error="")


def delivered_events(message_keys: list[int]) -> QuerySet[OutboxEvent]:
    """What was sent of these messages, for whomever."""
    return OutboxEvent.objects.filter(message__in=message_keys, delivery__state=State.DONE)


def naming(events: QuerySet[OutboxEvent], key: str) -> QuerySet[OutboxEvent]:
    """Events of other keys whose text, the exception's words for example, holds `key`."""
    return events.exclude(key=key).filter(body__contains=json.dumps(key, ensure_ascii=False)[1:-1])


def end(rows: QuerySet[InboxMessage]) -> int:
    """Work on these no more; a worker in the middle of one finishes nothing."""
    return rows.update(
        state=State.DONE, claim=None, replay="", unverified_signature="", body=None, title="", last_error=""
    )


def forget(rows: QuerySet[InboxMessage]) -> int:
    """Keep that there was a message, so that a repeat of it is known, and nothing of what it said."""
    return rows.update(body=None, title="", last_error="")


def conceal(rows: QuerySet[Any], column: str, key: str) -> int:
    """Blank `key` where a peer's words name it; returns in how many rows."""
    total = 0
    for pk, text in rows.filter(**{f"{column}__contains": key}).values_list("pk", column):
        if (clean := spoken(key).sub(ERASED, text)) != text:
            total += rows.filter(pk=pk, **{column: text}).update(**{column: clean})
    return total


def spoken(key: str) -> re.Pattern[str]:
    """`key` as a word of its own: 42, but not in 421."""
    return re.compile(rf"(?<!\w){re.escape(key)}(?!\w)")


def in_parts(keys: Iterable[int], rows: Callable[[list[int]], QuerySet[Any]]) -> Iterator[QuerySet[Any]]:
    """`rows` of a batch of keys at a time."""
    rest = iter(keys)
    while part := list(islice(rest, BATCH)):
        yield rows(part)
