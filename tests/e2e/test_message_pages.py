"""Pages of messages, events and counts in a real browser: clean in every form, live where they say so."""

import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from tests.factories import (
    AttemptFactory,
    EnvironmentFactory,
    EventFactory,
    HookFactory,
    MessageFactory,
    ProjectFactory,
    TrafficTypeFactory,
    in_delivery,
)
from tests.factories import IntegrationFactory as Integration
from tests.webhooks.conftest import body_of
from webhooks.inbox import drain_inbox
from webhooks.models import InboxMessage, OutboxEvent
from webhooks.problems import look
from webhooks.rollups import count_delivered

pytestmark = pytest.mark.django_db(transaction=True)

RECORDED = (
    "seed-staging", "seed-production", "no-user", "csp-report", "browser11-environment-unset", "user-id-300-chars",
    "culprit-odd-characters", "environment-unicode-spaces", "environment-70-chars", "seed-multi-traffic-type",
)  # fmt: skip


@pytest.fixture
def world(db):
    """Real messages of every fate, delivered, waiting and failed, and the problems they make."""
    project = ProjectFactory(name="Webshop")
    environments = {
        name: EnvironmentFactory(project=project, name=name.title()) for name in ("staging", "production")
    }
    identities = {
        "data.error.user.id": TrafficTypeFactory(project=project, name="user"),
        "data.error.user.orgId": TrafficTypeFactory(project=project, name="org"),
    }
    integration = Integration(
        project=project,
        project_slug="front-end",
        environments=environments,
        identities=identities,
        capture_culprit=True,
    )
    HookFactory(integration=integration, due_at=timezone.now() + timedelta(hours=1))
    for place, name in enumerate(RECORDED):
        for _ in range(3):
            at = timezone.now() - timedelta(minutes=7 * place)
            MessageFactory(integration=integration, body=body_of(name), received_at=at)
    drain_inbox()
    events = list(OutboxEvent.objects.order_by("pk"))
    delivered, waiting = events[:-4], events[-4:]
    now = timezone.now()
    done = in_delivery(*delivered, state="done", delivered_at=now)
    count_delivered([done.pk], now)
    in_delivery(waiting[0], state="dead", last_error="FME refused this event (400): no")
    AttemptFactory(environment=delivered[0].environment, events=tuple(delivered[:5]), answer="")
    EventFactory(message=InboxMessage.objects.first(), key="a" * 250)
    look(timezone.now())
    return integration


def addresses(integration):
    message = InboxMessage.objects.filter(outcome="whole").first()
    dropped = InboxMessage.objects.filter(outcome="dropped").first()
    return {
        "messages": reverse("messages"),
        "filtered to nothing": f"{reverse('messages')}?key=nobody",
        "custom time": f"{reverse('messages')}?range=custom&from=2026-01-01T00:00",
        "message": reverse("message", args=[message.pk]),
        "found in payload": f"{reverse('message', args=[message.pk])}?find=checkout",
        "dropped": reverse("message", args=[dropped.pk]),
        "events": f"{reverse('events')}?json={OutboxEvent.objects.first().pk}",
        "event types": reverse("event_types"),
        "problems": reverse("problems"),
        "checklist": reverse("checklist"),
        "audit": reverse("audit"),
        "integration": f"{integration.get_absolute_url()}?range=7d",
        "configured": reverse("integrations"),
        "edit": reverse("integration_edit", args=[integration.pk]),
        "replay": reverse("replay_since", args=[integration.pk]),
        "test": reverse("test_exception", args=[integration.pk]),
        "import": reverse("integration_import"),
        "duplicate": reverse("integration_duplicate", args=[integration.pk]),
    }


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390), ("light", 320), ("dark", 1900)])
def test_every_page_is_clean(visit, world, account_admin, theme, width):
    tab = visit(account_admin, theme=theme, width=width)
    found = {}

    for name, address in addresses(world).items():
        tab.page.goto(address)
        wide = [f"{tab.overflow()} px too wide"] if tab.overflow() > 0 else []
        found[name] = tab.violations() + wide + tab.problems
        tab.problems.clear()

    assert {name: problems for name, problems in found.items() if problems} == {}


def test_every_page_is_whole_without_javascript(visit, world, account_admin):
    tab = visit(account_admin, javascript=False)

    for name, address in addresses(world).items():
        assert tab.page.goto(address).ok, name
        assert tab.page.locator("h1").count() == 1, name
        assert tab.page.locator(".needs-js:visible").count() == 0, name

    assert tab.problems == []


def test_new_messages_come_by_themselves_until_paused(visit, world, account_admin):
    tab = visit(account_admin)
    tab.page.goto(reverse("messages"))
    rows = tab.page.locator("#rows tr")
    before = rows.count()

    MessageFactory(
        integration=world, title="Arrives live", state="done", outcome="dropped", reason="not_an_exception"
    )
    expect(rows.first).to_contain_text("Arrives live", timeout=6000)
    expect(rows).to_have_count(before + 1)

    tab.page.get_by_role("link", name="Pause").click()
    expect(tab.page.get_by_text("Live tail is paused")).to_be_visible()
    assert tab.problems == []


def test_a_waiting_row_settles_where_it_stands(visit, world, account_admin):
    waiting = MessageFactory(integration=world, title="Settles", state="pending")
    tab = visit(account_admin)
    tab.page.goto(reverse("messages"))
    row = tab.page.locator(f"#message-{waiting.pk}")
    expect(row).to_contain_text("Waiting")

    InboxMessage.objects.filter(pk=waiting.pk).update(
        state="done", outcome="dropped", reason="not_an_exception"
    )

    expect(row).to_contain_text("Dropped", timeout=6000)
    assert tab.problems == []


def test_the_preview_follows_the_typing(visit, world, account_admin):
    tab = visit(account_admin)
    tab.page.goto(reverse("integration_edit", args=[world.pk]))
    preview = tab.page.locator("#preview")
    expect(preview).to_contain_text("staging → Staging")

    tab.page.get_by_label("Sentry environment").first.fill("nowhere")

    expect(preview).to_contain_text("nowhere → Staging", timeout=6000)
    assert world.environment_mappings.filter(sentry_environment="nowhere").count() == 0
    assert tab.problems == []


def test_the_preview_works_without_javascript(visit, world, account_admin):
    tab = visit(account_admin, javascript=False)
    tab.page.goto(reverse("integration_edit", args=[world.pk]))

    tab.page.get_by_label("Sentry environment").first.fill("nowhere")
    tab.page.get_by_role("button", name="Show preview").click()

    expect(tab.page.locator("#preview")).to_contain_text("nowhere → Staging")
    expect(tab.page.get_by_label("Sentry environment").first).to_have_value("nowhere")


def test_a_test_exception_shows_each_step_as_it_happens(visit, world, account_admin, settings):
    tab = visit(account_admin)
    tab.page.goto(world.get_absolute_url())
    tab.page.get_by_role("link", name="Send test exception").click()
    tab.page.get_by_role("button", name="Send test exception").click()
    expect(tab.page.locator("#word")).to_contain_text("Waiting")

    drain_inbox()

    expect(tab.page.locator("#word")).to_contain_text("Dropped", timeout=6000)
    expect(tab.page.get_by_text("would have been sent").first).to_be_visible()
    assert tab.problems == []


def test_masked_values_are_shown_on_demand(visit, world, account_admin):
    message = MessageFactory(integration=world, payload={"event": {"user": {"email": "jane@example.com"}}})
    tab = visit(account_admin, javascript=False)
    tab.page.goto(reverse("message", args=[message.pk]))
    assert "jane@example.com" not in tab.page.content()

    tab.page.get_by_role("button", name="Show masked values").click()

    expect(tab.page.get_by_text("jane@example.com")).to_be_visible()
    expect(tab.page.get_by_text("This was written to the audit log")).to_be_visible()


def test_copying_gives_json_and_the_button_says_so(visit, account_admin, world):
    tab = visit(account_admin, permissions=["clipboard-read", "clipboard-write"])
    message = InboxMessage.objects.filter(outcome="whole").first()
    tab.page.goto(reverse("message", args=[message.pk]))

    for name in ("Copy the payload", "Copy the JSON of sentry_exception"):
        button = tab.page.get_by_role("button", name=name, exact=True).first
        button.click()
        expect(button).to_have_count(0)  # it is called "Copied" for a moment
        copied = json.loads(tab.page.evaluate("navigator.clipboard.readText()"))
        assert {"event", "eventTypeId"} & copied.keys()
        tab.page.get_by_role("button", name=name, exact=True).first.wait_for()

    assert tab.problems == []


def test_an_address_to_share_holds_only_what_is_asked_for(visit, account_admin):
    page = visit(account_admin).page
    page.goto("/messages/")

    page.get_by_label("State").select_option("dropped")
    page.get_by_role("button", name="Filter").click()

    page.wait_for_url("**/messages/?state=dropped")
