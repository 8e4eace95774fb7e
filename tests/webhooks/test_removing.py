"""Events that are removed under a delivery: what it says, what is counted, and what is left of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import EventFactory, MessageFactory, in_delivery
from webhooks.erasure import erase
from webhooks.metrics import of_database
from webhooks.models import Delivery, HourlyCount, OutboxEvent
from webhooks.outbox import drain_outbox
from webhooks.removing import remove
from webhooks.retention import prune
from webhooks.rollups import EVER, Count, Tally, count_dead

pytestmark = pytest.mark.django_db


def ever():
    """What is counted of all time, by name."""
    return dict(HourlyCount.objects.filter(hour=EVER).values_list("name", "count"))


def made(*events):
    """Count `events` as made."""
    tally = Tally()
    for event in events:
        where, at = event.message.integration_id, event.message.received_at
        tally.add(where, Count.EVENT, at, event.environment_id, event.traffic_type)
        tally.add_ever(where, Count.EVENT, at)
    tally.store()


def test_a_delivery_says_what_is_left_of_it(together):
    delivery = together("a", "b", "c")
    OutboxEvent.objects.filter(key="c").update(body='{"key": "é"}')

    assert remove(OutboxEvent.objects.filter(key__in="ab")) == 2

    delivery.refresh_from_db()
    assert (delivery.event_count, delivery.byte_count) == (1, len('{"key": "é"}'.encode()) + 1)


def test_what_was_erased_is_not_counted_as_waiting(together):
    together("a", "b")
    together("a")

    erase("a", also_waiting=True)

    assert b'queue_pending{queue="outbox"} 1.0' in of_database()


@pytest.mark.parametrize("state", ["done", "dead", "pending"])
def test_a_delivery_that_is_left_empty_goes(state):
    EventFactory(key="a", delivery__state=state)

    erase("a", also_waiting=True)

    assert not Delivery.objects.exists()


def test_one_that_is_under_way_is_left_to_its_worker(waiting, fme):
    waiting("a")
    fme.on_post = lambda: erase("a", also_waiting=True)

    drain_outbox()

    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.event_count) == ("done", 0)


def test_what_was_never_delivered_leaves_the_counts(together):
    dead = EventFactory(key="a", delivery__state="dead")
    waits = EventFactory(key="a", message=dead.message)
    gone = EventFactory(key="a", message=dead.message, delivery__state="done")
    made(dead, waits, gone)
    count_dead([dead.delivery_id])

    erase("a", also_waiting=True)

    assert ever() == {"event": 1, "dead": 0}
    hours = HourlyCount.objects.exclude(hour=EVER).filter(name__in=("event", "dead"))
    assert sum(hours.filter(name="event").values_list("count", flat=True)) == 1
    assert sum(hours.filter(name="dead").values_list("count", flat=True)) == 0


@pytest.mark.parametrize("state", ["done", "dead", "pending"])
def test_an_empty_delivery_of_long_ago_is_pruned(state):
    event = EventFactory(delivery__state=state)
    delivery = event.delivery
    OutboxEvent.objects.all().delete()
    Delivery.objects.update(due_at=timezone.now() - timedelta(days=400))

    prune()

    assert not Delivery.objects.filter(pk=delivery.pk).exists()


def test_a_delivery_shared_with_a_message_that_is_discarded_keeps_the_others(environment):
    mine, other = (EventFactory(message=MessageFactory(), environment=environment) for _ in range(2))
    delivery = in_delivery(mine, other)

    remove(OutboxEvent.objects.filter(pk=mine.pk))

    delivery.refresh_from_db()
    assert (delivery.event_count, list(delivery.events.all())) == (1, [other])
    assert delivery.due_at <= timezone.now()
