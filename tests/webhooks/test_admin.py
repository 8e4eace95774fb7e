"""Django admin of what flows through: replay and send again, on lists that never count a whole table."""

from datetime import timedelta
from uuid import uuid4

import pytest
from auditlog.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from durable.models import State
from integrations.admin.parts import BoundedPaginator, QuietAdmin
from tests.factories import EnvironmentFactory, EventFactory, HookFactory, IntegrationFactory, MessageFactory
from tests.webhooks.test_problems import fail
from webhooks.models import Delivery, InboxMessage, Notice, ReplayOrder
from webhooks.notices import add_receiver
from webhooks.problems import look

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client, account_admin):
    client.force_login(account_admin, backend="django.contrib.auth.backends.ModelBackend")
    return client


def act(operator, address, action, *objects, **fields):
    data = {"action": action, "_selected_action": [each.pk for each in objects], **fields}
    assert operator.post(reverse(f"admin:webhooks_{address}_changelist"), data).status_code == 302
    for each in objects:
        each.refresh_from_db()


@pytest.mark.parametrize(("action", "kind"), [("replay_added", "added"), ("replay_everything", "all")])
def test_messages_are_replayed_and_it_is_on_record(operator, account_admin, action, kind):
    message = MessageFactory(state=State.DONE)

    act(operator, "inboxmessage", action, message, confirmed=1)

    assert (message.state, message.replay) == (State.PENDING, kind)
    assert LogEntry.objects.get(content_type__model="inboxmessage").actor == account_admin


@pytest.mark.parametrize(("action", "warns"), [("replay_added", False), ("replay_everything", True)])
def test_a_replay_shows_the_number_first(operator, action, warns):
    able, pruned = MessageFactory(state=State.DONE), MessageFactory(state=State.DONE, body=None)
    data = {"action": action, "_selected_action": [able.pk, pruned.pk]}

    text = operator.post(reverse("admin:webhooks_inboxmessage_changelist"), data).content.decode()

    assert "Replay 1 message?" in text
    assert "1 of the chosen cannot be replayed" in text
    assert ("counts twice" in text) is warns
    assert not InboxMessage.objects.filter(state=State.PENDING).exists()


def test_more_than_can_be_listed_is_not_replayed_in_part(operator, monkeypatch):
    monkeypatch.setattr("webhooks.admin.messages.MOST_REPLAYED", 1)
    messages = MessageFactory.create_batch(2, state=State.DONE)

    act(operator, "inboxmessage", "replay_added", *messages, confirmed=1)

    assert not InboxMessage.objects.filter(state=State.PENDING).exists()


def test_a_time_of_an_integration_is_replayed_on_the_page_that_shows_the_number(operator):
    integration = IntegrationFactory()
    data = {"action": "replay_since", "_selected_action": [integration.pk]}

    response = operator.post(reverse("admin:integrations_sentryintegration_changelist"), data)

    assert response.url == reverse("replay_since", args=[integration.pk])


def test_an_order_that_failed_is_shown_and_goes_on(operator):
    order = ReplayOrder.objects.create(
        integration=IntegrationFactory(),
        until=timezone.now(),
        kind="added",
        state=State.DEAD,
        last_error="KeyError",
    )

    page = operator.get(reverse("admin:webhooks_replayorder_changelist")).content.decode()
    act(operator, "replayorder", "try_again", order)

    assert "KeyError" in page
    assert order.state == State.PENDING


def test_undelivered_events_are_sent_again_and_delivered_ones_are_not(operator):
    dead = EventFactory(delivery__state=State.DEAD, delivery__last_error="400")
    delivered = EventFactory(delivery__state=State.DONE)

    act(operator, "outboxevent", "send_again", dead, delivered)

    assert (dead.state, dead.last_error, delivered.state) == (State.PENDING, "", State.DONE)


def test_what_is_being_sent_is_not_sent_a_second_time(operator):
    later = timezone.now() + timedelta(seconds=30)
    sent = EventFactory(delivery__claim=uuid4(), delivery__due_at=later).delivery
    waiting = EventFactory(delivery__due_at=later).delivery

    act(operator, "delivery", "send_again", sent, waiting)

    assert (sent.due_at, waiting.due_at < later) == (later, True)


@pytest.mark.parametrize("address", ["delivery", "outboxevent"])
def test_every_delivery_of_a_list_is_sent_again_at_once(operator, address):
    for _ in range(3):
        EventFactory(delivery__state=State.DEAD)
    data = {
        "action": "send_again",
        "select_across": "1",
        "_selected_action": [1],
        "delivery__state": "dead",
    }

    with CaptureQueriesContext(connection) as queries:
        operator.post(reverse(f"admin:webhooks_{address}_changelist"), data)

    assert not Delivery.objects.filter(state=State.DEAD).exists()
    changes = [query["sql"] for query in queries if query["sql"].startswith("UPDATE")]
    assert len(changes) == 2  # what waits, and what is dead


@pytest.mark.parametrize("name", ["inboxmessage", "outboxevent"])
def test_an_event_id_is_found_however_it_is_written_and_by_an_index(operator, name):
    event_id = "0aec1d2f" * 4
    EventFactory(message__event_id=event_id)
    EventFactory()
    written = f" {event_id[:8]}-{event_id[8:]} ".upper()

    with CaptureQueriesContext(connection) as queries:
        response = operator.get(reverse(f"admin:webhooks_{name}_changelist"), {"q": written})

    assert response.context["cl"].result_count == 1
    assert not [query["sql"] for query in queries if "LIKE" in query["sql"] or "UPPER" in query["sql"]]


def test_list_is_counted_to_a_bound_and_reads_no_bodies(operator, monkeypatch):
    monkeypatch.setattr(BoundedPaginator, "most_counted", 2)
    monkeypatch.setattr(QuietAdmin, "list_per_page", 1)
    MessageFactory.create_batch(4)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = operator.get(reverse("admin:webhooks_inboxmessage_changelist"))

    assert response.context["cl"].result_count == 2
    statements = [query["sql"] for query in queries if "webhooks_inboxmessage" in query["sql"]]
    assert all("LIMIT" in statement for statement in statements)
    assert not any('"webhooks_inboxmessage"."body"' in statement for statement in statements)


def test_nothing_that_flows_can_be_added_changed_or_deleted(operator):
    message = MessageFactory()

    assert operator.get(reverse("admin:webhooks_inboxmessage_add")).status_code == 403
    address = reverse("admin:webhooks_inboxmessage_change", args=[message.pk])
    assert operator.post(address, {"title": "x"}).status_code == 403
    assert operator.post(reverse("admin:webhooks_inboxmessage_delete", args=[message.pk])).status_code == 403
    assert InboxMessage.objects.get().title == message.title


def given_up(receiver, kind=Notice.Kind.OPENED):
    return Notice.objects.create(receiver=receiver, kind=kind, state=State.DEAD, last_error="550 No")


def test_of_what_was_given_up_the_receiver_hears_what_is_open_now_once(operator):
    hook = HookFactory()
    fail(hook.integration, subject="preview")
    look(timezone.now())
    jane = add_receiver("jane@example.com", "email", None)
    other = add_receiver("joe@example.com", "email", EnvironmentFactory().project)

    act(operator, "notice", "send_again", given_up(jane), given_up(jane), given_up(other))
    act(operator, "notice", "send_again", *Notice.objects.filter(state=State.DEAD))

    (made,) = Notice.objects.filter(state=State.PENDING)
    assert made.receiver == jane
    assert [problem["subject"] for problem in made.content] == ["preview"]


def test_a_test_notice_that_failed_and_one_that_waits_go_out_now(operator):
    jane = add_receiver("jane@example.com", "email", None)
    test = given_up(jane, Notice.Kind.TEST)
    waiting = Notice.objects.create(
        receiver=jane, kind="problem.opened", due_at=timezone.now() + timedelta(hours=1), last_error="421"
    )
    done = Notice.objects.create(receiver=jane, kind="test", state=State.DONE)

    act(operator, "notice", "send_again", test, waiting, done)

    assert set(Notice.objects.due()) == {test, waiting}
