"""Retention removes what is over, and nothing that still waits, is dead, or is on its way."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import AttemptFactory, EventFactory, MessageFactory
from webhooks import retention
from webhooks.models import DeliveryAttempt, InboxMessage
from webhooks.retention import prune

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
    event = EventFactory(message=old(400, state="done"), state=state)

    prune()

    assert InboxMessage.objects.exclude(body=None).get() == event.message


def test_old_attempts_go_and_open_ones_stay():
    long_ago = timezone.now() - timedelta(days=40)
    AttemptFactory(started_at=long_ago)
    open_one = AttemptFactory(started_at=long_ago, outcome="open")

    prune()

    assert DeliveryAttempt.objects.get() == open_one


def test_more_than_a_batch_goes_too(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(5):
        EventFactory(message=old(state="done"), state="done")

    assert prune()["messages"] == 5
    assert InboxMessage.objects.count() == 0
