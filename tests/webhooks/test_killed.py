"""A worker that dies, wherever it is: after its lease everything is there, once, and counted once."""

from collections import Counter
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.models import Sum
from django.utils import timezone

from tests.factories import EventFactory, MessageFactory, in_delivery
from tests.integrations.test_at_once import at_once
from webhooks import courier, delivery_rows, outbox
from webhooks.models import Delivery, DeliveryAttempt, HourlyCount, OutboxEvent
from webhooks.outbox import drain_outbox
from webhooks.rollups import EVER

KEYS = [f"user-{number}" for number in range(12)]


class Killed(BaseException):
    """kill -9: nothing catches it."""


def dies(honest, *, after=False):
    """`honest`, of which the first call kills the process before or after its work."""
    lives = [True]

    def call(*arguments, **named):
        result = honest(*arguments, **named) if after or not lives else None
        if lives:
            lives.pop()
            raise Killed
        return result

    return call


def ever():
    """What is counted of all time, by name."""
    rows = HourlyCount.objects.filter(hour=EVER).values_list("name").annotate(Sum("count"))
    return dict(rows)


def leases_end():
    """So much later that whatever was claimed is due again."""
    long_ago = timezone.now() - timedelta(minutes=5)
    Delivery.objects.filter(state="pending").update(due_at=long_ago)
    Delivery.objects.exclude(leased_until=None).update(leased_until=long_ago)
    DeliveryAttempt.objects.filter(outcome="open").update(started_at=long_ago)


def assert_all_is_settled(keys=KEYS, *, dead=()):
    """Every event is delivered or dead, every delivery says what it holds, and each is counted once."""
    states = dict(OutboxEvent.objects.values_list("key", "delivery__state"))
    assert states == {key: "dead" if key in dead else "done" for key in keys}
    assert all(row.event_count == row.events.count() for row in Delivery.objects.all())
    assert not DeliveryAttempt.objects.filter(outcome="open").exists()
    counts = {"delivered": len(keys) - len(dead)} | ({"dead": len(dead)} if dead else {})
    assert ever() == counts


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("place", "name", "after", "sent"),
    [
        (outbox, "claim", True, 1),
        (courier, "post_events", False, 1),
        (courier, "post_events", True, 2),  # FME has it, and nobody knows
        (courier.Courier, "finish", False, 2),
    ],
)
def test_killed_around_the_post(together, fme, monkeypatch, place, name, after, sent):
    together(*KEYS)
    monkeypatch.setattr(place, name, dies(getattr(place, name), after=after))
    with pytest.raises(Killed):
        drain_outbox()
    leases_end()

    drain_outbox()

    assert Counter(event["key"] for event in fme.events) == dict.fromkeys(KEYS, sent)
    assert_all_is_settled()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("place", "name", "after"),
    [
        (courier, "split_delivery", False),
        (courier, "split_delivery", True),
        (delivery_rows, "with_events", False),
        (courier, "insert_attempt", False),
        (courier, "insert_attempt", True),
        (courier, "count_dead", True),
        (courier.Courier, "settle_suspects", False),
    ],
)
def test_killed_while_a_refused_delivery_is_split(together, waiting, fme, monkeypatch, place, name, after):
    together(*KEYS)
    fme.poison = {"user-3"}
    honest = getattr(place, name)
    monkeypatch.setattr(place, name, dies(honest, after=after))
    with pytest.raises(Killed):
        drain_outbox()
    monkeypatch.setattr(place, name, honest)

    for _ in range(3):
        leases_end()
        drain_outbox()
    waiting("later")  # what FME accepts now proves that the refused one is at fault
    leases_end()
    drain_outbox()

    keys = {*KEYS, "later"}
    assert Counter(event["key"] for event in fme.events) == dict.fromkeys(keys - fme.poison, 1)
    assert_all_is_settled(keys, dead=fme.poison)


@pytest.mark.django_db
def test_a_lease_that_ends_while_parts_wait_leaves_them_to_others(together, environment, fme):
    together(*KEYS)
    fme.answers = [(400, {}, "")]
    fme.on_post = lambda: Delivery.objects.update(claim=uuid4())

    drain_outbox()
    assert not fme.events
    fme.on_post = lambda: None
    leases_end()
    drain_outbox()

    assert Counter(event["key"] for event in fme.events) == dict.fromkeys(KEYS, 1)
    assert_all_is_settled()


@pytest.mark.django_db(transaction=True)
def test_workers_side_by_side_on_one_environment_send_each_event_once(environment, fme, settings):
    settings.OUTBOX_BATCH_EVENTS = 2
    message = MessageFactory()
    events = [EventFactory(message=message, environment=environment, key=key) for key in KEYS]
    in_delivery(*events[:5])
    in_delivery(*events[5:8])
    fme.poison = {"user-3"}

    found = at_once(drain_outbox)
    for _ in range(2):
        leases_end()
        drain_outbox()

    assert not [one for one in found if isinstance(one, Exception)]
    assert Counter(event["key"] for event in fme.events) == dict.fromkeys(set(KEYS) - fme.poison, 1)
    assert_all_is_settled(dead=fme.poison)
