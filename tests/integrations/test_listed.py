"""What the form suggests of Sentry's names, what it asks for, and what it keeps to itself."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from durable.models import State
from integrations.listed import BUDGET, KEPT
from integrations.listings import drain_listings
from integrations.models import Account, SentryListing
from tests.factories import InstallationFactory, IntegrationFactory
from tests.integrations.typed import INSTALLATION, typed

PROJECTS = [["back-end", "Back End"], ["front-end", "Front End"]]


@pytest.fixture(autouse=True)
def enabled(db):
    Account.objects.create(pk=1, sentry_enabled_at=timezone.now())


@pytest.fixture
def admin(client, project_admin):
    client.force_login(project_admin)
    return client


@pytest.fixture
def released(project):
    installation = InstallationFactory(uuid=INSTALLATION)
    installation.projects.add(project)
    return installation


@pytest.fixture
def look(admin, project):
    """The form as it is while somebody types: `look(project_slug="front")`."""

    def posted(**values):
        data = typed(**values) | {"add": "preview"}
        response = admin.post(reverse("integration_add", args=[project.pk]), data)
        assert response.status_code == 200
        return response.context["listed"], response.content.decode()

    return posted


def stored(installation, slug="", **more):
    """A listing that was read a moment ago."""
    now = timezone.now()
    values = {"state": State.DONE, "asked_at": now, "read_at": now, "names": [] if slug else PROJECTS}
    return SentryListing.objects.create(
        installation=installation, organization="acme-gmbh", project_slug=slug, **values | more
    )


def asked():
    """Slugs of the listings that are due; "" stands for the projects."""
    return sorted(SentryListing.objects.due().values_list("project_slug", flat=True))


def test_a_typed_installation_id_asks_for_the_projects(look, released):
    listed, text = look(organization="", project_slug="")

    assert asked() == [""]
    assert SentryListing.objects.get().organization == "acme-gmbh"
    assert (listed.is_coming, listed.projects_note) == (True, "Sentry is asked for its projects…")
    assert 'id="listed" hx-post=' in text


def test_opening_the_form_with_the_installation_id_asks_as_well(admin, project, released):
    admin.get(reverse("integration_add", args=[project.pk]), {"installation_id": INSTALLATION})

    assert asked() == [""]


def test_the_form_of_an_integration_asks_for_its_environments_at_once(admin, project, released):
    integration = IntegrationFactory(project=project, installation=released, project_slug="front-end")

    admin.get(reverse("integration_edit", args=[integration.pk]))

    assert asked() == ["", "front-end"]


def test_projects_of_the_installation_are_suggested_with_their_names(look, released):
    IntegrationFactory(project_slug="elsewhere")
    stored(released)

    listed, text = look(project_slug="")

    assert '<option value="front-end" label="front-end · Front End">' in text
    assert '<option value="acme-gmbh" label="acme-gmbh · Where the app is installed">' in text
    assert (listed.is_coming, asked()) == (False, [])
    assert 'id="listed" hx-post=' not in text


def test_environments_of_the_typed_project_are_suggested(look, released):
    stored(released)
    stored(released, "front-end", names=[["production", ""], ["Prod EU", ""]])
    stored(released, "back-end", names=[["elsewhere", ""]])

    _, text = look()

    assert '<option value="Prod EU" label="Prod EU · Sentry lists it">' in text
    assert "elsewhere" not in text


def test_names_are_escaped(look, released):
    stored(released, names=[["front-end", '"><script>']])

    _, text = look()

    assert 'label="front-end · &quot;&gt;&lt;script&gt;"' in text
    assert 'label=""><script>"' not in text


@pytest.mark.parametrize("installation_id", [str(INSTALLATION), INSTALLATION.upper(), f" {INSTALLATION} "])
def test_an_installation_of_others_reveals_nothing(look, installation_id):
    _, unknown = look(installation_id="00000000-0000-4000-8000-000000000000", project_slug="")
    foreign = InstallationFactory(uuid=INSTALLATION)
    stored(foreign, last_error="a reason")

    listed, text = look(installation_id=installation_id, project_slug="")

    assert listed == type(listed)()
    assert asked() == []
    assert part(text) == part(unknown)


def part(text):
    start = text.index('<div id="listed"')
    return text[start : text.index("</div>", start)]


@pytest.mark.parametrize("installation_id", ["", "9b77", "9" * 500, "%00", "?"])
def test_half_an_id_asks_for_nothing(look, released, installation_id):
    listed, _ = look(installation_id=installation_id)

    assert SentryListing.objects.count() == 0
    assert listed.organizations == (("acme-gmbh", "Where the app is installed"),)


def test_an_uninstalled_app_is_said_and_not_asked_for(look, released):
    released.deleted_at = timezone.now()
    released.save()
    stored(released)

    listed, text = look()

    assert "The app was uninstalled in Sentry" in listed.projects_note
    assert "Front End" not in text
    assert asked() == []


def test_what_is_old_is_shown_and_asked_for_again(look, released):
    stored(released, asked_at=timezone.now() - timedelta(minutes=11))

    listed, text = look(project_slug="")

    assert 'label="front-end · Front End"' in text
    assert (asked(), listed.is_coming, listed.projects_note) == ([""], True, "")


def test_a_refusal_is_said_and_asked_about_again_after_a_minute_only(look, released):
    listing = stored(
        released, state=State.DEAD, last_error="Sentry does not let this app list projects.", names=[]
    )

    assert look(project_slug="")[0].projects_note == "Sentry does not let this app list projects."
    assert asked() == []

    SentryListing.objects.filter(pk=listing.pk).update(asked_at=timezone.now() - timedelta(seconds=61))
    look(project_slug="")
    assert asked() == [""]


@pytest.mark.parametrize(
    ("slug", "hint"),
    [
        ("front", " Did you mean “front-end”?"),
        ("fornt-end", " Did you mean “front-end”?"),
        ("ledger", ""),
    ],
)
def test_a_project_that_sentry_does_not_list_is_said_and_not_asked_for(look, released, slug, hint):
    stored(released)

    listed, _ = look(project_slug=slug)

    assert listed.projects_note == f"Sentry lists no project “{slug}” in acme-gmbh.{hint}"
    assert asked() == []


def test_a_project_that_may_be_new_is_looked_for_after_a_minute(look, released):
    stored(released, asked_at=timezone.now() - timedelta(minutes=2))

    look(project_slug="brand-new")

    assert asked() == [""]


def test_typing_is_no_request_per_keystroke_when_sentry_lists_no_projects(look, released):
    stored(released, state=State.DEAD, last_error="refused", names=[])

    for length in range(1, 30):
        look(project_slug=("front-end-of-a-very-long-name-" * 2)[:length])

    assert SentryListing.objects.filter(installation=released).count() == BUDGET


def test_half_a_slug_is_not_asked_for_while_the_projects_are_on_their_way(look, released):
    look(project_slug="fro")

    assert asked() == [""]


def test_the_typed_organization_counts_once_sentry_refuses_the_known_one(look, released):
    stored(released, state=State.DEAD, last_error="Sentry finds no organization.", names=[])

    look(organization="acme-new", project_slug="")

    assert SentryListing.objects.due().get().organization == "acme-new"


def test_an_installation_whose_organization_is_not_known_waits_for_it_to_be_typed(look, released):
    released.organization = ""
    released.save()

    assert look(organization="")[0].is_coming is False
    assert look(organization="acme")[0].is_coming is True


def test_the_form_stops_looking_when_no_answer_comes(look, released):
    stored(
        released, state=State.PENDING, asked_at=timezone.now() - timedelta(seconds=31), read_at=None, names=[]
    )

    listed, text = look(project_slug="")

    assert listed.is_coming is False
    assert 'id="listed" hx-post=' not in text


def test_a_mistake_of_ours_is_no_traceback_on_the_page(look, released):
    stored(released, state=State.DEAD, faults=5, last_error="Traceback (most recent call last)…")

    assert "Traceback" not in look()[1]


def test_listings_that_no_form_asks_for_any_more_go(look, released):
    stored(released)
    stored(released, "gone", asked_at=timezone.now() - KEPT - timedelta(days=1))

    look(project_slug="front-end")

    assert sorted(SentryListing.objects.values_list("project_slug", flat=True)) == ["", "front-end"]


def test_a_listing_never_keeps_a_form_from_being_saved(admin, project, released, staging, user_type):
    stored(released, state=State.DEAD, last_error="refused", names=[])
    data = typed([("staging", staging.pk)], [("data.error.user.id", user_type.pk)])

    response = admin.post(reverse("integration_add", args=[project.pk]), data)

    assert response.status_code == 302


def test_from_the_installation_id_to_the_environments_of_the_project(look, sandbox, installation, project):
    installation.projects.add(project)
    values = {"installation_id": str(installation.uuid), "organization": "", "project_slug": ""}

    look(**values)
    drain_listings()
    assert look(**values)[0].projects == (("back-end", "Back End"), ("front-end", "Front End"))

    look(**values | {"project_slug": "front-end"})
    drain_listings()
    listed, text = look(**values | {"project_slug": "front-end"})
    assert listed.environments == ("production", "staging")
    assert '<option value="staging" label="staging · Sentry lists it">' in text
    assert listed.is_coming is False
