"""What the pages say: states and remedies, the marketplace, keys, installations."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from integrations.models import Account, CatalogueRefresh, Environment, SdkKeyOrder, SentryIntegration
from tests.factories import (
    EnvironmentFactory,
    HookFactory,
    InstallationFactory,
    IntegrationFactory,
    ProjectFactory,
    TrafficTypeFactory,
)


@pytest.fixture
def admin(client, project_admin):
    client.force_login(project_admin)
    return client


@pytest.fixture
def boss(client, account_admin):
    client.force_login(account_admin)
    return client


@pytest.fixture
def hook(project):
    """A hook in order, not due for a check."""
    return HookFactory(integration__project=project, due_at=timezone.now() + timedelta(hours=1))


def page(client, address, **query):
    response = client.get(address, query)
    assert response.status_code == 200
    return response.content.decode()


def page_of(client, hook):
    return page(client, hook.integration.get_absolute_url())


# --- the marketplace ------------------------------------------------------------------------------


def test_until_it_is_enabled_sentry_says_get_access(admin, settings):
    settings.ACCESS_CONTACT = "success@fme.example"

    text = page(admin, reverse("marketplace"))

    assert "Get access" in text
    assert "mailto:success@fme.example" in text
    assert ">Add<" not in text


def test_an_account_admin_enables_it(boss):
    assert "Enable" in page(boss, reverse("marketplace"))

    boss.post(reverse("sentry_enable"))

    assert Account.objects.get(pk=1).sentry_enabled_at
    assert ">Add<" in page(boss, reverse("marketplace"))


def test_enabling_twice_keeps_the_first_date(boss):
    boss.post(reverse("sentry_enable"))
    first = Account.objects.get(pk=1).sentry_enabled_at

    boss.post(reverse("sentry_enable"))

    assert Account.objects.get(pk=1).sentry_enabled_at == first


def test_while_not_enabled_the_form_leads_back(admin, project):
    for name, arguments in (("integration_choose", []), ("integration_add", [project.pk])):
        assert admin.get(reverse(name, args=arguments)).url == reverse("marketplace")


@pytest.mark.parametrize(
    ("query", "found"), [("sen", True), ("SENTRY", True), ("error track", True), ("zz", False)]
)
def test_the_search_filters_on_the_server(admin, query, found):
    text = page(admin, reverse("marketplace"), q=query)

    assert ('id="sentry"' in text) is found
    assert ("Nothing is called" in text) is not found


# --- the list -------------------------------------------------------------------------------------


def test_the_list_shows_only_the_persons_projects(admin, hook):
    IntegrationFactory(project_slug="foreign")

    text = page(admin, reverse("integrations"))

    assert hook.project_slug in text
    assert "foreign" not in text


def test_the_list_says_when_there_is_nothing(admin):
    assert "No integration yet" in page(admin, reverse("integrations"))


def test_somebody_without_a_role_is_told_whom_to_ask(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("new"))

    assert "You have no role in any project yet" in page(client, reverse("integrations"))


def test_what_the_server_lacks_stands_on_the_list(admin, settings):
    settings.FME_ADMIN_API_KEY = ""

    assert "FME_ADMIN_API_KEY is not set" in page(admin, reverse("integrations"))


def test_the_list_costs_the_same_with_many_integrations(admin, project, django_assert_num_queries, hook):
    with CaptureQueriesContext(connection) as alone:
        admin.get(reverse("integrations"))

    for number in range(5):
        HookFactory(integration__project=project, integration__project_slug=f"more-{number}")
    with django_assert_num_queries(len(alone)):
        admin.get(reverse("integrations"))


# --- one integration ------------------------------------------------------------------------------


def test_a_working_integration_says_so(admin, hook):
    text = page_of(admin, hook)

    assert "Working" in text
    assert "Active" in text
    assert "every 2s" not in text


def test_a_hook_being_created_refreshes_itself(admin, hook):
    type(hook).objects.update(confirmed_at=None, due_at=timezone.now())

    text = page_of(admin, hook)

    assert "Creating the hook" in text
    assert 'hx-trigger="every 2s"' in text
    assert ">Refresh<" in text


def test_a_retry_shows_sentrys_words_and_the_next_date(admin, hook):
    later = timezone.now() + timedelta(minutes=10, seconds=5)
    type(hook).objects.update(confirmed_at=None, attempts=2, last_error="Sentry answered 503.", due_at=later)

    text = page_of(admin, hook)

    assert "Sentry answered 503." in text
    assert "Tried 2 times, next try" in text
    assert later.strftime("%Y-%m-%d %H:%M:%S UTC") in text


def test_a_failed_hook_shows_the_remedy_and_the_way_to_it(admin, hook):
    type(hook).objects.update(
        state="dead", last_error="Sentry knows no such project (404). Correct the slug."
    )

    text = page_of(admin, hook)

    assert "Hook failed" in text
    assert "Correct the slug." in text
    assert reverse("integration_edit", args=[hook.integration_id]) in text


def test_words_of_a_peer_are_escaped(admin, hook):
    type(hook).objects.update(state="dead", last_error="<script>alert(1)</script>")

    assert "<script>alert" not in page_of(admin, hook)


def test_an_uninstalled_app_says_what_to_do(admin, hook):
    type(hook.installation).objects.update(deleted_at=timezone.now())

    text = page_of(admin, hook)

    assert "Uninstalled in Sentry" in text
    assert "Install it again in Sentry" in text


def test_a_mapped_environment_without_a_key_is_pointed_out(admin, hook):
    environment = hook.integration.environment_mappings.get().environment
    environment.sdk_key = ""
    environment.save()

    text = page_of(admin, hook)

    assert "Staging: SDK key missing" in text
    assert f"{reverse('environments')}?key={environment.pk}" in text


def test_pause_and_resume(admin, hook):
    address = reverse("integration_switch", args=[hook.integration_id])

    admin.post(address, {"is_active": "0"})
    assert "Paused" in page_of(admin, hook)
    assert not SentryIntegration.objects.get().is_active

    admin.post(address, {"is_active": "1"})
    assert SentryIntegration.objects.get().is_active


def test_check_now_makes_the_hook_due(admin, hook):
    admin.post(reverse("integration_check", args=[hook.integration_id]))

    hook.refresh_from_db()
    assert hook.due_at <= timezone.now()
    assert "Checking the hook" in page_of(admin, hook)


def test_deleting_needs_the_slug(admin, hook):
    address = reverse("integration_delete", args=[hook.integration_id])

    assert "Not deleted" in admin.post(address, {"confirm": "something"}).content.decode()
    assert SentryIntegration.objects.get().deleted_at is None

    admin.post(address, {"confirm": hook.project_slug})
    assert SentryIntegration.objects.get().deleted_at
    hook.refresh_from_db()
    assert hook.phase == "deleting"


# --- environments and keys ------------------------------------------------------------------------


@pytest.fixture
def staging(project):
    return EnvironmentFactory(project=project, name="Staging", sdk_key="", sdk_key_set_at=None)


def test_a_key_is_stored_and_never_shown_again(admin, staging):
    key = "s3cret-sdk-key-of-staging-9f2c"

    response = admin.post(reverse("sdk_key", args=[staging.pk]), {"sdk_key": key}, follow=True)

    text = response.content.decode()
    staging.refresh_from_db()
    assert staging.sdk_key == key
    assert key not in text
    assert "…9f2c" in text
    assert "The SDK key of Staging in Checkout is stored." in text


def test_a_key_that_cannot_be_one_is_refused_at_the_field(admin, staging):
    text = admin.post(reverse("sdk_key", args=[staging.pk]), {"sdk_key": "two words"}).content.decode()

    staging.refresh_from_db()
    assert not staging.sdk_key
    assert f'id="id_sdk_key_{staging.pk}_error"' in text
    assert "two words" not in text


def test_ordering_a_key_shows_its_way(admin, staging):
    admin.post(reverse("sdk_key_order", args=[staging.pk]))
    assert "Being created in Harness FME" in page(admin, reverse("environments"))

    SdkKeyOrder.objects.update(state="dead", last_error="Harness FME refused (403).")
    text = page(admin, reverse("environments"))
    assert "SDK key missing" in text
    assert "Harness FME made no key" in text
    assert "Harness FME refused (403)." in text


def test_a_key_can_be_entered_while_one_is_ordered_and_that_is_all_that_is_shown(admin, staging):
    admin.post(reverse("sdk_key_order", args=[staging.pk]))
    address = reverse("sdk_key", args=[staging.pk])
    assert address not in page(admin, reverse("environments"))
    assert address in page(admin, f"{reverse('environments')}?key={staging.pk}")

    admin.post(address, {"sdk_key": "k" * 20})
    for state in ("pending", "dead"):
        SdkKeyOrder.objects.update(state=state, last_error="Harness FME is busy.")
        text = page(admin, reverse("environments"))
        assert "…kkkk" in text
        assert "Being created" not in text
        assert "Harness FME" not in text.partition("…kkkk")[2].partition("</tr>")[0]


def test_an_order_hides_nothing_of_how_a_key_stands(admin, staging):
    type(staging).objects.update(sdk_key="k" * 20, hold_reason="Harness FME refused the key (401).")
    admin.post(reverse("sdk_key_order", args=[staging.pk]))
    soon = timezone.now() + timedelta(minutes=5)
    for state in ("pending", "dead"):
        SdkKeyOrder.objects.update(state=state, last_error="Harness FME is busy.", due_at=soon)
        text = page(admin, reverse("environments"))

        assert ("Held" in text, "refused the key (401)" in text) == (True, True)
        assert "Harness FME is busy." in text
        assert ("Next try" in text) == (state == "pending")


def test_a_key_that_is_too_long_is_told_and_not_cut_off_by_the_browser(admin, staging):
    assert "maxlength" not in page(admin, reverse("environments"))

    text = admin.post(reverse("sdk_key", args=[staging.pk]), {"sdk_key": "k" * 501}).content.decode()

    assert "This is too long for a key" in text
    staging.refresh_from_db()
    assert not staging.sdk_key


def test_of_a_short_key_nothing_is_shown(admin, staging):
    admin.post(reverse("sdk_key", args=[staging.pk]), {"sdk_key": "short"})

    text = page(admin, reverse("environments"))

    assert "ends in" not in text
    assert "short" not in text


def test_a_held_environment_says_why(admin, staging):
    type(staging).objects.update(sdk_key="k" * 20, hold_reason="Harness FME refused the key (401).")

    text = page(admin, reverse("environments"))

    assert "Held" in text
    assert "Harness FME refused the key (401)." in text


def test_a_held_environment_says_when_it_is_tried_again(admin, staging):
    type(staging).objects.update(sdk_key="k" * 20, hold_reason="Refused.")
    for minutes, is_told in ((61, True), (-1, False)):
        type(staging).objects.update(hold_until=timezone.now() + timedelta(minutes=minutes))

        assert ("Next try" in page(admin, reverse("environments"))) == is_told


def test_what_is_gone_upstream_is_marked(admin, project, hook):
    EnvironmentFactory(project=project, name="Unused", sdk_key="", gone_at=timezone.now())
    type(project).objects.filter(pk=project.pk).update(gone_at=timezone.now())
    Environment.objects.update(gone_at=timezone.now())
    TrafficTypeFactory(project=project, name="device", gone_at=timezone.now())

    text = page(admin, reverse("environments"))

    assert "Gone in FME" in text
    assert "a mapping still uses it" in text
    assert "device (no longer in FME)" in text
    assert "Unused" not in text


def test_reading_again_makes_the_catalogue_due(admin):
    CatalogueRefresh.objects.create(pk=1, due_at=timezone.now() + timedelta(hours=9), last_error="old")

    admin.post(reverse("catalogue_refresh"))

    refresh = CatalogueRefresh.objects.get()
    assert refresh.due_at <= timezone.now()
    assert "Being read" in page(admin, reverse("environments"))


def test_keys_cost_the_same_with_many_projects(boss, django_assert_num_queries):
    EnvironmentFactory()
    with CaptureQueriesContext(connection) as alone:
        boss.get(reverse("environments"))

    for _ in range(5):
        EnvironmentFactory()
    with django_assert_num_queries(len(alone)):
        boss.get(reverse("environments"))


# --- installations --------------------------------------------------------------------------------


def test_an_installation_is_released_to_the_chosen_projects_only(boss, project):
    other = ProjectFactory()
    installation = InstallationFactory()
    installation.projects.add(other)

    boss.post(reverse("installation_release", args=[installation.pk]), {"projects": [project.pk, "x", "999"]})

    assert list(installation.projects.all()) == [project]
    text = page(boss, reverse("installations"))
    assert f'value="{project.pk}" checked' in text
    assert f'value="{other.pk}" checked' not in text


def test_a_release_to_a_project_that_fme_lost_is_kept(boss, project):
    gone = ProjectFactory(gone_at=timezone.now())
    installation = InstallationFactory()
    installation.projects.add(gone)

    boss.post(reverse("installation_release", args=[installation.pk]), {"projects": [project.pk]})

    assert set(installation.projects.all()) == {project, gone}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Connected"),
        ({"token": "", "code": "abc"}, "Connecting"),
        ({"token": "", "announced_at": None}, "Waiting for Sentry"),
        (
            {"state": "dead", "last_error": "Uninstall the app in Sentry and install it again."},
            "install it again",
        ),
        ({"deleted_at": timezone.now()}, "Uninstalled"),
    ],
)
def test_an_installation_says_how_it_stands(boss, fields, words):
    InstallationFactory(**fields)

    assert words in page(boss, reverse("installations"))


def test_without_installations_the_page_says_how_to_get_one(boss):
    assert "Not installed in Sentry yet" in page(boss, reverse("installations"))
