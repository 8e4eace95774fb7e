"""Resend what failed since a time: the count first, only what failed, on record, and only for those who may."""

from datetime import timedelta
from uuid import uuid4

import pytest
from auditlog.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from tests.factories import EventFactory, IntegrationFactory, MembershipFactory, MessageFactory
from webhooks.models import Delivery, HourlyCount, OutboxEvent
from webhooks.resending import failed_of, revive, send_now
from webhooks.rollups import EVER, count_dead

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client, account_admin):
    client.force_login(account_admin)
    return client


@pytest.fixture
def integration(environment):
    return IntegrationFactory(project=environment.project, project_slug="front-end")


def event(integration, environment, *, state="dead", hours=1):
    message = MessageFactory(
        integration=integration, state="done", received_at=timezone.now() - timedelta(hours=hours)
    )
    return EventFactory(
        message=message,
        environment=environment,
        delivery__state=state,
        delivery__last_error="FME refused (400)",
    )


def states():
    return list(OutboxEvent.objects.order_by("pk").values_list("delivery__state", flat=True))


def test_the_count_is_shown_before_anything_is_sent(boss, integration, environment):
    event(integration, environment)
    event(integration, environment, hours=48)

    page = boss.get(reverse("resend_failed", args=[integration.pk])).content.decode()

    assert "1 track event failed in the last 24 hours" in page
    assert states() == ["dead", "dead"]


def test_what_failed_since_then_is_sent_again_and_nothing_else(boss, integration, environment):
    event(integration, environment)
    event(integration, environment, hours=48)
    event(integration, environment, state="done")
    event(IntegrationFactory(project=environment.project), environment)

    boss.post(reverse("resend_failed", args=[integration.pk]), {"range": "24h"})

    assert states() == ["pending", "dead", "done", "dead"]


def test_a_message_that_failed_goes_through_the_mapping_again(boss, integration):
    failed = MessageFactory(integration=integration, state="dead", last_error="Traceback", body=b"{}")

    response = boss.post(reverse("resend_failed", args=[integration.pk]), {"range": "24h"}, follow=True)

    failed.refresh_from_db()
    assert failed.state == "pending"
    assert "Sent again: 1 message." in response.content.decode()


def test_one_message_is_resent_from_its_page(boss, integration, environment):
    failed = event(integration, environment).message
    other = event(integration, environment)

    assert b"Resend what failed" in boss.get(reverse("message", args=[failed.pk])).content
    boss.post(reverse("message_resend", args=[failed.pk]))

    assert states() == ["pending", "dead"]
    assert other.state == "dead"


def test_resending_is_on_record(boss, integration, environment):
    event(integration, environment)
    boss.post(reverse("resend_failed", args=[integration.pk]), {"range": "24h"})

    entry = LogEntry.objects.order_by("pk").last()

    assert entry.changes == {"resend": ["", "1 track event of the last 24 hours"]}
    assert b"Sent again" in boss.get(reverse("audit")).content


def test_a_viewer_may_not_and_a_stranger_sees_nothing(client, integration, environment, other_admin):
    message = event(integration, environment).message
    viewer = MembershipFactory(project=environment.project, role="viewer").user
    pages = [reverse("resend_failed", args=[integration.pk]), reverse("message_resend", args=[message.pk])]
    for person, status in ((viewer, 403), (other_admin, 404)):
        client.force_login(person)
        assert [client.post(page).status_code for page in pages] == [status, status]

    assert states() == ["dead"]


def dead_ever():
    return HourlyCount.objects.get(hour=EVER, name="dead").count


def test_what_is_sent_again_is_no_longer_counted_as_dead(integration, environment):
    again, other = event(integration, environment), event(integration, environment)
    count_dead([again.delivery_id, other.delivery_id])

    assert failed_of(again.message).resend() == (1, 0)

    assert dead_ever() == 1
    hours = HourlyCount.objects.filter(name="dead").exclude(hour=EVER)
    assert sum(hours.values_list("count", flat=True)) == 1


@pytest.mark.parametrize("meanwhile", ["done", "pending"])
def test_what_is_dead_no_longer_when_the_order_comes_is_left_alone(integration, environment, meanwhile):
    stale = event(integration, environment)
    claim, until = uuid4(), timezone.now() + timedelta(seconds=30)
    chosen = Delivery.objects.filter(pk__in=[stale.delivery_id])
    Delivery.objects.update(state=meanwhile, claim=claim, leased_until=until)

    assert revive(chosen) == 0

    row = Delivery.objects.get()
    assert (row.state, row.claim, row.leased_until) == (meanwhile, claim, until)
    assert not HourlyCount.objects.exists()


def test_what_is_under_way_is_not_taken_from_its_worker(integration, environment):
    posting, waits, dead, _ = (
        event(integration, environment, state=state) for state in ("pending", "pending", "dead", "done")
    )
    later = timezone.now() + timedelta(minutes=30)
    Delivery.objects.filter(pk__in=[posting.delivery_id, waits.delivery_id]).update(due_at=later)
    Delivery.objects.filter(pk=posting.delivery_id).update(claim=uuid4(), leased_until=later)

    assert send_now(Delivery.objects.all()) == 2

    due = set(Delivery.objects.due().values_list("pk", flat=True))
    assert due == {waits.delivery_id, dead.delivery_id}
