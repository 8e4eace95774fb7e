"""Retention removes what is over, and nothing that still waits, is dead, or is on its way."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from durable.drains import drain_all
from durable.stopping import stopping
from integrations.models import SentryIntegration
from tests.factories import AttemptFactory, EventFactory, IntegrationFactory, MessageFactory
from tests.webhooks.conftest import SECRET, body_of
from webhooks import retention
from webhooks.models import Delivery, DeliveryAttempt, HourlyCount, InboxMessage, OutboxEvent
from webhooks.retention import ClocksDisagree, prune
from webhooks.signature import sign

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(retention, "BREATH_SECONDS", 0.0)


def old(days=40, **changes):
    return MessageFactory(received_at=timezone.now() - timedelta(days=days), **changes)


def test_what_is_over_goes_bodies_first():
    facts, body, fresh = old(state="done"), old(20, state="done"), old(2, state="done")

    prune()

    assert dict(InboxMessage.objects.values_list("pk", "body")).keys() == {body.pk, fresh.pk}
    assert InboxMessage.objects.get(body=None) == body
    assert not InboxMessage.objects.filter(pk=facts.pk).exists()


@pytest.mark.parametrize("state", ["pending", "dead"])
def test_a_message_that_waits_or_is_dead_stays_whole(state):
    message = old(400, state=state)

    prune()

    assert InboxMessage.objects.exclude(body=None).get() == message


@pytest.mark.parametrize("state", ["pending", "dead"])
def test_a_message_with_an_undelivered_event_stays_whole(state):
    event = EventFactory(message=old(400, state="done"), delivery__state=state)

    prune()

    assert InboxMessage.objects.exclude(body=None).get() == event.message


def deleted(days):
    return IntegrationFactory(deleted_at=timezone.now() - timedelta(days=days))


def test_what_failed_goes_with_an_integration_that_was_deleted_long_ago():
    integration = deleted(50)
    old(60, state="dead", integration=integration)
    EventFactory(message=old(60, state="done", integration=integration), delivery__state="dead")

    prune()
    Delivery.objects.update(due_at=timezone.now() - timedelta(days=60))
    prune()

    rows = (InboxMessage, OutboxEvent, Delivery, SentryIntegration)
    assert [model.objects.count() for model in rows] == [0, 0, 0, 0]


@pytest.mark.parametrize(("days", "state"), [(5, "dead"), (50, "pending")])
def test_what_failed_lately_or_still_waits_of_a_deleted_integration_stays(days, state):
    event = EventFactory(message=old(60, state="done", integration=deleted(days)), delivery__state=state)

    prune()

    assert OutboxEvent.objects.get() == event


def test_old_attempts_go_and_open_ones_stay():
    long_ago = timezone.now() - timedelta(days=40)
    AttemptFactory(started_at=long_ago)
    open_one = AttemptFactory(started_at=long_ago, outcome="open")

    prune()

    assert DeliveryAttempt.objects.get() == open_one


def test_more_than_a_batch_goes_too(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(5):
        EventFactory(message=old(state="done"), delivery__state="done")

    assert prune()["messages"] == 5
    assert InboxMessage.objects.count() == 0


def as_if_started_now(monkeypatch):
    """The process began with the clock as it is now."""
    monkeypatch.setattr(retention, "BEGUN_AT", timezone.now() - timedelta(seconds=retention.ticking()))


@pytest.mark.parametrize("away", [timedelta(days=60), timedelta(hours=-2)])
def test_nothing_goes_by_a_clock_that_was_moved_while_the_process_ran(time_machine, monkeypatch, away):
    old(days=1, state="done")
    now = timezone.now()
    time_machine.move_to(now + away)
    monkeypatch.setattr(retention, "database_time", timezone.now)

    with pytest.raises(ClocksDisagree, match=r"moved by [+-]\d"):
        prune()
    time_machine.move_to(now)

    assert prune()["bodies"] == 0


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no clock of its own")
@pytest.mark.parametrize("away", [timedelta(days=60), timedelta(hours=-2)])
def test_nothing_goes_by_a_clock_that_the_databases_does_not_agree_with(time_machine, monkeypatch, away):
    old(days=1, state="done")
    time_machine.move_to(timezone.now() + away)
    as_if_started_now(monkeypatch)

    with pytest.raises(ClocksDisagree, match="more than an hour apart"):
        prune()
    with pytest.raises(CommandError, match="Set the wrong one right"):
        call_command("prune")

    assert InboxMessage.objects.count() == 1


def test_a_steady_rate_fills_no_more_than_its_retention(
    time_machine, settings, hook, deliver, fme, monkeypatch
):
    monkeypatch.setattr(retention, "database_time", timezone.now)  # its clock moves with ours
    settings.RETENTION_DAYS, settings.PAYLOAD_RETENTION_DAYS = 6, 3
    sizes = []
    for day in range(15):
        time_machine.move_to(datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=day))
        as_if_started_now(monkeypatch)
        for _ in range(2):
            deliver_anew(hook, deliver)
        drain_all()
        prune()
        kept = InboxMessage.objects.exclude(body=None)
        tables = (InboxMessage, OutboxEvent, DeliveryAttempt, HourlyCount)
        sizes.append((kept.count(), *(table.objects.count() for table in tables)))

    assert sizes[-1][:3] == (2 * 3, 2 * 6, 2 * 6)
    assert all(max(size) - min(size) <= 1 for size in zip(*sizes[8:], strict=True))  # nothing grows any more
    assert len(fme.events) == 2 * 15


def deliver_anew(hook, deliver):
    """The recorded exception once more, under an event id of its own."""
    event_id = json.loads(body_of("seed-staging"))["event"]["eventID"]
    body = body_of("seed-staging").replace(event_id.encode(), uuid4().hex.encode())
    deliver(hook, body=body, headers={"X-ServiceHook-Signature": sign(body, SECRET)})


def test_a_process_that_is_to_stop_finishes_the_batch_in_hand(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 1)
    for _ in range(20):
        old(state="done")
    stopping.set()
    try:
        prune()
    finally:
        stopping.clear()

    assert 0 < InboxMessage.objects.count() < 20
