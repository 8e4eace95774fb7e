"""What is counted while messages flow, and that counting costs the same whatever the batch."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import EnvironmentFactory, EventFactory, IntegrationFactory, MessageFactory
from tests.webhooks.conftest import body_of
from webhooks import inbox, outbox, rollups
from webhooks.inbox import drain_inbox
from webhooks.models import HourlyCount, InboxMessage, OutboxEvent
from webhooks.replaying import replay
from webhooks.retention import prune
from webhooks.rollups import EVER, Count, Tally, count_delivered, hour_of


def counted(name: Count) -> dict[str, int]:
    """Counts by label, over all hours but the row of the whole past."""
    found: Counter[str] = Counter()
    for label, count in (
        HourlyCount.objects.filter(name=name).exclude(hour=EVER).values_list("label", "count")
    ):
        found[label] += count
    return {label: count for label, count in found.items() if count}


def test_messages_are_counted_by_what_became_of_them(hook, deliver):
    for name in ("seed-staging", "no-user", "csp-report", "legacy-sdk-environment"):
        deliver(hook, name)

    drain_inbox()

    assert counted(Count.RECEIVED) == {"": 4}
    assert sum(counted(Count.DROPPED).values()) + sum(counted(Count.PARTLY).values()) <= 4
    assert counted(Count.DROPPED)["not_an_exception\t"] == 1
    assert counted(Count.DROPPED)["identity_missing\tdata.error.user.id"] == 1


def test_every_skip_is_counted_with_its_subject(hook, deliver):
    deliver(hook, "no-user")

    drain_inbox()

    assert counted(Count.SKIPPED) == {
        "identity_missing\tdata.error.user.id": 1,
        "identity_missing\tdata.error.user.orgId": 1,
    }


def test_an_unmapped_environment_is_counted_by_its_name(hook, deliver):
    hook.integration.environment_mappings.all().delete()
    deliver(hook)

    drain_inbox()

    assert counted(Count.DROPPED) == {"environment_unmapped\tstaging": 1}
    assert InboxMessage.objects.get().outcome == "dropped"
    assert InboxMessage.objects.get().subject == "staging"


def test_track_events_are_counted_by_place_and_by_type(hook, deliver, fme):
    hook.integration.capture_culprit = True
    hook.integration.save()
    deliver(hook)

    drain_inbox()
    outbox.drain_outbox()

    environment = OutboxEvent.objects.first().environment_id
    made = OutboxEvent.objects.count()
    assert (
        counted(Count.EVENT)[f"{environment}\tuser"]
        == OutboxEvent.objects.filter(traffic_type="user").count()
    )
    assert sum(counted(Count.TYPE).values()) == made
    assert counted(Count.DELIVERED) == counted(Count.EVENT)
    assert counted(Count.LATENCY) == {"1": made}
    assert HourlyCount.objects.get(name=Count.DELIVERED, hour=EVER).count == made


def test_a_replayed_message_leaves_the_count_it_was_in(hook, deliver):
    mapping = hook.integration.environment_mappings.get(sentry_environment="staging")
    mapping.delete()
    deliver(hook)
    drain_inbox()
    mapping.save(force_insert=True)

    replay(InboxMessage.objects.all())
    drain_inbox()

    assert counted(Count.RECEIVED) == {"": 1}
    assert "environment_unmapped\tstaging" not in counted(Count.DROPPED)
    assert InboxMessage.objects.get().outcome in ("whole", "partly")


def test_a_message_is_counted_in_the_hour_it_was_received(hook, deliver):
    deliver(hook)
    received_at = timezone.now() - timedelta(hours=5)
    InboxMessage.objects.update(received_at=received_at)

    drain_inbox()

    row = HourlyCount.objects.exclude(hour=EVER).get(name=Count.RECEIVED)
    assert (row.hour, row.last_at) == (hour_of(received_at), received_at)


def test_a_dead_event_is_counted(hook, deliver, fme):
    fme.poison.add("55")
    deliver(hook, "seed-multi-traffic-type")
    drain_inbox()

    outbox.drain_outbox()

    dead = OutboxEvent.objects.filter(delivery__state="dead").count()
    assert dead
    assert sum(counted(Count.DEAD).values()) == dead


def test_the_last_time_is_kept_when_older_messages_come_in(db):
    integration, now = IntegrationFactory().pk, timezone.now()
    for at in (now, now - timedelta(minutes=1)):
        tally = Tally()
        tally.add_ever(integration, Count.RECEIVED, at)
        tally.store()

    row = HourlyCount.objects.get()

    assert (row.count, row.last_at) == (2, now)


@pytest.fixture
def upserts(monkeypatch):
    """The rows of each statement that adds to the counts, in the order in which they are written."""
    written, upsert = [], rollups.upsert

    def spy(rows):
        written.append([key for key, _ in rows])
        upsert(rows)

    monkeypatch.setattr(rollups, "upsert", spy)
    return written


@pytest.mark.parametrize("drain", [inbox.drain_inbox])
def test_counting_costs_the_same_for_one_message_and_for_fifty(hook, drain, upserts):
    def statements(messages: int) -> int:
        for _ in range(messages):
            MessageFactory(integration=hook.integration, body=body_of("seed-staging"))
        upserts.clear()
        drain()
        return len(upserts)

    assert statements(1) == statements(50) == 1


def test_rows_are_locked_in_one_order(db, upserts):
    integration, now, tally = IntegrationFactory().pk, timezone.now(), Tally()
    for name in (Count.RECEIVED, Count.DROPPED, Count.EVENT):
        tally.add(integration, name, now, "b")
        tally.add(integration, name, now, "a")
    tally.store()

    assert [(key.name, key.label) for key in upserts[0]] == [
        (name, label) for name in ("dropped", "event", "received") for label in "ab"
    ]


def test_old_counts_are_pruned_but_the_whole_past_is_not(db):
    integration, tally = IntegrationFactory().pk, Tally()
    tally.add(integration, Count.RECEIVED, timezone.now() - timedelta(days=99))
    tally.add_ever(integration, Count.RECEIVED, timezone.now() - timedelta(days=99))
    tally.store()

    prune()

    assert [row.hour for row in HourlyCount.objects.all()] == [EVER]


@pytest.mark.parametrize(
    ("seconds", "label"), [(0.4, "1"), (1, "1"), (1.1, "2"), (301, "3600"), (9999, "more")]
)
def test_an_event_counts_in_the_class_of_the_time_it_took(db, seconds, label):
    now = timezone.now()
    event = EventFactory(message__received_at=now - timedelta(seconds=seconds))

    count_delivered([event.delivery_id], now)

    assert counted(Count.LATENCY) == {label: 1}


def test_events_of_two_hours_and_two_kinds_are_counted_apart(db):
    now = timezone.now()
    message = MessageFactory(received_at=now)
    same = {"message": message, "environment": EnvironmentFactory(project=message.integration.project)}
    ids = [EventFactory(**same, traffic_type=name).delivery_id for name in ("user", "user", "org")]
    ids.append(EventFactory(message__received_at=now - timedelta(hours=1)).delivery_id)

    count_delivered(ids, now)

    rows = HourlyCount.objects.filter(name=Count.DELIVERED)
    assert sorted(row.count for row in rows.exclude(hour=EVER)) == [1, 1, 2]
    assert sorted(row.count for row in rows.filter(hour=EVER)) == [1, 3]
