"""What Sentry lists for an installation, against the sandbox over real HTTP."""

from datetime import timedelta

import pytest
from django.utils import timezone

from durable.models import State
from integrations import listings
from integrations.announcements import forget
from integrations.installations import drain_installations
from integrations.listings import drain_listings
from integrations.models import SentryInstallation, SentryListing

pytestmark = pytest.mark.django_db


@pytest.fixture
def listing(installation):
    """The projects of the installation's organization, to be read."""
    return SentryListing.objects.create(installation=installation, organization="acme-gmbh")


@pytest.fixture
def environments(installation):
    """The environments of front-end, to be read."""
    return SentryListing.objects.create(
        installation=installation, organization="acme-gmbh", project_slug="front-end"
    )


def drained(listing):
    drain_listings()
    listing.refresh_from_db()
    return listing


def again(listing):
    SentryListing.objects.filter(pk=listing.pk).update(due_at=timezone.now())
    return drained(listing)


def with_scopes(sandbox, installation, *scopes):
    """Let the installation have a token of these scopes only."""
    token = sandbox.control("token", scopes=list(scopes))["token"]
    SentryInstallation.objects.filter(pk=installation.pk).update(token=token)


def test_the_projects_of_the_organization_are_kept_with_their_names(sandbox, listing):
    sandbox.control("sentry", organization={"slug": "other"})
    sandbox.control("sentry", project={"organization": "other", "slug": "foreign"})

    assert drained(listing).state == State.DONE

    assert listing.names == [["back-end", "Back End"], ["front-end", "Front End"]]
    assert (listing.is_cut, listing.last_error) == (False, "")
    assert listing.read_at


def test_more_than_a_page_of_projects_is_read(sandbox, listing):
    for number in range(60):
        sandbox.control("sentry", project={"slug": f"service-{number:03}"})

    assert [slug for slug, _ in drained(listing).names][-1] == "service-059"
    assert len(listing.names) == 62


def test_of_a_very_large_organization_the_first_projects_are_kept(sandbox, listing, monkeypatch):
    monkeypatch.setattr(listings, "MOST_PROJECTS", 10)
    for number in range(60):
        sandbox.control("sentry", project={"slug": f"service-{number:03}"})

    assert len(drained(listing).names) == 10
    assert listing.is_cut


def test_environments_are_kept_without_hidden_ones_and_without_the_one_that_is_none(sandbox, environments):
    for name, is_hidden in (("Prod EU", False), ("preview", True), ("", False), ("No Environment", False)):
        sandbox.control("sentry", environment={"project": "front-end", "name": name, "is_hidden": is_hidden})
    sandbox.control("sentry", environment={"project": "back-end", "name": "elsewhere"})

    assert drained(environments).names == [["Prod EU", ""], ["production", ""], ["staging", ""]]


def test_of_too_many_environments_the_oldest_are_kept(sandbox, environments, monkeypatch):
    monkeypatch.setattr(listings, "MOST_ENVIRONMENTS", 3)
    for number in range(5):
        sandbox.control("sentry", environment={"project": "front-end", "name": f"branch-{number}"})

    assert [name for name, _ in drained(environments).names] == ["branch-0", "production", "staging"]
    assert environments.is_cut


def test_names_that_the_form_would_not_take_are_not_kept(sandbox, listing, environments):
    for slug in ("x" * 101, "has blank", "line\nbreak", "<b>"):
        sandbox.control("sentry", project={"slug": slug})
    sandbox.control("sentry", project={"slug": "odd", "name": f"Two\nlines \u202e{'n' * 200}"})
    for name in ("x" * 65, "a/b", "tab\there", "none", "\x7f"):
        sandbox.control("sentry", environment={"project": "front-end", "name": name})

    assert [slug for slug, _ in drained(listing).names] == ["back-end", "front-end", "odd"]
    assert listing.names[2][1].isprintable()
    assert len(listing.names[2][1]) <= 100
    environments.refresh_from_db()
    assert environments.names == [["production", ""], ["staging", ""]]


@pytest.mark.parametrize(
    "body",
    ['{"projects": []}', '[[], null, 7, {"slug": 7}, {"name": ""}, {"name": 7}]', "[", "<html>"],
    ids=["object", "odd-items", "cut-off", "page"],
)
def test_an_answer_of_another_form_adds_no_name(sandbox, listing, environments, body):
    sandbox.fail("sentry_api", "status", status=200, body=body)

    assert drained(listing).names == []
    environments.refresh_from_db()
    assert (environments.names, environments.faults) == ([], 0)


def test_a_missing_permission_is_said_once_and_not_tried_again(sandbox, installation, listing, environments):
    with_scopes(sandbox, installation, "event:read")

    assert drained(listing).state == State.DEAD

    assert listing.last_error.startswith("Sentry does not let this app list projects (403)")
    assert "“Organization: Read”" in listing.last_error
    environments.refresh_from_db()
    assert environments.last_error.startswith(
        "Sentry does not let this app list this project’s environments (403)"
    )
    assert drain_listings() == 0


def test_environments_are_read_without_the_permission_for_projects(sandbox, installation, environments):
    with_scopes(sandbox, installation, "project:read")

    assert drained(environments).names == [["production", ""], ["staging", ""]]


def test_what_sentry_no_longer_lets_us_list_is_forgotten(sandbox, installation, listing):
    assert drained(listing).names
    with_scopes(sandbox, installation, "event:read")

    SentryListing.objects.filter(pk=listing.pk).arm()

    assert drained(listing).names == []


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ({"organization": "nope"}, "Sentry finds no organization “nope” for this installation (404)"),
        (
            {"project_slug": "nope"},
            "Sentry finds no project “nope” in “acme-gmbh” for this installation (404)",
        ),
    ],
    ids=["organization", "project"],
)
def test_a_slug_that_sentry_does_not_know_is_said(sandbox, installation, place, words):
    listing = SentryListing.objects.create(
        **{"installation": installation, "organization": "acme-gmbh", **place}
    )

    assert drained(listing).last_error.startswith(words)
    assert listing.state == State.DEAD


def test_a_project_that_was_renamed_is_not_looked_for_elsewhere(sandbox, environments):
    sandbox.control("rename", project="front-end", slug="web")

    assert "(302)" in drained(environments).last_error


def test_a_token_that_sentry_refuses_is_renewed_once(sandbox, installation, listing):
    sandbox.control("expire", what="token")

    assert drained(listing).names
    stored = SentryInstallation.objects.get(pk=installation.pk)
    assert stored.token != installation.token


def test_an_installation_without_a_token_is_waited_for_and_then_read(sandbox, announced):
    listing = SentryListing.objects.create(installation=announced, organization="acme-gmbh")
    assert drained(listing).state == State.PENDING
    assert "Waiting for Sentry" in listing.last_error

    drain_installations()

    assert again(listing).names


def test_an_uninstalled_app_lists_nothing(sandbox, installation, listing):
    SentryInstallation.objects.filter(pk=installation.pk).update(deleted_at=timezone.now(), token="")

    assert drained(listing).state == State.DEAD
    assert "uninstalled in Sentry" in listing.last_error


def test_uninstalling_takes_the_names_along(sandbox, installation, listing):
    assert drained(listing).names

    forget(installation.uuid, at=timezone.now())

    assert not SentryListing.objects.exists()


def test_uninstalling_while_sentry_is_asked_leaves_nothing_behind(
    sandbox, installation, listing, monkeypatch
):
    def page(self, cursor=""):
        forget(installation.uuid, at=timezone.now())
        return {"front-end": "Front End"}, ""

    monkeypatch.setattr("integrations.sentry.SentryClient.page_of_projects", page)

    assert drain_listings() == 1

    assert not SentryListing.objects.exists()


def test_lost_tokens_are_not_mistaken_for_a_missing_permission(sandbox, installation, listing):
    sandbox.control("revoke")
    sandbox.control("settings", jwt_grant=False)

    assert "no longer accepts the tokens" in drained(listing).last_error


def test_a_failing_sentry_is_tried_a_few_times_and_then_left_alone(sandbox, listing):
    sandbox.fail("sentry_api", "status", status=503, operation="projects.get")
    drained(listing)
    assert (listing.state, listing.attempts) == (State.PENDING, 1)

    for _ in range(listings.TRIES - 1):
        again(listing)

    assert listing.state == State.DEAD
    assert "503" in listing.last_error


def test_a_limit_is_waited_for(sandbox, listing):
    sandbox.fail("sentry_api", "status", status=429, retry_after=120, operation="projects.get", times=1)
    before = timezone.now()

    assert drained(listing).due_at > before + timedelta(seconds=100)
    assert again(listing).names


def test_an_endless_list_of_projects_ends(sandbox, installation, listing, monkeypatch):
    calls = []

    def page(self, cursor=""):
        calls.append(cursor)
        return {}, "0:1:0"

    monkeypatch.setattr("integrations.sentry.SentryClient.page_of_projects", page)

    assert drained(listing).is_cut
    assert len(calls) == listings.MOST_PAGES


def test_a_worker_that_lost_its_claim_leaves_the_listing_to_the_other(sandbox, listing, monkeypatch):
    monkeypatch.setattr(SentryListing, "renew", lambda self, seconds: False)

    assert drained(listing).names == []
    assert (listing.state, listing.faults) == (State.PENDING, 0)
