"""From a signed webhook to FME, by draining: whole events out."""

import json

import pytest

from durable.drains import drain_all
from integrations.models import Environment
from integrations.services import remove_integration
from tests.webhooks.conftest import body_of
from webhooks import hook_secrets, inbox
from webhooks.inbox import drain_inbox
from webhooks.models import DeliveryAttempt, HourlyCount, InboxMessage, OutboxEvent
from webhooks.outbox import drain_outbox
from webhooks.replaying import replay
from webhooks.resending import failed_of

pytestmark = pytest.mark.django_db


def test_the_two_traffic_types_of_the_product_document(hook, deliver, fme):
    deliver(hook, "seed-multi-traffic-type")

    drain_all()

    assert sorted(
        (e["environmentName"], e["trafficTypeName"], e["key"], e["timestamp"]) for e in fme.events
    ) == [
        ("Production", "org", "55", 1795399567579),
        ("Production", "user", "42", 1795399567579),
    ]
    assert {(e["eventTypeId"], e["source"], e["value"]) for e in fme.events} == {
        ("sentry_exception", "Sentry", None)
    }


def test_each_environment_is_posted_to_with_its_own_key(hook, deliver, fme):
    deliver(hook, "seed-staging")
    deliver(hook, "seed-production")

    drain_all()

    keys = {environment.name: environment.sdk_key for environment in Environment.objects.all()}
    posted = {batch[0]["environmentName"]: key for batch, key in zip(fme.batches, fme.keys, strict=True)}
    assert posted == {name: f"Bearer {key}" for name, key in keys.items()}


def test_what_was_delivered_is_recorded(hook, deliver, fme):
    deliver(hook, "seed-staging")

    drain_all()

    attempt, event = DeliveryAttempt.objects.get(), OutboxEvent.objects.get()
    assert (event.state, event.delivery.claim) == ("done", attempt.pk)
    assert (attempt.outcome, attempt.status_code, attempt.event_ids) == ("delivered", 202, [event.pk])
    assert InboxMessage.objects.get().skips == [
        {"code": "identity_missing", "detail": "Nothing stands at data.error.user.orgId."}
    ]


def test_a_second_drain_sends_nothing_again(hook, deliver, fme):
    deliver(hook)
    drain_all()
    deliver(hook)

    drain_all()

    assert len(fme.events) == 1


def test_a_message_of_a_paused_integration_is_skipped_and_can_be_replayed(hook, deliver, fme):
    type(hook.integration).objects.update(is_active=False)
    deliver(hook)
    drain_all()
    type(hook.integration).objects.update(is_active=True)

    replay(InboxMessage.objects.all())
    drain_all()

    assert [event["key"] for event in fme.events] == ["42"]


def test_a_replay_sends_only_what_the_mapping_adds(hook, deliver, fme):
    hook.integration.identity_mappings.filter(path="data.error.user.orgId").update(
        path="data.error.user.email"
    )
    hook.integration.identity_mappings.filter(path="data.error.user.id").update(path="data.error.nothing")
    deliver(hook)
    drain_all()
    hook.integration.identity_mappings.filter(path="data.error.nothing").update(path="data.error.user.id")

    replay(InboxMessage.objects.all())
    drain_all()

    assert [event["key"] for event in fme.events] == ["john.doe@example.com", "42"]


def test_a_replay_of_everything_sends_everything_again(hook, deliver, fme):
    deliver(hook)
    drain_all()

    replay(InboxMessage.objects.all(), everything=True)
    drain_all()

    assert [event["key"] for event in fme.events] == ["42", "42"]


def test_an_unverified_message_is_translated_once_the_secret_is_known(hook, deliver, fme):
    type(hook).objects.update(secret="")
    deliver(hook)
    drain_all()
    type(hook).objects.update(secret="test-secret")
    InboxMessage.objects.update(due_at="2020-01-01T00:00:00Z")

    drain_all()

    assert len(fme.events) == 1


def test_a_forged_unverified_message_is_buried(hook, deliver, fme):
    type(hook).objects.update(secret="")
    deliver(hook, headers={"X-ServiceHook-Signature": "0" * 64})
    type(hook).objects.update(secret="test-secret")

    drain_all()

    message = InboxMessage.objects.get()
    assert (message.state, fme.events) == ("dead", [])
    assert "did not come from Sentry" in message.last_error


def test_a_forgery_that_is_sent_through_again_is_counted_once(hook, deliver, fme):
    type(hook).objects.update(secret="")
    deliver(hook, headers={"X-ServiceHook-Signature": "0" * 64})
    type(hook).objects.update(secret="test-secret")
    drain_all()

    failed_of(InboxMessage.objects.get()).resend()
    drain_all()

    assert (InboxMessage.objects.get().state, fme.events) == ("dead", [])
    assert HourlyCount.objects.get(name="unverified").count == 1


def test_one_message_that_breaks_our_code_stops_no_other(hook, deliver, fme, monkeypatch):
    honest = inbox.translate_message
    bad = json.loads(body_of("seed-production"))["event"]["eventID"].encode()
    monkeypatch.setattr(inbox, "translate_message", lambda m, r: 1 / 0 if bad in m.body else honest(m, r))
    deliver(hook, "seed-production")
    deliver(hook, "seed-staging")

    for _ in range(6):
        InboxMessage.objects.filter(state="pending").update(due_at="2020-01-01T00:00:00Z")
        drain_all()

    dead = InboxMessage.objects.get(state="dead")
    assert ("ZeroDivisionError" in dead.last_error, dead.faults) == (True, 5)
    assert [event["environmentName"] for event in fme.events] == ["Staging"]


def test_a_message_that_comes_after_its_integration_was_deleted_sends_nothing(hook, deliver, fme):
    deliver(hook)
    remove_integration(hook.integration)

    late = deliver(hook, "seed-production")  # with the hook still cached
    hook_secrets.cache.clear()
    later = deliver(hook, "seed-multi-traffic-type")
    drain_inbox()
    drain_outbox()

    assert (late.status_code, later.status_code, InboxMessage.objects.count()) == (202, 202, 2)
    assert [event["environmentName"] for event in fme.events] == ["Staging"]
