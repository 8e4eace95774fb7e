"""What became of messages and track events, in words, with what is read for a page of them in one query."""

from collections.abc import Collection
from dataclasses import dataclass, field

from integrations.states import Status
from webhooks.masking import mask_text
from webhooks.models import InboxMessage, OutboxEvent
from webhooks.reasons import is_fixable, reason_words

MOST_EVENTS = 5000
"""Track events read for one page of messages; a message has a handful."""


@dataclass(slots=True)
class EventFacts:
    """What is known of the track events of one message."""

    total: int = 0
    done: int = 0
    dead: int = 0
    attempts: int = 0
    keys: list[str] = field(default_factory=list)
    waits_for: str = ""
    error: str = ""

    @property
    def waiting(self) -> int:
        """Events neither delivered nor given up."""
        return self.total - self.done - self.dead

    @property
    def words(self) -> str:
        """As the log's column says it."""
        return str(self.total) if self.done == self.total else f"{self.done} of {self.total}"


def facts_by_message(messages: Collection[InboxMessage]) -> dict[int, EventFacts]:
    """Facts of the track events of each message; one query."""
    facts = {message.pk: EventFacts() for message in messages}
    rows = (
        OutboxEvent.objects.filter(message__in=list(facts))
        .order_by("id")
        .values_list(
            "message_id",
            "delivery__state",
            "key",
            "delivery__attempts",
            "delivery__last_error",
            "environment__hold_reason",
        )
    )
    for message, state, key, attempts, error, hold_reason in rows[:MOST_EVENTS]:
        fact = facts[message]
        fact.total += 1
        fact.attempts = max(fact.attempts, attempts or 0)
        fact.done += state == "done"
        fact.dead += state == "dead"
        if (shown := mask_text(key)) not in fact.keys:
            fact.keys.append(shown)
        if state not in ("done", "dead"):
            fact.waits_for = fact.waits_for or mask_text(hold_reason or error or "")
        if state == "dead":
            fact.error = fact.error or mask_text(error)
    return facts


def message_state(message: InboxMessage, facts: EventFacts) -> Status:
    """The state of a message, worst first: failed, waiting, dropped, partly delivered, delivered."""
    if message.state == "dead":
        return Status("bad", "x", "Failed", mask_text(message.last_error))
    if facts.dead:
        return Status("bad", "x", "Failed", facts.error)
    if message.state == "pending":
        words = mask_text(message.last_error) or "being translated"
        return Status("info", "clock", "Waiting", words, is_moving=True)
    if facts.waiting:
        return Status("info", "clock", "Waiting", facts.waits_for or "on its way to FME", is_moving=True)
    why = reason_words(message.reason, message.subject) if message.reason else ""
    if not facts.total:
        return Status("warn" if is_fixable(message.reason) else "", "skip", "Dropped", why)
    if message.outcome == "partly":
        return Status("ok", "part", "Partly delivered", why)
    return Status("ok", "check", "Delivered")


def event_state(event: OutboxEvent) -> Status:
    """The state of one track event, with its environment and its delivery at hand."""
    if event.state == "done":
        return Status("ok", "check", "Delivered")
    if event.state == "dead":
        return Status("bad", "x", "Failed", mask_text(event.last_error))
    waits = mask_text(event.environment.hold_reason or event.last_error)
    return Status("info", "clock", "Waiting", waits or "on its way to FME", is_moving=True)
