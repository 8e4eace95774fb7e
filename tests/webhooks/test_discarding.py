"""Deleting with discard: hidden at once, nothing more is made of it, and what waits goes in batches."""

import pytest
from django.utils import timezone

from durable.models import State
from durable.stopping import stopping
from integrations.models import Discard
from tests.factories import EventFactory, MessageFactory
from tests.webhooks.conftest import body_of
from webhooks import discarding
from webhooks.discarding import drain_discards, remove_and_discard
from webhooks.inbox import drain_inbox
from webhooks.models import InboxMessage, OutboxEvent
from webhooks.replaying import Choice, order_replay, replay

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(discarding, "BATCH", 2)


@pytest.fixture
def backlog(hook):
    """Five messages to translate and five events to deliver."""
    done = MessageFactory(integration=hook.integration, state=State.DONE, outcome="whole")
    EventFactory.create_batch(5, message=done)
    MessageFactory.create_batch(5, integration=hook.integration)
    return done


def rests():
    return InboxMessage.objects.filter(state="pending").count(), OutboxEvent.objects.count()


def test_a_backlog_is_dropped_in_batches(hook, backlog):
    remove_and_discard(hook.integration)
    assert rests() == (3, 3)

    drain_discards()

    assert rests() == (0, 0)
    assert Discard.objects.get().state == "done"
    assert InboxMessage.objects.get() == backlog


def test_a_worker_that_is_told_to_stop_leaves_the_rest_to_the_next(hook, backlog, monkeypatch):
    remove_and_discard(hook.integration)
    whole = discarding.drop_next

    def drop_one(pk):
        whole(pk)
        stopping.set()

    monkeypatch.setattr(discarding, "drop_next", drop_one)
    try:
        drain_discards()
    finally:
        stopping.clear()
    assert rests() == (1, 1)

    monkeypatch.undo()
    drain_discards()

    assert rests() == (0, 0)


def test_nothing_is_made_of_what_was_received_before_and_comes_in_later(hook):
    """From the spool, for example."""
    remove_and_discard(hook.integration)
    drain_discards()
    MessageFactory(integration=hook.integration, body=body_of("seed-staging"), received_at=hook.created_at)

    drain_inbox()

    assert not OutboxEvent.objects.exists()
    assert InboxMessage.objects.get().skips[0]["code"] == "integration_paused"


def test_a_message_that_is_being_replayed_keeps_what_was_delivered_of_it(hook):
    message = MessageFactory(integration=hook.integration, state=State.DONE, outcome="whole")
    delivered = EventFactory(message=message, delivery__state=State.DONE)
    replay(InboxMessage.objects.all())

    remove_and_discard(hook.integration)
    drain_discards()

    assert OutboxEvent.objects.get() == delivered
    assert (InboxMessage.objects.get().state, InboxMessage.objects.get().replay) == ("done", "")


def test_an_order_to_replay_is_dropped_too(hook):
    MessageFactory(integration=hook.integration, state=State.DONE)
    order_replay(hook.integration, Choice(hook.integration_id, timezone.now()))

    remove_and_discard(hook.integration)

    assert not hook.integration.replay_orders.exists()
