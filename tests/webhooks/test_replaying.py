"""Orders of a replay: every message of the time once, however many they are and wherever a worker stops."""

from datetime import timedelta
from io import StringIO

import pytest
from auditlog.models import LogEntry
from django.core.management import CommandError, call_command
from django.utils import timezone

from durable.drains import drain_all
from durable.stopping import stopping
from integrations.models import SentryIntegration
from integrations.services import remove_integration
from tests.factories import IntegrationFactory, MessageFactory
from webhooks import replaying
from webhooks.models import InboxMessage, ReplayOrder
from webhooks.replaying import Choice, drain_replays, order_replay

pytestmark = pytest.mark.django_db


@pytest.fixture
def integration():
    return IntegrationFactory()


@pytest.fixture
def messages(integration):
    return MessageFactory.create_batch(5, integration=integration, state="done")


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(replaying, "BATCH", 2)


def everything_of(integration):
    return Choice(integration.pk, timezone.now())


def pending():
    return set(InboxMessage.objects.filter(state="pending"))


def command(*arguments):
    call_command("replay", *arguments, stdout=(printed := StringIO()), stderr=StringIO())
    return printed.getvalue().strip()


def test_an_order_takes_every_message_in_batches(integration, messages, small_batches):
    MessageFactory(state="done")

    assert order_replay(integration, everything_of(integration)) == 5
    drain_replays()

    assert pending() == set(messages)
    assert ReplayOrder.objects.get().state == "done"


def test_a_worker_that_is_told_to_stop_leaves_the_rest_to_the_next(
    integration, messages, small_batches, monkeypatch
):
    order_replay(integration, everything_of(integration), everything=True)
    whole = replaying.replay_next

    def replay_one(order, choice):
        is_more = whole(order, choice)
        stopping.set()
        return is_more

    monkeypatch.setattr(replaying, "replay_next", replay_one)
    try:
        drain_replays()
    finally:
        stopping.clear()
    first = pending()
    InboxMessage.objects.filter(state="pending").update(state="done")  # translated before the next one begins

    monkeypatch.undo()
    drain_replays()

    assert len(first) == 2
    assert pending() == set(messages) - first


def test_a_worker_that_dies_between_two_batches_replays_none_twice(
    integration, messages, small_batches, monkeypatch
):
    order_replay(integration, everything_of(integration), everything=True)
    order = ReplayOrder.objects.claim(limit=1, lease_seconds=0)[0]
    replaying.replay_next(order, everything_of(integration))
    first = pending()
    InboxMessage.objects.filter(state="pending").update(state="done")

    drain_replays()

    assert pending() == set(messages) - first


def test_a_worker_that_lost_its_claim_replays_nothing(integration, messages):
    order_replay(integration, everything_of(integration))
    late = ReplayOrder.objects.claim(limit=1, lease_seconds=0)[0]
    ReplayOrder.objects.claim(limit=1, lease_seconds=30)

    assert not replaying.replay_next(late, everything_of(integration))
    assert not pending()


def test_a_second_click_is_the_same_order(integration, messages):
    choice = everything_of(integration)
    order_replay(integration, choice, everything=True)
    order_replay(integration, choice, everything=True)

    assert ReplayOrder.objects.count() == LogEntry.objects.filter(changes__has_key="replay").count() == 1


@pytest.mark.parametrize(("everything", "orders"), [(True, 1), (False, 2)])
def test_a_form_sent_again_when_its_order_is_done_sends_nothing_twice(
    integration, messages, everything, orders
):
    choice = Choice(integration.pk, until=timezone.now())
    for _ in range(2):
        order_replay(integration, choice, everything=everything)
        drain_replays()
        InboxMessage.objects.update(state="done", replay="")

    assert ReplayOrder.objects.filter(state="done").count() == orders


def test_what_comes_in_after_the_order_is_not_replayed(integration, messages):
    order_replay(integration, everything_of(integration))
    MessageFactory(integration=integration, state="done")

    drain_replays()

    assert pending() == set(messages)


def test_the_command_shows_the_number_and_orders_the_same(integration, messages):
    InboxMessage.objects.filter(pk=messages[0].pk).update(received_at=timezone.now() - timedelta(days=2))
    since = (timezone.now() - timedelta(days=1)).isoformat()
    chosen = ("--integration", str(integration.pk), "--since", since)

    assert command(*chosen, "--dry-run") == "4 messages would be replayed"
    assert not ReplayOrder.objects.exists()
    assert command(*chosen) == "4 messages are replayed"
    drain_replays()
    assert pending() == set(messages[1:])


def test_the_command_replays_one_message_and_it_is_on_record(messages):
    assert command("--message", str(messages[0].pk), "--dry-run") == "1 messages would be replayed"
    assert command("--message", str(messages[0].pk), "--everything") == "1 messages are replayed"

    assert InboxMessage.objects.get(state="pending").replay == "all"
    assert LogEntry.objects.get(changes__has_key="replay").object_pk == str(messages[0].pk)


@pytest.mark.parametrize(
    "arguments", [(), ("--integration", "1"), ("--integration", "999", "--since", "2026-11-23")]
)
def test_the_command_says_what_it_lacks(arguments):
    with pytest.raises(CommandError):
        command(*arguments)


def test_a_deleted_integration_is_not_replayed_by_the_command(integration, messages):
    remove_integration(integration)

    with pytest.raises(CommandError):
        command("--integration", str(integration.pk), "--since", "2026-01-01")


def test_draining_all_translates_what_an_order_made_due(integration, messages):
    order_replay(integration, everything_of(integration))

    drain_all()

    assert not pending()
    assert not InboxMessage.objects.filter(integration=integration, outcome="").exists()


def test_of_a_deleted_integration_nothing_is_replayed(integration, messages):
    stale = SentryIntegration.objects.get(pk=integration.pk)
    remove_integration(integration)

    assert order_replay(stale, everything_of(stale)) == 0

    assert not ReplayOrder.objects.exists()
