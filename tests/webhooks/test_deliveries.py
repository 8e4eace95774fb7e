"""Events that share a delivery: cut when they are stored, sent as one, split when one of them is refused."""

import json

import pytest
from django.utils import timezone

from integrations.models import Environment
from tests.factories import EnvironmentFactory, EventFactory, MessageFactory
from webhooks.delivery_rows import NewEvent, insert_events
from webhooks.models import Delivery, DeliveryAttempt, OutboxEvent
from webhooks.outbox import drain_outbox

pytestmark = pytest.mark.django_db


def new_event(message, environment, key, body="{}"):
    return NewEvent(message.pk, environment.pk, "sentry_exception", "user", key, 1, body)


def states():
    return dict(OutboxEvent.objects.values_list("key", "delivery__state"))


def test_new_events_share_a_delivery_per_environment_within_the_limits(settings):
    settings.OUTBOX_BATCH_EVENTS = 2
    message, (here, there) = MessageFactory(), EnvironmentFactory.create_batch(2)
    events = [new_event(message, here, key) for key in "abc"] + [new_event(message, there, "d", "é" * 9)]

    insert_events(events, now=timezone.now())

    rows = Delivery.objects.order_by("pk").values_list("environment", "event_count", "byte_count")
    assert list(rows) == [(here.pk, 2, 6), (here.pk, 1, 3), (there.pk, 1, 19)]
    assert list(OutboxEvent.objects.order_by("pk").values_list("key", flat=True)) == list("abcd")


def test_one_post_carries_several_small_deliveries_and_names_every_event(together, fme):
    together("a", "b")
    together("c")

    drain_outbox()

    assert [sorted(event["key"] for event in batch) for batch in fme.batches] == [["a", "b", "c"]]
    attempt = DeliveryAttempt.objects.get()
    assert sorted(attempt.event_ids) == sorted(OutboxEvent.objects.values_list("pk", flat=True))
    assert set(Delivery.objects.exclude(events=None).values_list("state", "claim")) == {("done", attempt.pk)}


def test_a_delivery_with_one_bad_event_is_split_until_it_is_alone(together, fme):
    keys = [f"user-{number}" for number in range(50)]
    together(*keys)
    fme.poison = {"user-17"}

    drain_outbox()

    assert states() == {key: "dead" if key == "user-17" else "done" for key in keys}
    assert sorted(event["key"] for event in fme.events) == sorted(set(keys) - fme.poison)
    assert Delivery.objects.get(state="dead").event_count == 1


def test_parts_of_a_split_delivery_say_what_they_hold(together, fme):
    together(*"abcd")
    fme.poison = {"a"}

    drain_outbox()

    for delivery in Delivery.objects.exclude(events=None):
        events = list(delivery.events.all())
        assert delivery.event_count == len(events)
        assert delivery.byte_count == sum(len(event.body.encode()) + 1 for event in events)


def test_a_probe_of_a_held_environment_sends_one_event_and_success_the_rest(together, environment, fme):
    together(*"abcde")
    Environment.objects.update(hold_reason="down", hold_until=timezone.now(), hold_attempts=3)

    drain_outbox()

    assert [len(batch) for batch in fme.batches] == [1, 4]
    assert set(states().values()) == {"done"}


def test_a_probe_that_fails_leaves_the_rest_due(together, environment, fme):
    together(*"abcde")
    Environment.objects.update(hold_reason="down", hold_until=timezone.now(), hold_attempts=3)
    fme.answers = [(503, {}, "")]

    drain_outbox()

    assert Delivery.objects.due().exclude(claim=None).count() == 0
    assert set(states().values()) == {"pending"}


def test_a_delivery_whose_events_were_erased_is_done_and_nothing_is_sent(together, fme):
    delivery = together("a", "b")
    delivery.events.all().delete()
    EventFactory(environment=delivery.environment, key="c")

    drain_outbox()

    assert [event["key"] for event in fme.events] == ["c"]
    assert not Delivery.objects.filter(state="pending").exists()


def test_one_erased_event_is_not_sent_with_the_others(together, fme):
    together("a", "b")
    OutboxEvent.objects.filter(key="a").delete()

    drain_outbox()

    assert [event["key"] for event in fme.events] == ["b"]


def test_the_texts_are_sent_as_they_were_stored(environment, fme):
    body = json.dumps({"key": "ä,\u2028", "properties": {"title": "a, b"}}, ensure_ascii=False)
    insert_events([new_event(MessageFactory(), environment, "ä", body)] * 2, now=timezone.now())

    drain_outbox()

    assert fme.batches == [[json.loads(body)] * 2]
