"""Django admin of what flows through: replay and send again, on lists that never count a whole table."""

import pytest
from auditlog.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from durable.models import State
from integrations.admin.parts import BoundedPaginator, QuietAdmin
from tests.factories import EventFactory, MessageFactory
from webhooks.models import InboxMessage

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client, account_admin):
    client.force_login(account_admin, backend="django.contrib.auth.backends.ModelBackend")
    return client


def act(operator, address, action, *objects):
    data = {"action": action, "_selected_action": [each.pk for each in objects]}
    assert operator.post(reverse(f"admin:webhooks_{address}_changelist"), data).status_code == 302
    for each in objects:
        each.refresh_from_db()


@pytest.mark.parametrize(("action", "kind"), [("replay_added", "added"), ("replay_everything", "all")])
def test_messages_are_replayed_and_it_is_on_record(operator, account_admin, action, kind):
    message = MessageFactory(state=State.DONE)

    act(operator, "inboxmessage", action, message)

    assert (message.state, message.replay) == (State.PENDING, kind)
    assert LogEntry.objects.get(content_type__model="inboxmessage").actor == account_admin


def test_undelivered_events_are_sent_again_and_delivered_ones_are_not(operator):
    dead, delivered = EventFactory(state=State.DEAD, last_error="400"), EventFactory(state=State.DONE)

    act(operator, "outboxevent", "send_again", dead, delivered)

    assert (dead.state, dead.last_error, delivered.state) == (State.PENDING, "", State.DONE)


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
