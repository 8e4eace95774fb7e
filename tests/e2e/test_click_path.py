"""The way of the product document, click by click, once with JavaScript and once without."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from integrations.models import Account, SentryInstallation, SentryIntegration, ServiceHook
from tests.factories import (
    PASSWORD,
    EnvironmentFactory,
    HookFactory,
    InstallationFactory,
    ProjectFactory,
    TrafficTypeFactory,
)
from tests.integrations.typed import INSTALLATION

pytestmark = pytest.mark.django_db(transaction=True)
both_ways = pytest.mark.parametrize("javascript", [True, False], ids=["with-js", "without-js"])


@pytest.fixture
def webshop(db):
    """An FME project with two environments and two traffic types, and an installation that waits."""
    Account.objects.create(pk=1, sentry_enabled_at=timezone.now())
    project = ProjectFactory(fme_id="ws-1", name="Webshop")
    for name in ("Staging", "Production"):
        EnvironmentFactory(project=project, name=name)
    for name in ("user", "org"):
        TrafficTypeFactory(project=project, name=name)
    InstallationFactory(uuid=INSTALLATION).projects.add(project)
    return project


def row(page, kind, number):
    return page.get_by_role("group", name=f"{kind} mapping {number}")


def fill_row(page, kind, number, left, right):
    fields = {
        "Environment": ("Sentry environment", "Harness FME environment"),
        "Identity": ("Sentry identity path", "Harness FME traffic type"),
    }
    text, menu = fields[kind]
    row(page, kind, number).get_by_label(text).fill(left)
    row(page, kind, number).get_by_label(menu).select_option(label=right)


def fill_connection(page):
    page.get_by_label("Sentry Installation ID").fill(INSTALLATION)
    page.get_by_label("Sentry Organization").fill("acme-gmbh")
    page.get_by_label("Sentry Project Slug").fill("front-end")


@both_ways
def test_from_login_to_save(visit, webshop, account_admin, javascript):
    tab = visit(javascript=javascript)
    page = tab.page
    page.goto("/")
    page.get_by_label("Username").fill(account_admin.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()

    page.get_by_role("button", name="Profile menu").click()
    page.get_by_role("link", name="Admin settings").click()
    page.get_by_role("link", name="Integrations").click()
    page.get_by_role("link", name="Marketplace").click()
    page.get_by_role("button", name="Add").click()
    page.get_by_label("Project").select_option(label="Webshop")
    page.get_by_role("button", name="Continue").click()

    fill_row(page, "Environment", 1, "staging", "Staging")
    page.get_by_role("button", name="Add environment mapping").click()
    fill_row(page, "Environment", 2, "production", "Production")
    fill_row(page, "Identity", 1, "data.erroruser.id", "user")
    page.get_by_role("button", name="Add identity mapping").click()
    fill_row(page, "Identity", 2, "data.error.user.orgId", "org")
    fill_connection(page)
    page.get_by_label("Capture Culprit as separate Event").check()
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("front-end")
    expect(page.get_by_role("status").first).to_contain_text("You typed data.erroruser.id.")
    expect(page.get_by_text("Creating the hook").first).to_be_visible()
    saved = SentryIntegration.objects.get()
    assert [str(each) for each in saved.environment_mappings.all()] == [
        "staging → Staging",
        "production → Production",
    ]
    assert [str(each) for each in saved.identity_mappings.all()] == [
        "data.error.user.id → user",
        "data.error.user.orgId → org",
    ]
    assert saved.capture_culprit
    assert tab.problems == []


def test_a_word_of_the_way_names_one_thing_on_each_page(visit, webshop, account_admin):
    integration = HookFactory(integration__project=webshop).integration
    page = visit(account_admin).page

    for address in (reverse("integrations"), reverse("marketplace"), integration.get_absolute_url()):
        page.goto(address)
        expect(page.get_by_role("link", name="Integrations")).to_have_count(1)
        expect(page.get_by_role("button", name="Profile")).to_have_count(1)
    for name in ("Edit", "Delete"):
        expect(page.get_by_role("link", name=name)).to_have_count(1)

    page.get_by_role("link", name="Edit").click()
    for name in ("Integrations", "Configured"):
        expect(page.get_by_role("link", name=name)).to_have_count(1)


@both_ways
def test_plus_and_minus_move_the_focus(visit, webshop, account_admin, javascript):
    tab = visit(account_admin, javascript=javascript)
    page = tab.page
    page.goto(reverse("integration_add", args=[webshop.pk]))
    page.get_by_label("Sentry Organization").fill("typed before")
    fill_row(page, "Environment", 1, "staging", "Staging")

    page.get_by_role("button", name="Add environment mapping").click()
    expect(row(page, "Environment", 2).get_by_label("Sentry environment")).to_be_focused()
    row(page, "Environment", 2).get_by_label("Sentry environment").fill("production")
    page.get_by_role("button", name="Add environment mapping").click()
    expect(row(page, "Environment", 3).get_by_label("Sentry environment")).to_be_focused()

    page.get_by_role("button", name="Remove environment mapping 3").click()
    expect(row(page, "Environment", 2).get_by_label("Sentry environment")).to_be_focused()
    page.get_by_role("button", name="Remove environment mapping production").click()
    expect(row(page, "Environment", 1).get_by_label("Sentry environment")).to_be_focused()
    expect(row(page, "Environment", 1).get_by_label("Sentry environment")).to_have_value("staging")

    page.get_by_role("button", name="Undo removing").click()
    expect(row(page, "Environment", 2).get_by_label("Sentry environment")).to_have_value("production")
    page.get_by_role("button", name="Remove environment mapping production").click()
    expect(row(page, "Environment", 2)).to_have_count(0)
    page.get_by_role("button", name="Remove environment mapping staging").click()
    expect(page.get_by_role("button", name="Add environment mapping")).to_be_focused()
    expect(page.get_by_label("Sentry Organization")).to_have_value("typed before")
    assert tab.problems == []


def test_a_row_button_after_the_session_ended_loses_nothing(visit, webshop, account_admin):
    tab = visit(account_admin)
    page = tab.page
    page.goto(reverse("integration_add", args=[webshop.pk]))
    fill_row(page, "Environment", 1, "staging", "Staging")
    page.context.clear_cookies(name="sessionid")

    page.get_by_role("button", name="Add environment mapping").click()

    expect(page.locator("#trouble")).to_contain_text("Your session has ended.")
    expect(row(page, "Environment", 1).get_by_label("Sentry environment")).to_have_value("staging")


def test_a_row_button_without_a_server_loses_nothing(visit, webshop, account_admin):
    page = visit(account_admin).page
    page.goto(reverse("integration_add", args=[webshop.pk]))
    fill_row(page, "Environment", 1, "staging", "Staging")
    page.context.set_offline(True)

    page.get_by_role("button", name="Add environment mapping").click()

    expect(page.locator("#trouble")).to_contain_text("The server cannot be reached.")
    expect(row(page, "Environment", 1).get_by_label("Sentry environment")).to_have_value("staging")


def test_a_screen_reader_hears_how_many_rows_there_are(visit, webshop, account_admin):
    page = visit(account_admin).page
    page.goto(reverse("integration_add", args=[webshop.pk]))

    page.get_by_role("button", name="Add identity mapping").click()

    expect(page.locator("#announce")).to_have_text("2 identity mappings")


@both_ways
def test_errors_take_the_focus_and_lead_to_their_fields(visit, webshop, account_admin, javascript):
    tab = visit(account_admin, javascript=javascript)
    page = tab.page
    page.goto(reverse("integration_add", args=[webshop.pk]))
    fill_row(page, "Environment", 1, "prod/eu", "Production")
    fill_row(page, "Identity", 1, "data.error.user.id", "user")
    page.get_by_label("Sentry Organization").fill("acme-gmbh")
    page.get_by_label("Sentry Installation ID").press("Enter")

    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("Not saved: 3 things to correct")
    expect(page.get_by_label("Sentry Organization")).to_have_value("acme-gmbh")
    summary.get_by_role("link", name=re.compile("^Sentry Project Slug")).click()
    expect(page.get_by_label("Sentry Project Slug")).to_be_focused()
    assert tab.problems == []


def test_the_page_sees_by_itself_that_the_hook_is_there(visit, webshop, account_admin):
    hook = HookFactory(integration__project=webshop, confirmed_at=None)
    page = visit(account_admin).page
    page.goto(hook.integration.get_absolute_url())
    expect(page.locator("#state")).to_contain_text("Creating the hook")

    later = timezone.now() + timedelta(hours=1)
    ServiceHook.objects.update(confirmed_at=timezone.now(), due_at=later)

    expect(page.locator("#state")).to_contain_text("Working", timeout=8000)
    expect(page.locator("#hook")).to_contain_text("Active")
    expect(page.locator("#announce")).to_have_text("Active")
    assert "every" not in (page.locator("#hook").get_attribute("hx-trigger") or "")


def test_the_marketplace_filters_while_typing(visit, webshop, account_admin):
    tab = visit(account_admin)
    page = tab.page
    page.goto(reverse("marketplace"))

    page.get_by_label("Search integrations").press_sequentially("sentr")
    expect(page.get_by_role("heading", name="Segment")).to_have_count(0)
    expect(page.get_by_role("heading", name="Sentry", exact=True)).to_be_visible()
    expect(page.get_by_label("Search integrations")).to_be_focused()
    expect(page).to_have_url(re.compile(r"\?q=sentr$"))
    assert tab.problems == []


@both_ways
def test_from_sentrys_redirect_to_the_filled_form(visit, webshop, account_admin, javascript):
    tab = visit(account_admin, javascript=javascript)
    page = tab.page
    page.goto(f"/sentry/setup/?installationId={INSTALLATION}&code=grant&orgSlug=acme-gmbh")
    assert "grant" not in page.url

    page.get_by_role("link", name="Configure with this ID").click()
    page.get_by_label("Project").select_option(label="Webshop")
    page.get_by_role("button", name="Continue").click()

    expect(page.get_by_label("Sentry Installation ID")).to_have_value(INSTALLATION)
    assert tab.problems == []


def test_the_copy_button_copies(visit, webshop):
    tab = visit(permissions=["clipboard-read", "clipboard-write"])
    tab.page.goto(f"/sentry/setup/?installationId={INSTALLATION}")

    tab.page.get_by_role("button", name="Copy").click()

    expect(tab.page.locator("#announce")).to_have_text("Copied")
    assert tab.page.evaluate("navigator.clipboard.readText()") == INSTALLATION


def test_times_follow_the_browsers_zone(visit, webshop, account_admin):
    HookFactory(integration__project=webshop)
    tab = visit(account_admin, timezone_id="Asia/Tokyo")
    tab.page.goto(reverse("integrations"))

    tab.page.get_by_role("button", name="Times in UTC").click()

    expect(tab.page.get_by_role("button", name="Times in Asia/Tokyo")).to_be_visible()
    assert tab.problems == []


@both_ways
def test_the_theme_is_kept(visit, webshop, account_admin, javascript):
    tab = visit(account_admin, javascript=javascript)
    page = tab.page
    page.goto(reverse("integrations"))
    page.get_by_role("button", name="Profile menu").click()

    page.get_by_role("button", name="Theme: follow system").click()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert tab.problems == []


@both_ways
def test_on_a_narrow_window_the_menu_is_a_drawer(visit, webshop, account_admin, javascript):
    page = visit(account_admin, javascript=javascript, width=320).page
    page.goto(reverse("marketplace"))

    page.get_by_role("button", name="Menu", exact=True).click()
    page.get_by_role("button", name="Profile menu").click()
    page.get_by_role("link", name="Admin settings").click()

    expect(page.get_by_role("heading", level=1, name="Integrations")).to_be_visible()


@both_ways
def test_deleting_asks_for_the_slug(visit, webshop, account_admin, javascript):
    hook = HookFactory(integration__project=webshop, integration__project_slug="front-end")
    tab = visit(account_admin, javascript=javascript)
    page = tab.page
    page.goto(hook.integration.get_absolute_url())
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Not deleted: this is not front-end.")).to_be_visible()

    page.get_by_label("Type front-end to confirm").fill("front-end")
    page.get_by_role("button", name="Delete").click()

    expect(page.get_by_role("status").first).to_contain_text("Deleted front-end → Webshop.")
    assert tab.problems == []


def test_an_installation_is_filled_in_at_a_press(visit, webshop, account_admin):
    installation = SentryInstallation.objects.get()
    SentryInstallation.objects.update(organization="acme-gmbh")
    tab = visit(account_admin)
    page = tab.page
    page.goto(reverse("integration_add", args=[webshop.pk]))

    page.get_by_role("button", name="Use the installation of acme-gmbh").click()

    field = page.get_by_role("textbox", name="Sentry Installation ID")
    expect(field).to_have_value(str(installation.uuid))
    expect(field).to_be_focused()
    expect(page.get_by_label("Sentry Organization")).to_have_value("acme-gmbh")
    assert tab.problems == []


def test_the_menu_of_more_actions_closes_on_escape(visit, webshop, account_admin):
    integration = HookFactory(integration__project=webshop).integration
    page = visit(account_admin).page
    page.goto(integration.get_absolute_url())
    more = page.locator("summary", has_text="More")

    more.click()
    expect(page.get_by_role("link", name="Resend failed since…")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.get_by_role("link", name="Resend failed since…")).to_be_hidden()
    expect(more).to_be_focused()


def test_the_exact_time_shows_on_focus(visit, webshop, account_admin):
    integration = HookFactory(integration__project=webshop).integration
    page = visit(account_admin).page
    page.goto(integration.get_absolute_url())
    page.locator("h1").click()

    time = page.locator("time[tabindex]").first
    page.keyboard.press("Tab")
    time.focus()

    shown = time.evaluate("one => getComputedStyle(one, '::after').content")
    assert time.get_attribute("title") in shown
