"""The way of one message in six steps, and the step at which it stopped."""

from collections.abc import Iterator
from dataclasses import dataclass

from durable.models import State
from webhooks.models import InboxMessage
from webhooks.pages.filters import STAGES
from webhooks.pages.message_states import EventFacts, message_state
from webhooks.reasons import reason_words

DECIDED = ("Exception", "Environment matched", "Identity found")
DELIVERED = "Delivered"
MOST_KEYS = 4


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way, with what it came to."""

    kind: str
    icon: str
    word: str
    sub: str = ""


def way_of(message: InboxMessage, facts: EventFacts) -> list[Step]:
    """The six steps; those after the one where the message stopped are to do."""
    source = "service hook" if message.source == "service_hook" else "Sentry app"
    steps = [Step("ok", "check", "Received", source), _verified(message)]
    if message.unverified_signature or not message.outcome:
        return [*steps, *(_to_do(word) for word in (*DECIDED, DELIVERED))]
    return [*steps, *_decided(message, facts)]


def _verified(message: InboxMessage) -> Step:
    if not message.unverified_signature:
        return Step("ok", "check", "Verified", "signature right")
    if message.state == State.DEAD:
        return Step("bad", "x", "Verified", "signature wrong")
    return Step("info", "clock", "Verified", "waiting for the secret")


def _decided(message: InboxMessage, facts: EventFacts) -> Iterator[Step]:
    found = ("", message.environment or "none", ", ".join(facts.keys[:MOST_KEYS]))
    stopped = _stopped_at(message)
    for place, (word, sub) in enumerate(zip(DECIDED, found, strict=True)):
        if place < stopped:
            yield Step("ok", "check", word, sub)
        elif place == stopped:
            yield Step("warn", "skip", word, reason_words(message.reason, message.subject))
        else:
            yield _to_do(word)
    yield _to_do(DELIVERED) if stopped < len(DECIDED) else _delivered(message, facts)


def _delivered(message: InboxMessage, facts: EventFacts) -> Step:
    state = message_state(message, facts)
    if message.reason in STAGES["made"]:
        return Step(state.kind, state.icon, DELIVERED, state.sentence)
    word = DELIVERED if facts.done == facts.total else state.word
    return Step(state.kind, state.icon, word, f"{facts.words} track event{'' if facts.total == 1 else 's'}")


def _stopped_at(message: InboxMessage) -> int:
    """The place in DECIDED of what stopped it; beyond the last one when track events came of it."""
    if message.outcome != "dropped":
        return len(DECIDED)
    return next((place for place, stops in enumerate(STAGES.values()) if message.reason in stops), 0)


def _to_do(word: str) -> Step:
    return Step("", "todo", word)
