"""Leases of what there is much of: in a column that no index knows, ended by time, by settling, and by replaying."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from durable.models import LONGEST_LEASE, State
from tests.factories import EventFactory, MessageFactory
from webhooks.delivery_rows import claim_deliveries
from webhooks.message_rows import claim_messages
from webhooks.models import Delivery, InboxMessage

pytestmark = pytest.mark.django_db

LEASE = timedelta(seconds=30)


def claim_message(now):
    return [one.id for one in claim_messages(uuid4(), limit=10, max_bytes=10**9, now=now, until=now + LEASE)]


def claim_delivery(now):
    bounds = {"max_events": 10, "max_bytes": 10_000}
    environment = Delivery.objects.get().environment_id
    claimed = claim_deliveries(uuid4(), environment_id=environment, now=now, until=now + LEASE, **bounds)
    return [one.id for one in claimed]


@pytest.fixture(params=["message", "delivery"])
def queue(request):
    """A row that waits: its table, and how rows are claimed at a time."""
    if request.param == "message":
        MessageFactory()
        return InboxMessage, claim_message
    EventFactory()
    return Delivery, claim_delivery


def test_a_claim_holds_until_its_lease_ends(queue):
    model, claim = queue
    now = timezone.now()

    assert len(claim(now)) == 1
    row = model.objects.get()
    assert (row.attempts, row.leased_until, row.due_at <= now) == (1, now + LEASE, True)
    assert claim(now + LEASE - timedelta(seconds=1)) == []
    assert not model.objects.due(now).exists()
    assert model.objects.due(now + LEASE).exists()
    assert claim(now + LEASE) == [row.pk]


def test_a_lease_that_a_wrong_clock_wrote_holds_nothing(queue):
    model, claim = queue
    now = timezone.now()
    claim(now)
    model.objects.update(leased_until=now + LONGEST_LEASE + timedelta(days=400))

    assert model.objects.due(now).exists()
    assert len(claim(now)) == 1


def test_what_a_clock_ahead_of_ours_stored_is_due_now(queue):
    model, claim = queue
    model.objects.update(due_at=timezone.now() + timedelta(minutes=20))

    assert claim(timezone.now()) == []
    assert model.objects.bring_back() == 1

    assert len(claim(timezone.now())) == 1


def test_what_was_tried_waits_for_its_time(queue):
    model, claim = queue
    claim(timezone.now())
    assert model.objects.get().retry(timezone.now() + timedelta(minutes=20), "later")

    assert model.objects.bring_back() == 0


def test_a_claim_of_messages_has_as_many_bytes_as_it_may():
    first, second, third = (MessageFactory(body=b"x" * size).pk for size in (500, 40, 60))

    def claim(max_bytes):
        now = timezone.now()
        claimed = claim_messages(uuid4(), limit=10, max_bytes=max_bytes, now=now, until=now + LEASE)
        return [one.id for one in claimed]

    assert claim(100) == [first]
    assert claim(100) == [second, third]


def test_what_is_sent_again_waits_for_no_lease(queue):
    model, claim = queue
    claim(timezone.now())
    model.objects.update(state=State.DEAD)

    model.objects.arm()

    assert len(claim(timezone.now())) == 1


def test_an_end_of_a_claim_is_the_end_of_its_lease(queue):
    model, claim = queue
    now = timezone.now()
    claim(now)

    assert model.objects.get().retry(now, "later")

    assert len(claim(timezone.now())) == 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="HOT is PostgreSQL's")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("table", ["webhooks_inboxmessage", "webhooks_delivery"])
def test_claims_write_hardly_any_index(table):
    """PostgreSQL counts its updates, and those of them that stayed on their page."""
    is_message = table == "webhooks_inboxmessage"
    rows = MessageFactory.create_batch(60) if is_message else [EventFactory() for _ in range(60)]
    before = updates_of(table)
    now = timezone.now()
    if is_message:
        claim_messages(uuid4(), limit=60, max_bytes=10**9, now=now, until=now + LEASE)
    else:
        for event in rows:
            claim_deliveries(
                uuid4(), environment_id=event.environment_id, max_events=1, max_bytes=10_000, now=now, until=now + LEASE
            )  # fmt: skip

    all_, in_place = (after - first for after, first in zip(updates_of(table), before, strict=True))

    assert all_ == 60
    assert in_place > 30  # none with an index in the way; here and there a page has no room left


def updates_of(table):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = %s", [table])
        return cursor.fetchone()
