"""Events of an older version: each gets one delivery, in small steps that read no more than they take."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from durable.stopping import stopping
from tests.factories import EventFactory, MessageFactory
from tests.integrations.test_at_once import at_once
from webhooks import adopting, sql
from webhooks.adopting import WALKS, adopt
from webhooks.models import Delivery, OutboxEvent
from webhooks.outbox import drain_outbox


@pytest.fixture
def old(environment):
    """A maker of events as an older version left them, with a state of their own."""
    message = MessageFactory(state="done")

    def make(*keys, state="pending", claim=None, due_at=None):
        for key in keys:
            EventFactory(message=message, environment=environment, key=key)
        events = OutboxEvent.objects.filter(key__in=keys)
        deliveries = list(events.values_list("delivery", flat=True))
        events.update(delivery=None)
        Delivery.objects.filter(pk__in=deliveries).delete()
        values = [state, sql.adapted(claim), sql.adapted(due_at or timezone.now())]
        for pk in events.values_list("pk", flat=True):
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE webhooks_outboxevent SET state = %s, claim = %s, due_at = %s WHERE id = %s", [*values, pk]
                )  # fmt: skip

    return make


def own_states():
    """What stands in the column that processes of the older version read."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT key, state FROM webhooks_outboxevent")
        return dict(cursor.fetchall())


@pytest.mark.django_db
def test_a_backlog_of_many_batches_is_adopted_in_one_go(old, fme, monkeypatch):
    monkeypatch.setattr(adopting, "BATCH", 3)
    old(*"abcdefgh")
    old("taken", state="done", claim=uuid4())
    old("refused", state="dead")

    drain_outbox()

    assert sorted(event["key"] for event in fme.events) == list("abcdefgh")
    assert not OutboxEvent.objects.filter(delivery=None).exists()
    assert set(own_states().values()) == {"moved"}
    assert dict(OutboxEvent.objects.filter(key__in=("taken", "refused")).values_list("key", "delivery__state")) == {
        "taken": "done", "refused": "dead",
    }  # fmt: skip


@pytest.mark.django_db
def test_what_is_due_waits_for_a_moment_only(old, monkeypatch):
    monkeypatch.setattr(adopting, "MOMENT_SECONDS", 0.0)
    old("a")

    assert adopt() == 0


@pytest.mark.django_db
def test_a_process_that_has_to_stop_adopts_no_more(old):
    old("a")
    stopping.set()
    try:
        assert adopt() == 0
    finally:
        stopping.clear()


@pytest.mark.django_db
def test_what_an_older_worker_is_sending_is_left_to_it_until_its_lease_ends(old):
    old("a", claim=uuid4(), due_at=timezone.now() + timedelta(seconds=30))
    assert adopt() == 0

    old("b", claim=uuid4(), due_at=timezone.now() - timedelta(seconds=1))
    assert adopt() == 1


@pytest.mark.django_db
def test_what_has_a_delivery_is_not_adopted_again(old):
    """An older process's "send again" wakes the column of its own."""
    old("a")
    adopt()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_outboxevent SET state = 'pending', claim = NULL")

    assert adopt() == 0
    assert Delivery.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_workers_that_adopt_at_once_adopt_each_event_once(old, monkeypatch):
    monkeypatch.setattr(adopting, "BATCH", 5)
    keys = [f"user-{number}" for number in range(40)]
    old(*keys)

    assert sum(at_once(adopt)) + adopt() == 40

    assert sum(Delivery.objects.values_list("event_count", flat=True)) == 40
    assert not OutboxEvent.objects.filter(delivery=None).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("walk", WALKS)
def test_no_step_sorts_or_reads_the_whole_table(walk):
    statement = f"SELECT id FROM webhooks_outboxevent WHERE {walk} LIMIT 5"  # noqa: S608 - our own names
    values = [sql.adapted(timezone.now())] if "%s" in walk else []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
            cursor.execute(f"EXPLAIN {statement}", values)
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", values)
        plan = str(cursor.fetchall())

    assert not any(
        word in plan for word in ("Sort", "Seq Scan", "TEMP B-TREE", "'SCAN webhooks_outboxevent'")
    ), plan
