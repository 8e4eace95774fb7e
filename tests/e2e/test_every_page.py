"""Every page in light, dark, narrow and without a script: no error, no violation, no foreign request."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from integrations.models import Account, CatalogueRefresh
from tests.factories import (
    EnvironmentFactory,
    HookFactory,
    InstallationFactory,
    IntegrationFactory,
    ProjectFactory,
    TrafficTypeFactory,
)
from tests.integrations.typed import INSTALLATION

pytestmark = pytest.mark.django_db(transaction=True)

LONG = "a-very-long-sentry-project-slug-that-somebody-really-chose-for-their-checkout-service"


@pytest.fixture
def world(db):
    """Something of everything: states good and bad, long names, missing keys."""
    now = timezone.now()
    Account.objects.create(pk=1, sentry_enabled_at=now)
    CatalogueRefresh.objects.create(pk=1, refreshed_at=now, due_at=now + timedelta(hours=9))
    project = ProjectFactory(fme_id="ws-web", name="Webshop")
    EnvironmentFactory(project=project, name="Production")
    EnvironmentFactory(project=project, name="Staging", sdk_key="", sdk_key_set_at=None)
    EnvironmentFactory(project=project, name="Beta", hold_reason="Harness FME refused the SDK key (401).")
    TrafficTypeFactory(project=project, name="user")
    InstallationFactory(uuid=INSTALLATION, organization="acme-gmbh")
    InstallationFactory(organization="gone", deleted_at=now)
    failed = HookFactory(integration__project=project, state="dead", last_error="Sentry refused (403).")
    creating = HookFactory(integration__project=project, confirmed_at=None, last_error="Sentry answered 503.")
    paused = IntegrationFactory(project=project, project_slug=LONG, is_active=False)
    return {"project": project, "failed": failed, "creating": creating, "paused": paused}


def addresses(world):
    failed, creating = world["failed"].integration, world["creating"].integration
    return {
        "configured": reverse("integrations"),
        "marketplace": reverse("marketplace"),
        "nothing found": f"{reverse('marketplace')}?q=zzz",
        "choose": reverse("integration_choose"),
        "add": reverse("integration_add", args=[world["project"].pk]),
        "edit": reverse("integration_edit", args=[failed.pk]),
        "failed": failed.get_absolute_url(),
        "creating": creating.get_absolute_url(),
        "paused": world["paused"].get_absolute_url(),
        "delete": reverse("integration_delete", args=[failed.pk]),
        "environments": reverse("environments"),
        "installations": reverse("installations"),
        "profile": reverse("profile"),
        "setup": f"{reverse('sentry_setup')}?installationId={INSTALLATION}&orgSlug=acme-gmbh",
    }


@pytest.mark.parametrize(
    ("theme", "width"), [("light", 1280), ("dark", 1280), ("light", 320), ("dark", 320), ("light", 1900)]
)
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


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_form_with_errors_and_the_open_menu_are_clean(visit, world, account_admin, theme):
    tab = visit(account_admin, theme=theme)
    tab.page.goto(addresses(world)["add"])
    tab.page.get_by_role("button", name="Save").click()
    tab.page.get_by_role("alert").wait_for()
    tab.page.get_by_role("button", name="Profile menu").click()

    assert tab.violations() == []
    assert tab.problems == []


@pytest.mark.parametrize("width", [1280, 320])
def test_the_login_is_clean(visit, db, width):
    tab = visit(width=width)
    tab.page.goto(reverse("login"))

    assert tab.violations() == []
    assert tab.overflow() <= 0
    assert tab.problems == []


def test_error_pages_are_clean(visit, world, viewer):
    tab = visit(viewer)
    refused = reverse(
        "integration_edit",
        args=[HookFactory(integration__project=viewer.memberships.get().project).integration_id],
    )

    for address, status in (("/nowhere/", 404), (refused, 403), ("/sentry/setup/", 400)):
        assert tab.page.goto(address).status == status
        assert tab.violations() == [], address


@pytest.mark.parametrize("width", [1280, 480])
def test_text_twice_as_large_is_not_cut_off(visit, world, account_admin, width):
    tab = visit(account_admin, width=width)

    for name, address in addresses(world).items():
        tab.page.goto(address)
        tab.page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert tab.overflow() <= 0, name
