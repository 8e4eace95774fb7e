"""Upgrading while processes of the first schema still run: what they wrote before and write after is delivered."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.apps.registry import Apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from integrations.models import SentryIntegration
from tests.factories import MessageFactory
from tests.webhooks.conftest import Fme, body_of
from webhooks.inbox import drain_inbox
from webhooks.models import InboxMessage, OutboxEvent
from webhooks.outbox import drain_outbox

FIRST = [
    ("durable", "0001_initial"),
    ("integrations", "0001_initial"),
    ("webhooks", "0002_postgresql_storage"),
]
pytestmark = pytest.mark.django_db(transaction=True)

Migrate = Callable[[], None]


@pytest.fixture
def first() -> Iterator[tuple[Apps, Migrate]]:
    """The models of the first schema, on a database that has it, and what brings that up to date."""
    executor = MigrationExecutor(connection)
    latest = executor.loader.graph.leaf_nodes()
    executor.migrate(FIRST)

    def upgrade() -> None:
        MigrationExecutor(connection).migrate(latest)

    try:
        yield executor.loader.project_state(FIRST).apps, upgrade
    finally:
        upgrade()


def configured(apps: Apps) -> Any:
    """front-end → Webshop, as a process of the first schema stored it."""
    project = apps.get_model("integrations", "Project").objects.create(fme_id="ws-1", name="Webshop")
    environment = apps.get_model("integrations", "Environment").objects.create(
        project=project, fme_id="env-1", name="Staging", sdk_key="an-sdk-key-of-many-letters"
    )
    user = apps.get_model("integrations", "TrafficType").objects.create(
        project=project, fme_id="tt-1", name="user"
    )
    installation = apps.get_model("integrations", "SentryInstallation").objects.create(
        uuid="9b776487-8f30-4857-8e42-14e2f2c02532"
    )
    integration = apps.get_model("integrations", "SentryIntegration").objects.create(
        project=project, installation=installation, organization="acme-gmbh", project_slug="front-end"
    )
    apps.get_model("integrations", "EnvironmentMapping").objects.create(
        integration=integration, sentry_environment="staging", environment=environment
    )
    apps.get_model("integrations", "IdentityMapping").objects.create(
        integration=integration, path="data.error.user.id", traffic_type=user
    )
    return integration


def test_what_the_first_schema_stored_is_delivered_by_this_one(first: tuple[Apps, Migrate], fme: Fme) -> None:
    apps, upgrade = first
    integration, old = configured(apps), apps.get_model("webhooks", "InboxMessage").objects
    old.create(
        integration=integration, event_id="a" * 32, source="service_hook", body=body_of("seed-staging")
    )

    upgrade()
    old.create(
        integration=integration, event_id="b" * 32, source="service_hook", body=body_of("seed-staging")
    )
    drain_inbox()
    drain_outbox()

    assert [event["key"] for event in fme.events] == ["42", "42"]
    assert set(InboxMessage.objects.values_list("event_id", "state")) == {
        ("a" * 32, "done"),
        ("b" * 32, "done"),
    }


def test_a_worker_of_the_first_schema_can_still_write_its_events(
    first: tuple[Apps, Migrate], fme: Fme
) -> None:
    apps, upgrade = first
    integration = configured(apps)
    upgrade()

    message = apps.get_model("webhooks", "InboxMessage").objects.create(
        integration=integration, event_id="c" * 32, source="app", body=b"{}", state="done"
    )
    apps.get_model("webhooks", "OutboxEvent").objects.create(
        message=message, environment_id=apps.get_model("integrations", "Environment").objects.get().pk,
        event_type="sentry_exception", traffic_type="user", key="7", timestamp_ms=1, body='{"key": "7"}',
    )  # fmt: skip
    drain_outbox()

    assert fme.events == [{"key": "7"}]
    assert OutboxEvent.objects.get().state == "done"


def test_what_a_worker_of_the_first_schema_delivered_stays_delivered(
    first: tuple[Apps, Migrate], fme: Fme
) -> None:
    apps, upgrade = first
    integration, attempt = configured(apps), uuid4()
    environment = apps.get_model("integrations", "Environment").objects.get()
    message = apps.get_model("webhooks", "InboxMessage").objects.create(
        integration=integration, event_id="c" * 32, source="app", body=b"{}", state="done"
    )
    now = timezone.now()
    facts: dict[str, dict[str, Any]] = {
        "taken": {"state": "done", "delivered_at": now, "claim": attempt},
        "refused": {"state": "dead", "last_error": "FME refused this event (400)"},
        "being sent": {"claim": uuid4(), "due_at": now + timedelta(minutes=1)},
    }
    for key, values in facts.items():
        apps.get_model("webhooks", "OutboxEvent").objects.create(
            message=message, environment=environment, event_type="sentry_exception", traffic_type="user", key=key,
            timestamp_ms=1, body=f'{{"key": "{key}"}}', **values,
        )  # fmt: skip

    upgrade()
    drain_outbox()

    assert not fme.events
    events = {event.key: event for event in OutboxEvent.objects.select_related("delivery")}
    assert {key: event.state for key, event in events.items()} == {
        "taken": "done", "refused": "dead", "being sent": "pending",
    }  # fmt: skip
    assert events["taken"].delivered_at == now
    assert "400" in events["refused"].last_error


def test_a_worker_of_the_first_schema_leaves_what_this_one_stored_alone(
    first: tuple[Apps, Migrate], fme: Fme
) -> None:
    apps, upgrade = first
    configured(apps)
    upgrade()
    MessageFactory(integration=SentryIntegration.objects.get(), body=body_of("seed-staging"))

    drain_inbox()

    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM webhooks_outboxevent")
        assert cursor.fetchall() == [("moved",)]
