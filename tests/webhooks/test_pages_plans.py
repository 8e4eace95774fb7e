"""No page scans the table of messages or of track events: read from the database's own plan of every query."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.factories import DeliveryFactory, HookFactory, in_delivery
from webhooks.models import DeliveryAttempt, HourlyCount, InboxMessage, OutboxEvent
from webhooks.pages import log, scope

HOT = ("webhooks_inboxmessage", "webhooks_outboxevent", "webhooks_deliveryattempt")
MESSAGES = 3000


@pytest.fixture
def hook(project):
    """An integration with some thousand messages beside another with as many, and statistics of them."""
    hooks = [HookFactory(integration__project=project) for _ in range(2)]
    now = timezone.now()
    environment = hooks[0].integration.environment_mappings.first().environment
    for hook in hooks:
        rows = [
            InboxMessage(
                integration=hook.integration, event_id=f"{number:032x}", source="service_hook", state="done",
                received_at=now - timedelta(seconds=30 * number), body=b"{}", environment="staging", title="Error",
                outcome="dropped" if number % 50 == 0 else "whole",
                reason="environment_unmapped" if number % 50 == 0 else "",
            )
            for number in range(MESSAGES)
        ]  # fmt: skip
        InboxMessage.objects.bulk_create(rows)
        delivery = DeliveryFactory(
            environment=environment, event_count=MESSAGES, state="done", delivered_at=now
        )
        OutboxEvent.objects.bulk_create(
            OutboxEvent(
                message=row, environment=environment, delivery=delivery, event_type="sentry_exception",
                traffic_type="user", key=f"user-{row.pk % 997}", timestamp_ms=0, body="{}",
            )
            for row in rows
        )  # fmt: skip
    in_delivery(*OutboxEvent.objects.order_by("pk")[:5])
    DeliveryAttempt.objects.bulk_create(
        DeliveryAttempt(
            environment=environment, started_at=now - timedelta(minutes=n), event_count=1, byte_count=1
        )
        for n in range(500)
    )
    HourlyCount.objects.bulk_create(
        HourlyCount(
            integration=hooks[0].integration,
            hour=now - timedelta(hours=n),
            name="received",
            count=9,
            last_at=now,
        )
        for n in range(500)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return hooks[0]


def plan_of(sql: str) -> str:
    """How the database would run it; to PostgreSQL reading a whole table is made dear, as it is for a large one."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {'QUERY PLAN ' if connection.vendor == 'sqlite' else ''}{sql}")
        return "\n".join(" ".join(map(str, row)) for row in cursor.fetchall())


def scans(sql: str) -> list[str]:
    """Lines of a statement's plan that read a hot table from one end to the other."""
    plan, tables = plan_of(sql), "|".join(HOT)
    if connection.vendor == "postgresql":
        return re.findall(rf"Seq Scan on (?:{tables})[^\n]*", plan)
    aliases = set(re.findall(rf'"(?:{tables})" ([UVWT]\d+)', sql)) | set(HOT)
    # A partial index holds what waits or failed, never what is done: reading it whole is what it is for.
    lines = re.findall(r"SCAN (\w+)([^\n]*)", plan)
    return [f"{name}{rest}" for name, rest in lines if name in aliases and not re.search("_due|_dead", rest)]


PAGES = [
    ("messages", {}),
    ("messages", {"state": "delivered"}),
    ("messages", {"state": "dropped"}),
    ("messages", {"state": "partly"}),
    ("messages", {"state": "waiting"}),
    ("messages", {"state": "failed"}),
    ("messages", {"reason": "environment_unmapped"}),
    ("messages", {"reason": "environment_unmapped", "state": "dropped", "subject": "preview"}),
    ("messages", {"key": "user-7"}),
    ("messages", {"event_type": "sentry_exception.checkout"}),
    ("messages", {"event_type": "sentry_exception"}),
    ("messages", {"environment": "staging"}),
    ("messages", {"q": "needle"}),
    ("messages", {"q": "0" * 32}),
    ("messages", {"range": "24h"}),
    ("messages", {"range": "custom", "to": "2020-01-01T00:00"}),
    ("messages", {"tail": "17", "moving": "1,2,3"}),
    ("messages", {"stage": "identified"}),
    ("events", {}),
    ("events", {"key": "user-7"}),
    ("events", {"traffic_type": "user", "event_state": "done"}),
    ("event_types", {}),
    ("integrations", {}),
    ("problems", {}),
    ("checklist", {}),
    ("integration", {}),
    ("integration", {"range": "7d"}),
    ("message", {}),
]


def test_no_page_scans_a_hot_table(client, account_admin, hook):
    client.force_login(account_admin)
    keys = {"integration": [hook.integration_id], "message": [InboxMessage.objects.first().pk]}
    found: dict[tuple[object, ...], list[str]] = {}

    for name, query in PAGES:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse(name, args=keys.get(name, [])), query).status_code in (200, 204)
        asked = [each["sql"] for each in captured if any(table in each["sql"] for table in HOT)]
        found |= {(name, *query.items(), sql[-300:]): scans(sql) for sql in asked if sql.startswith("SELECT")}

    assert {asked: plan for asked, plan in found.items() if plan} == {}


def test_a_page_reads_no_bodies(client, account_admin, hook):
    client.force_login(account_admin)

    with CaptureQueriesContext(connection) as captured:
        client.get(reverse("messages"))

    assert not [query["sql"] for query in captured if '"webhooks_inboxmessage"."body"' in query["sql"]]


def test_messages_that_failed_are_found_unsorted(client, account_admin, hook):
    """However many failed: sorted, all of them would be read to find the first thousand."""
    client.force_login(account_admin)
    InboxMessage.objects.filter(pk__gte=InboxMessage.objects.latest("pk").pk - 100).update(state="dead")

    with CaptureQueriesContext(connection) as captured:
        client.get(reverse("messages"), {"state": "failed"})

    of_dead = [each["sql"] for each in captured if f"LIMIT {log.WINDOW + 1}" in each["sql"]]
    assert of_dead
    assert not [sql for sql in of_dead if re.search("Sort|TEMP B-TREE FOR ORDER", plan_of(sql))]


def test_the_choices_of_a_filter_come_from_the_newest_counts(rf, account_admin, monkeypatch):
    monkeypatch.setattr(scope, "MOST_LOOKED", 4)
    monkeypatch.setattr(scope, "MOST_CHOICES", 2)
    now = timezone.now()
    for integration in [HookFactory().integration for _ in range(2)]:
        HourlyCount.objects.bulk_create(
            HourlyCount(
                integration=integration, hour=now - timedelta(hours=hour), name="type",
                label=f"type-{integration.pk}-{hour}\tuser", count=1, last_at=now,
            )
            for hour in range(5)
        )  # fmt: skip
    request = rf.get("/")
    request.user = account_admin

    found = scope.event_types_seen(scope.scope_of(request))

    assert sorted(name.rpartition("-")[2] for name in found) == ["0", "0", "1", "1"]
