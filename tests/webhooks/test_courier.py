"""What a worker does with a claim when things go wrong around it: database, clock, SIGTERM, our own mistakes."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from durable.stopping import stopping
from integrations import holding
from integrations.models import Environment
from integrations.services import store_sdk_key
from webhooks import courier, outbox
from webhooks.batches import as_body
from webhooks.delivery_rows import move_deliveries
from webhooks.models import Delivery, DeliveryAttempt, OutboxEvent
from webhooks.outbox import drain_outbox

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def running(monkeypatch):
    """The process is not stopping, and loses no time."""
    monkeypatch.setattr("durable.patience.AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(
        "durable.patience.connection.close", lambda: None
    )  # the test's transaction lives in it
    yield
    stopping.clear()


def failing(times, error, honest):
    """`honest`, after it has failed so many times."""
    left = [error] * times

    def call(*arguments, **named):
        if left:
            raise left.pop()
        return honest(*arguments, **named)

    return call


def test_what_fme_took_is_not_sent_again_because_the_database_was_away(waiting, fme, monkeypatch):
    waiting("a", "b")
    monkeypatch.setattr(
        "webhooks.courier.move_deliveries", failing(3, OperationalError("gone"), move_deliveries)
    )

    drain_outbox()

    assert sorted(event["key"] for event in fme.events) == ["a", "b"]
    assert set(Delivery.objects.values_list("state", flat=True)) == {"done"}


def test_a_commit_whose_answer_was_lost_is_not_taken_for_a_lost_claim(waiting, fme, monkeypatch):
    waiting("a")
    honest, lost = courier.Courier.mark_delivered, [True]

    def mark_and_lose(self, attempt, batch):
        kept = honest(self, attempt, batch)
        if lost and lost.pop():
            raise OperationalError("the connection broke after the commit")
        return kept

    monkeypatch.setattr(courier.Courier, "mark_delivered", mark_and_lose)

    drain_outbox()

    assert DeliveryAttempt.objects.get().outcome == "delivered"
    assert OutboxEvent.objects.get().state == "done"


def test_a_process_that_has_to_stop_gives_up_waiting_for_the_database(waiting, fme, monkeypatch, settings):
    waiting("a")
    settings.LEASE_SECONDS = 0.3
    fme.on_post = stopping.set
    monkeypatch.setattr("webhooks.courier.move_deliveries", failing(10**6, OperationalError("gone"), None))

    with pytest.raises(OperationalError):
        drain_outbox()


def test_an_answer_after_the_lease_is_recorded_as_ambiguous(waiting, fme):
    waiting("a")
    fme.on_post = lambda: Delivery.objects.update(claim=None)

    drain_outbox()

    assert DeliveryAttempt.objects.get().outcome == "ambiguous"


def test_a_worker_that_slept_after_its_claim_sends_only_what_is_still_its_own(waiting, fme, monkeypatch):
    waiting("mine", "taken over")
    honest = outbox.claim

    def claim_and_sleep(*arguments, **named):
        claimed, attempt = honest(*arguments, **named)
        if attempt:
            attempt.started_at -= timedelta(minutes=5)
            Delivery.objects.filter(events__key="taken over").update(claim=None, state="done")
        return claimed, attempt

    monkeypatch.setattr(outbox, "claim", claim_and_sleep)

    drain_outbox()

    assert [event["key"] for event in fme.events] == ["mine"]


def test_what_is_claimed_and_not_sent_is_let_go_when_the_process_stops(waiting, fme):
    waiting(*"abcd")
    fme.poison = {"a"}
    fme.on_post = stopping.set

    drain_outbox()

    assert not fme.events
    assert Delivery.objects.filter(state="pending", claim=None, due_at__lte=timezone.now()).count() == 4


def test_an_event_that_breaks_our_own_code_dies_after_five_times_and_stops_no_other(
    waiting, fme, monkeypatch
):
    waiting("bad", *(f"good-{n}" for n in range(9)))

    def broken(batch):
        if any(b'"key": "bad"' in part.body for part in batch):
            raise ZeroDivisionError
        return as_body(batch)

    monkeypatch.setattr("webhooks.courier.as_body", broken)
    for _ in range(6):
        Delivery.objects.filter(state="pending").update(due_at=timezone.now())
        drain_outbox()

    dead = OutboxEvent.objects.get(delivery__state="dead")
    assert (dead.key, "ZeroDivisionError" in dead.last_error) == ("bad", True)
    assert len(fme.events) == 9


def test_a_delivery_that_is_gone_when_our_own_code_fails_over_it_stops_nobody(waiting, fme, monkeypatch):
    waiting("erased")

    def erase_and_fail(batch):
        OutboxEvent.objects.all().delete()
        Delivery.objects.all().delete()
        raise ZeroDivisionError

    monkeypatch.setattr("webhooks.courier.as_body", erase_and_fail)

    assert drain_outbox() == 0


def test_workers_that_fail_side_by_side_count_as_one_failure(environment):
    for _ in range(4):
        holding.hold(environment, "down", timezone.now())

    assert Environment.objects.get().hold_attempts == 1


def test_a_refusal_of_the_old_key_does_not_hold_what_the_new_key_can_deliver(waiting, environment, fme):
    waiting("a")
    fme.answers = [(401, {}, "")]
    fme.on_post = lambda: store_sdk_key(environment, "a-new-sdk-key-of-many-letters")

    drain_outbox()
    fme.on_post = lambda: None
    drain_outbox()

    assert [event["key"] for event in fme.events] == ["a"]


def test_what_a_wrong_clock_put_off_is_delivered_now(waiting, environment, fme):
    waiting("a")
    Delivery.objects.update(due_at=timezone.now() + timedelta(days=400))
    Environment.objects.update(hold_reason="down", hold_until=timezone.now() + timedelta(days=400))

    drain_outbox()

    assert [event["key"] for event in fme.events] == ["a"]


def test_what_lifts_a_hold_starts_the_count_anew(waiting, environment, fme):
    Environment.objects.update(
        hold_reason="FME is failing (503).", hold_until=timezone.now(), hold_attempts=12
    )
    waiting("good", "next")
    fme.answers += [(202, {}, ""), (503, {}, "")]

    drain_outbox()

    environment.refresh_from_db()
    assert environment.hold_attempts == 1
    assert environment.hold_until - timezone.now() < timedelta(seconds=5)


def test_a_bad_event_after_an_outage_holds_nothing(waiting, environment, fme):
    Environment.objects.update(
        hold_reason="FME is failing (503).", hold_until=timezone.now(), hold_attempts=12
    )
    waiting("good", "bad")
    fme.poison.add("bad")

    drain_outbox()

    environment.refresh_from_db()
    assert [event["key"] for event in fme.events] == ["good"]
    assert not environment.is_held
