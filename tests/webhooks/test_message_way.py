"""The six steps of one message, as its page shows them: no database, only what the row says."""

import pytest

from webhooks.models import InboxMessage
from webhooks.pages.message_states import EventFacts
from webhooks.pages.message_way import way_of

WORDS = ["Received", "Verified", "Exception", "Environment matched", "Identity found", "Delivered"]
NOTHING = EventFacts()


def icons(message, facts=NOTHING):
    return [step.icon for step in way_of(message, facts)]


def test_a_delivered_message_went_all_six_steps():
    message = InboxMessage(source="service_hook", state="done", outcome="whole", environment="staging")

    way = way_of(message, EventFacts(total=2, done=2, keys=["42", "55"]))

    assert [step.word for step in way] == WORDS
    assert {step.kind for step in way} == {"ok"}
    assert [step.sub for step in way] == [
        "service hook", "signature right", "", "staging", "42, 55", "2 track events",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "subject", "passed", "words"),
    [
        ("not_an_exception", "", 2, "not an exception"),
        ("environment_unmapped", "preview", 3, "preview not mapped"),
        ("identity_missing", "user.id", 4, "no key at user.id"),
    ],
)
def test_a_dropped_message_stops_where_its_reason_lies(reason, subject, passed, words):
    message = InboxMessage(source="app", state="done", outcome="dropped", reason=reason, subject=subject)

    way = way_of(message, NOTHING)

    assert icons(message) == ["check"] * passed + ["skip"] + ["todo"] * (5 - passed)
    assert (way[0].sub, way[passed].sub) == ("Sentry app", words)


@pytest.mark.parametrize(("state", "icon"), [("pending", "clock"), ("dead", "x")])
def test_an_unverified_message_waits_or_is_refused_before_anything_is_decided(state, icon):
    message = InboxMessage(source="service_hook", state=state, unverified_signature="0" * 64)

    assert icons(message) == ["check", icon, *["todo"] * 4]


def test_what_is_not_translated_yet_has_everything_before_it():
    assert icons(InboxMessage(state="pending")) == ["check", "check", *["todo"] * 4]


def test_a_track_event_that_waits_is_the_last_step():
    message = InboxMessage(state="done", outcome="whole", environment="staging")

    last = way_of(message, EventFacts(total=1, waits_for="FME is failing"))[-1]

    assert (last.kind, last.word, last.sub) == ("info", "Waiting", "0 of 1 track event")
