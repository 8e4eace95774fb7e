"""Several at once on the rows of the flow: real threads, real transactions."""

from uuid import uuid4

import pytest
from auditlog.models import LogEntry
from django.utils import timezone

from integrations.models import Discard, SentryIntegration
from tests.factories import EventFactory, IntegrationFactory, MessageFactory
from tests.integrations.test_at_once import at_once
from webhooks.delivery_rows import split_delivery
from webhooks.discarding import remove_and_discard
from webhooks.erasure import erase
from webhooks.models import Delivery, HourlyCount, OutboxEvent, ReplayOrder
from webhooks.replaying import Choice, order_replay
from webhooks.resending import failed_of
from webhooks.rollups import EVER, count_dead

pytestmark = pytest.mark.django_db(transaction=True)


def test_impatient_clicks_send_again_once():
    event = EventFactory(delivery__state="dead")
    count_dead([event.delivery_id])

    found = at_once(lambda: failed_of(event.message).resend())

    assert sorted(found) == [(0, 0), (0, 0), (0, 0), (1, 0)]
    assert Delivery.objects.get().state == "pending"
    assert HourlyCount.objects.get(hour=EVER, name="dead").count == 0


def test_impatient_clicks_order_one_replay():
    integration = IntegrationFactory()
    MessageFactory(integration=integration, state="done")
    choice = Choice(integration.pk, timezone.now())

    found = at_once(lambda: order_replay(integration, choice))

    assert found == [1] * 4
    assert ReplayOrder.objects.count() == LogEntry.objects.filter(changes__has_key="replay").count() == 1


def test_an_integration_is_deleted_and_discarded_once():
    integration = IntegrationFactory()

    found = at_once(lambda: remove_and_discard(SentryIntegration.objects.get(pk=integration.pk)))

    assert found == [None] * 4
    assert Discard.objects.count() == 1


def test_erasing_and_splitting_at_once_lose_and_double_nothing(together, fme):
    keys = [f"user-{number}" for number in range(60)]
    delivery = together(*keys)
    token = uuid4()
    Delivery.objects.update(claim=token)
    parts = iter([
        lambda: split_delivery(token, delivery.pk, first=30),
        lambda: [erase(key, also_waiting=True) for key in keys[20:40]],
    ])  # fmt: skip

    found = at_once(lambda: next(parts)(), times=2)

    assert not [one for one in found if isinstance(one, Exception)]
    assert set(OutboxEvent.objects.values_list("key", flat=True)) == set(keys[:20] + keys[40:])
    for delivery in Delivery.objects.all():
        assert delivery.event_count == delivery.events.count()
