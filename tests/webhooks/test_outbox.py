"""Refusals, outages and crashes: what is held, what is buried, and that nothing else is touched."""

import threading
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from integrations.models import Environment
from integrations.services import store_sdk_key
from tests.factories import EventFactory
from webhooks import outbox
from webhooks.models import Delivery, DeliveryAttempt, OutboxEvent
from webhooks.outbox import drain_outbox

pytestmark = pytest.mark.django_db


def test_a_batch_is_cut_by_count_and_by_bytes(waiting, fme, settings):
    settings.OUTBOX_BATCH_EVENTS, settings.OUTBOX_BATCH_BYTES = 3, 700
    waiting(*"abcdefg")

    drain_outbox()

    assert [len(batch) for batch in fme.batches] == [2, 2, 2, 1]
    assert Delivery.objects.filter(state="done").count() == 7


def test_one_poison_event_is_found_and_buried_and_the_rest_delivered(waiting, fme):
    waiting(*(f"user-{n}" for n in range(50)))
    fme.poison = {"user-17"}

    drain_outbox()

    dead = OutboxEvent.objects.get(delivery__state="dead")
    assert (dead.key, "bad event" in dead.last_error) == ("user-17", True)
    assert sorted(event["key"] for event in fme.events) == sorted(f"user-{n}" for n in range(50) if n != 17)


def test_a_batch_refused_whole_holds_the_environment_and_buries_nothing(waiting, environment, fme):
    keys = {f"user-{n}" for n in range(20)}
    waiting(*keys)
    fme.poison = keys

    drain_outbox()

    environment.refresh_from_db()
    assert "refuses every event" in environment.hold_reason
    assert set(Delivery.objects.values_list("state", flat=True)) == {"pending"}


def test_a_lone_refused_event_waits_until_another_is_accepted(waiting, environment, fme):
    waiting("bad")
    fme.poison = {"bad"}
    drain_outbox()
    assert OutboxEvent.objects.get().state == "pending"
    waiting("good")
    Delivery.objects.update(due_at=timezone.now())

    drain_outbox()

    assert dict(OutboxEvent.objects.values_list("key", "delivery__state")) == {"bad": "dead", "good": "done"}
    environment.refresh_from_db()
    assert environment.hold_reason == ""


def test_events_that_trickle_while_fme_refuses_all_are_not_given_up(waiting, environment, fme):
    waiting("before")
    drain_outbox()
    fme.poison = {"first", "second"}
    for key in ("first", "second"):
        waiting(key)
        for _ in range(4):
            Delivery.objects.filter(state="pending").update(due_at=timezone.now())
            drain_outbox()

    assert set(OutboxEvent.objects.exclude(key="before").values_list("delivery__state", flat=True)) == {
        "pending"
    }
    fme.poison = {"first"}
    Delivery.objects.filter(state="pending").update(due_at=timezone.now())
    drain_outbox()

    states = dict(OutboxEvent.objects.values_list("key", "delivery__state"))
    assert states == {"before": "done", "first": "dead", "second": "done"}


@pytest.mark.parametrize("status", [502, 504])
def test_a_gateway_without_an_answer_is_ambiguous(waiting, environment, fme, status):
    waiting("a")
    fme.answers = [(status, {}, "")]

    drain_outbox()

    environment.refresh_from_db()
    assert DeliveryAttempt.objects.get().outcome == "ambiguous"
    assert f"no answer from it ({status})" in environment.hold_reason


@pytest.mark.parametrize("status", [401, 403, 404, 302, 500, 503, 429])
def test_an_answer_that_is_not_about_the_batch_holds_the_environment(waiting, environment, fme, status):
    waiting("a", "b")
    fme.answers = [(status, {"Retry-After": "120"}, "no")]

    drain_outbox()

    environment.refresh_from_db()
    attempt = DeliveryAttempt.objects.get()
    assert (attempt.outcome, attempt.status_code) == ("held", status)
    assert str(status) in environment.hold_reason
    assert set(Delivery.objects.values_list("state", "claim")) == {("pending", None)}


def test_retry_after_is_honoured(waiting, environment, fme):
    waiting("a")
    fme.answers = [(429, {"Retry-After": "120"}, "")]

    drain_outbox()

    environment.refresh_from_db()
    assert environment.hold_until >= timezone.now() + timedelta(seconds=118)


def test_a_held_environment_is_left_alone_until_its_probe_and_then_delivers_all(waiting, environment, fme):
    waiting(*"abcde")
    fme.answers = [(503, {}, "")]
    drain_outbox()
    assert drain_outbox() == 0
    Environment.objects.update(hold_until=timezone.now())

    drain_outbox()

    environment.refresh_from_db()
    assert [len(batch) for batch in fme.batches] == [1, 4]
    assert (environment.hold_reason, environment.hold_attempts) == ("", 0)


def test_one_environments_outage_does_not_delay_another(waiting, fme):
    waiting("here")
    EventFactory(key="elsewhere")
    fme.answers = [(503, {}, "")]

    drain_outbox()
    drain_outbox()

    assert len(fme.events) == 1
    assert Environment.objects.exclude(hold_reason="").count() == 1


def test_an_environment_without_a_key_waits_and_a_stored_key_delivers_at_once(waiting, environment, fme):
    Environment.objects.update(sdk_key="")
    waiting("a")
    assert drain_outbox() == 0

    store_sdk_key(environment, "a-new-sdk-key-of-many-letters")
    drain_outbox()

    assert fme.keys == ["Bearer a-new-sdk-key-of-many-letters"]


def test_a_lost_answer_is_ambiguous_and_its_event_sent_again(waiting, fme):
    waiting("a")
    fme.lose_next_answer()
    drain_outbox()
    Environment.objects.update(hold_until=timezone.now())

    drain_outbox()

    outcomes = DeliveryAttempt.objects.order_by("started_at").values_list("outcome", flat=True)
    assert list(outcomes) == ["ambiguous", "delivered"]
    assert [event["key"] for event in fme.events] == ["a", "a"]


def test_an_attempt_cut_off_by_a_crash_is_ambiguous_and_its_events_become_due(waiting, environment, fme):
    event = waiting("a")[0]
    long_ago = timezone.now() - timedelta(minutes=5)
    attempt = DeliveryAttempt.objects.create(
        environment=environment, started_at=long_ago, event_count=1, byte_count=1, event_ids=[event.pk]
    )
    Delivery.objects.update(claim=attempt.pk, leased_until=long_ago)

    drain_outbox()

    assert set(DeliveryAttempt.objects.values_list("outcome", flat=True)) == {"ambiguous", "delivered"}
    assert len(fme.events) == 1


def test_what_a_crash_cut_off_while_a_drain_goes_on_is_known_before_it_is_sent_again(waiting, environment):
    waiting("a")
    long_ago = timezone.now() - timedelta(minutes=5)
    attempt = DeliveryAttempt.objects.create(
        environment=environment, started_at=long_ago, event_count=1, byte_count=1
    )
    Delivery.objects.update(claim=attempt.pk, leased_until=long_ago, attempts=1)

    claimed, _ = outbox.claim(environment, is_probe=False)

    attempt.refresh_from_db()
    assert (len(claimed), attempt.outcome) == (1, "ambiguous")


def test_what_is_claimed_is_sent_although_nothing_could_be_marked(waiting, fme, monkeypatch, caplog):
    waiting("a")
    Delivery.objects.update(attempts=1)
    answers = iter([0, OperationalError("gone for a moment")])  # as the drain begins, and after the claim

    def close(*args, **kwargs):
        if isinstance(answer := next(answers), Exception):
            raise answer
        return answer

    monkeypatch.setattr(outbox, "close_attempts_before", close)
    drain_outbox()

    assert [event["key"] for event in fme.events] == ["a"]
    assert "marked later: OperationalError" in caplog.text


def test_a_burst_of_bells_looks_once_for_what_was_left_lying_and_always_for_what_was_cut_off(
    environment, fme, monkeypatch
):
    looks = []
    monkeypatch.setattr(outbox, "adopt", lambda: looks.append(1))
    monkeypatch.setattr(outbox, "TIDY_SECONDS", 60.0)
    monkeypatch.setattr(outbox, "_tidied_at", -60.0)
    long_ago = timezone.now() - timedelta(days=1)

    for _ in range(3):
        DeliveryAttempt.objects.create(
            environment=environment, started_at=long_ago, event_count=1, byte_count=2
        )
        drain_outbox()
        assert not DeliveryAttempt.objects.exclude(outcome="ambiguous").exists()

    assert looks == [1]


def test_a_late_finisher_changes_nothing(waiting, fme):
    waiting("a")
    later, other = timezone.now() + timedelta(minutes=1), UUID(int=1)
    fme.on_post = lambda: Delivery.objects.update(
        claim=other, leased_until=later
    )  # another worker took it over

    drain_outbox()

    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.claim, delivery.leased_until) == ("pending", other, later)


def test_where_no_connection_is_left_for_a_thread_the_drain_delivers_by_itself(
    waiting, fme, settings, monkeypatch
):
    settings.OUTBOX_THREADS = 2
    waiting("a")
    honest = BaseDatabaseWrapper.ensure_connection

    def refused(connection):
        if threading.current_thread().name.startswith("outbox"):
            raise OperationalError("too many connections")
        honest(connection)

    monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", refused)

    assert drain_outbox() == 1
    assert len(fme.events) == 1
