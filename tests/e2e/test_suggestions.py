"""Sentry's names come into the form while somebody fills it in: a drain reads them, the page picks them up."""

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from integrations.installations import drain_installations
from integrations.listings import drain_listings
from integrations.models import Account, SentryInstallation, SentryListing
from tests.factories import EnvironmentFactory, InstallationFactory, TrafficTypeFactory
from tests.integrations.conftest import sandbox, sandbox_process  # noqa: F401 - fixtures

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ready(sandbox, project):  # noqa: F811 - the fixture
    """An installation with a token, released to a project that can be mapped to."""
    Account.objects.create(pk=1, sentry_enabled_at=timezone.now())
    EnvironmentFactory(project=project, name="Staging")
    TrafficTypeFactory(project=project, name="user")
    new = sandbox.control("install", deliver=False)
    installation = InstallationFactory(
        uuid=new["uuid"], code=new["code"], code_received_at=timezone.now(), token="", token_expires_at=None
    )
    drain_installations()
    installation.projects.add(project)
    return SentryInstallation.objects.get(pk=installation.pk)


def values(page, name):
    """What a field suggests, as value and words."""
    options = page.locator(f"datalist#{name} option")
    return options.evaluate_all("all => all.map(one => [one.value, one.label])")


def test_suggestions_appear_after_pasting_the_installation_id(visit, ready, project_admin, project):
    tab = visit(project_admin)
    page = tab.page
    page.goto(reverse("integration_add", args=[project.pk]))
    assert values(page, "sentry-projects") == []

    page.get_by_label("Sentry Installation ID").fill(str(ready.uuid))
    expect(page.get_by_text("Sentry is asked for its projects…")).to_be_visible()
    assert drain_listings() == 1
    expect(page.locator("datalist#sentry-projects option")).to_have_count(2)
    assert values(page, "sentry-projects") == [
        ["back-end", "back-end · Back End"],
        ["front-end", "front-end · Front End"],
    ]
    assert values(page, "sentry-organizations")[0][0] == "acme-gmbh"

    page.get_by_label("Sentry Project Slug").fill("front-end")
    expect(page.get_by_text("Sentry is asked for its environments…")).to_be_visible()
    assert drain_listings() == 1
    expect(page.locator("datalist#sentry-environments option")).to_have_count(2)
    assert values(page, "sentry-environments") == [
        ["production", "production · Sentry lists it"],
        ["staging", "staging · Sentry lists it"],
    ]
    expect(page.locator("#listed[hx-post]")).to_have_count(0)
    expect(page.get_by_label("Sentry Project Slug")).to_be_focused()
    assert (tab.problems, tab.violations()) == ([], [])


def test_without_javascript_the_next_load_shows_them(visit, ready, project_admin, project):
    page = visit(project_admin, javascript=False).page
    address = f"{reverse('integration_add', args=[project.pk])}?installation_id={ready.uuid}"
    page.goto(address)
    drain_listings()

    page.goto(address)

    expect(page.locator("datalist#sentry-projects option")).to_have_count(2)


def test_a_refusal_is_a_quiet_line_by_the_field(visit, ready, project_admin, project):
    SentryListing.objects.create(
        installation=ready,
        organization="acme-gmbh",
        state="dead",
        last_error="Sentry does not let this app list projects (403).",
    )
    tab = visit(project_admin, width=320, theme="dark")
    tab.page.goto(f"{reverse('integration_add', args=[project.pk])}?installation_id={ready.uuid}")

    expect(tab.page.get_by_text("Sentry does not let this app list projects (403)")).to_be_visible()
    assert (tab.overflow(), tab.problems, tab.violations()) == (0, [], [])
