"""What changes between a claim and a later POST of it: the SDK key, and which events are left."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations import holding
from integrations.models import Environment
from integrations.services import store_sdk_key
from webhooks import outbox
from webhooks.delivery_rows import split_delivery
from webhooks.models import Delivery, DeliveryAttempt, OutboxEvent
from webhooks.outbox import drain_outbox

pytestmark = pytest.mark.django_db

NEW_KEY = "a-new-sdk-key-of-many-letters"


def posted(fme):
    """The bodies of every POST, as FME read them."""
    return [call.request.body for call in fme.mock.calls]


@pytest.fixture(autouse=True)
def a_second_passes_between_claims(monkeypatch):
    monkeypatch.setattr(outbox, "KEY_SECONDS", -1)


def late(monkeypatch, meanwhile):
    """A worker that sleeps after its claim, and does `meanwhile`."""
    honest = outbox.claim

    def claim_and_sleep(*arguments, **named):
        claimed, attempt = honest(*arguments, **named)
        if attempt:
            attempt.started_at -= timedelta(minutes=5)
            meanwhile()
        return claimed, attempt

    monkeypatch.setattr(outbox, "claim", claim_and_sleep)


def test_a_key_replaced_while_a_batch_is_halved_is_used_at_once(waiting, environment, fme):
    waiting("bad", "good")
    fme.poison = {"bad"}
    fme.on_post = lambda: store_sdk_key(environment, NEW_KEY)

    drain_outbox()

    assert fme.keys == [f"Bearer {NEW_KEY}"]


def test_a_key_replaced_between_two_claims_is_used_soon(waiting, environment, fme, settings):
    settings.OUTBOX_BATCH_EVENTS = 1
    waiting("a", "b")
    old = environment.sdk_key
    fme.on_post = lambda: store_sdk_key(environment, NEW_KEY)

    drain_outbox()

    assert fme.keys == [f"Bearer {old}", f"Bearer {NEW_KEY}"]


@pytest.mark.parametrize("size", [1, 1000])
def test_nothing_more_is_sent_with_a_key_that_was_removed(waiting, fme, settings, size):
    settings.OUTBOX_BATCH_EVENTS = size
    waiting("bad", "good", "better")
    fme.answers = [(400, {}, "")]
    fme.on_post = lambda: Environment.objects.update(sdk_key="", sdk_key_set_at=None)

    drain_outbox()

    assert len(posted(fme)) == 1
    assert set(Delivery.objects.values_list("state", "claim")) == {("pending", None)}


def test_a_success_of_the_old_key_does_not_lift_what_holds_the_new_one(environment):
    old = Environment.objects.get()
    old.hold_reason = "down"
    store_sdk_key(environment, NEW_KEY)
    holding.hold(environment, "the new key is refused", timezone.now())

    holding.lift(old)

    assert Environment.objects.get().hold_reason == "the new key is refused"


def test_what_is_erased_while_a_batch_is_halved_is_not_sent(waiting, fme):
    waiting("bad", "erased")
    fme.poison = {"bad"}
    fme.on_post = lambda: OutboxEvent.objects.filter(key="erased").delete()

    drain_outbox()

    assert not fme.events
    assert not any(b"erased" in body or body == b"[]" for body in posted(fme)[1:])
    assert Delivery.objects.get(events=None).state == "done"


def test_what_is_erased_of_a_delivery_while_it_is_split_is_not_sent(together, fme):
    together(*"abcdefgh")
    fme.poison = {"a"}
    fme.on_post = lambda: OutboxEvent.objects.filter(key__in="bcdefg").delete()

    drain_outbox()

    assert [event["key"] for event in fme.events] == ["h"]
    assert b"[]" not in posted(fme)
    assert OutboxEvent.objects.get(delivery__state="dead").key == "a"


def test_what_is_erased_while_a_worker_sleeps_is_not_sent(waiting, fme, monkeypatch):
    waiting("erased", "kept")
    late(monkeypatch, lambda: OutboxEvent.objects.filter(key="erased").delete())

    drain_outbox()

    assert [event["key"] for event in fme.events] == ["kept"]


def test_nothing_is_posted_when_nothing_is_left(waiting, fme, monkeypatch):
    waiting("a", "b")
    late(monkeypatch, OutboxEvent.objects.all().delete)

    drain_outbox()

    assert not posted(fme)
    assert not DeliveryAttempt.objects.exists()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"done"}


def test_a_probe_whose_event_is_erased_this_moment_posts_nothing(together, environment, fme, monkeypatch):
    together("a", "b")
    Environment.objects.update(hold_reason="down", hold_until=timezone.now(), hold_attempts=3)

    def erase_and_split(*arguments, **named):
        OutboxEvent.objects.all().delete()
        return split_delivery(*arguments, **named)

    monkeypatch.setattr("webhooks.outbox.split_delivery", erase_and_split)

    drain_outbox()

    assert not posted(fme)
    assert not Delivery.objects.filter(state="pending").exists()
