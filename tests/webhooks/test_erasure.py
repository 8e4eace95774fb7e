"""Erasing one person: everything of theirs goes, nothing of anybody else's."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from durable.models import State
from tests.factories import (
    AttemptFactory,
    EnvironmentFactory,
    EventFactory,
    IntegrationFactory,
    MessageFactory,
)
from webhooks.inbox import drain_inbox
from webhooks.models import Delivery, DeliveryAttempt, InboxMessage, OutboxEvent, Problem

pytestmark = pytest.mark.django_db


def erase(*options: str, key: str = "42") -> str:
    """Run the command; returns what it printed."""
    printed = StringIO()
    call_command("erase", "--key", key, *options, stdout=printed)
    return printed.getvalue()


def user(identity: object) -> dict[str, Any]:
    """A service hook's body for that user."""
    return {"event": {"type": "error", "dateCreated": "2026-11-23T05:00:00Z", "user": {"id": identity}}}


def test_delivered_events_and_the_message_behind_them_lose_the_person():
    event = EventFactory(
        key="42", delivery__state=State.DONE, message__state=State.DONE, message__payload=user(42)
    )

    printed = erase()

    message = InboxMessage.objects.get()
    assert (message.event_id, message.body, message.title) == (event.message.event_id, None, "")
    assert not OutboxEvent.objects.exists()
    assert "1 events removed, 1 messages emptied, 0 answers" in printed
    assert "Out of reach" in printed


def test_other_people_keep_what_is_theirs():
    other = EventFactory(
        key="421", delivery__state=State.DONE, message__state=State.DONE, message__payload=user(421)
    )

    erase()

    assert OutboxEvent.objects.get() == other
    assert bytes(InboxMessage.objects.get().body or b"") == other.message.body


def test_a_line_number_is_not_a_person():
    payload = {"event": user(7)["event"] | {"entries": [{"lineno": 42}], "title": "42 is the answer"}}
    MessageFactory(state=State.DONE, payload=payload)

    erase()

    assert InboxMessage.objects.get().body is not None


def test_a_message_that_led_to_no_event_is_emptied_too():
    MessageFactory(
        state=State.DONE, payload=user("42"), skips=[{"code": "environment_unmapped", "detail": ""}]
    )

    assert "1 messages emptied" in erase()
    assert InboxMessage.objects.get().body is None


def test_a_key_that_json_spells_with_escapes_is_found():
    MessageFactory(state=State.DONE, payload=user("Jürgen"))

    assert "1 messages emptied" in erase(key="Jürgen")


def test_a_body_that_cannot_be_read_goes_when_it_says_the_key():
    MessageFactory(state=State.DONE, body=b'{"event": 42')
    MessageFactory(state=State.DONE, body=b'{"event": 421')

    erase()

    assert bytes(InboxMessage.objects.exclude(body=None).get().body or b"") == b'{"event": 421'


def test_what_waits_is_kept_and_named_until_yes():
    EventFactory(key="42", message__state=State.DONE, message__payload=user(42))
    EventFactory(key="42", delivery__state=State.DEAD, message__state=State.DONE, message__payload=user(42))
    MessageFactory(payload=user(42))

    printed = erase()

    assert "Kept, because they are still to be worked off: 2 events, 1 messages." in printed
    assert OutboxEvent.objects.count() == 2
    assert InboxMessage.objects.exclude(body=None).count() == 1


def test_with_yes_nothing_of_the_person_is_sent_any_more():
    EventFactory(key="42", message__state=State.DONE, message__payload=user(42))
    MessageFactory(payload=user(42))

    printed = erase("--yes")

    assert (drain_inbox(), OutboxEvent.objects.count()) == (0, 0)
    assert not InboxMessage.objects.exclude(body=None).exists()
    assert "Kept" not in printed


def test_a_sibling_event_that_quotes_the_key_goes_as_well():
    message = MessageFactory(state=State.DONE, payload=user(42))
    EventFactory(message=message, key="42", delivery__state=State.DONE)
    quoting = EventFactory(
        message=message, key="55", delivery__state=State.DONE, body='{"title": "no user 42"}'
    )
    silent = EventFactory(message=message, key="55", delivery__state=State.DONE, body='{"title": "none"}')

    erase()

    assert quoting != OutboxEvent.objects.get() == silent


def test_answers_of_fme_no_longer_name_the_person():
    AttemptFactory(answer="key 42 is refused (422)", outcome="refused")
    EnvironmentFactory(hold_reason="FME refuses every event (400): 42")

    assert "2 answers of Harness FME changed" in erase()
    assert DeliveryAttempt.objects.get(outcome="refused").answer == "key [erased] is refused (422)"


def test_a_blank_key_erases_nobody():
    with pytest.raises(CommandError, match="blank"):
        erase(key=" ")


def test_an_error_that_quotes_fme_no_longer_names_the_person():
    EventFactory(
        key="1", delivery__state=State.DEAD, delivery__last_error="FME refused this event (400): key 42"
    )

    assert "1 answers of Harness FME changed" in erase()
    assert Delivery.objects.get().last_error == "FME refused this event (400): key [erased]"


def test_a_problem_that_quotes_fme_no_longer_names_the_person():
    now = timezone.now()
    problem = Problem.objects.create(
        integration=IntegrationFactory(), kind="fme_failing", detail="FME refuses every event. The last one: 42",
        first_seen_at=now, last_seen_at=now,
    )  # fmt: skip

    erase()

    problem.refresh_from_db()
    assert problem.detail == "FME refuses every event. The last one: [erased]"
