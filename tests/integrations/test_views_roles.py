"""Five people at every door: account admin, this project's admin, another's, a viewer, and nobody."""

import pytest
from django.urls import reverse
from django.utils import timezone

from integrations.models import Account
from tests.factories import HookFactory

WRITES = ("integration_switch", "integration_check", "integration_delete", "integration_edit")


@pytest.fixture
def integration(project):
    Account.objects.create(pk=1, sentry_enabled_at=timezone.now())
    return HookFactory(integration__project=project).integration


@pytest.fixture
def people(account_admin, project_admin, other_admin, viewer):
    return {
        "account_admin": account_admin,
        "project_admin": project_admin,
        "other_admin": other_admin,
        "viewer": viewer,
    }


def addresses(integration):
    """Each page with its arguments."""
    environment = integration.environment_mappings.get().environment
    return {
        "integrations": [],
        "marketplace": [],
        "environments": [],
        "profile": [],
        "integration_choose": [],
        "installations": [],
        "integration": [integration.pk],
        "integration_edit": [integration.pk],
        "integration_delete": [integration.pk],
        "integration_add": [integration.project_id],
        "integration_switch": [integration.pk],
        "integration_check": [integration.pk],
        "sdk_key": [environment.pk],
        "sdk_key_order": [environment.pk],
        "installation_release": [integration.installation_id],
        "catalogue_refresh": [],
        "sentry_enable": [],
    }


READS = {
    "account_admin": {},
    "project_admin": {"installations": 403},
    "other_admin": {
        "installations": 403,
        "integration": 404,
        "integration_edit": 404,
        "integration_delete": 404,
        "integration_add": 404,
    },
    "viewer": {
        "installations": 403,
        "integration_choose": 403,
        "integration_edit": 403,
        "integration_delete": 403,
        "integration_add": 403,
    },
}
POSTS = {
    "account_admin": {},
    "project_admin": {"installation_release": 403, "sentry_enable": 403},
    "other_admin": {
        "integration_edit": 404,
        "integration_delete": 404,
        "integration_add": 404,
        "integration_switch": 404,
        "integration_check": 404,
        "sdk_key": 404,
        "sdk_key_order": 404,
        "installation_release": 403,
        "sentry_enable": 403,
    },
    "viewer": {
        "integration_edit": 403,
        "integration_delete": 403,
        "integration_add": 403,
        "integration_switch": 403,
        "integration_check": 403,
        "sdk_key": 403,
        "sdk_key_order": 403,
        "installation_release": 403,
        "catalogue_refresh": 403,
        "sentry_enable": 403,
    },
}
ONLY_READ = (
    "integrations",
    "marketplace",
    "environments",
    "profile",
    "integration_choose",
    "installations",
    "integration",
)
ONLY_POST = (
    "integration_switch",
    "integration_check",
    "sdk_key",
    "sdk_key_order",
    "installation_release",
    "catalogue_refresh",
    "sentry_enable",
)


@pytest.mark.parametrize("who", READS)
def test_each_person_reads_what_their_role_allows(client, people, integration, who):
    client.force_login(people[who])
    doors = {name: at for name, at in addresses(integration).items() if name not in ONLY_POST}

    answers = {name: client.get(reverse(name, args=at)).status_code for name, at in doors.items()}

    assert answers == dict.fromkeys(doors, 200) | READS[who]


@pytest.mark.parametrize("who", POSTS)
def test_each_person_writes_what_their_role_allows(client, people, integration, who):
    client.force_login(people[who])
    doors = {name: at for name, at in addresses(integration).items() if name not in ONLY_READ}

    answers = {name: client.post(reverse(name, args=at)).status_code for name, at in doors.items()}

    refused = {name: status for name, status in answers.items() if status >= 400}
    assert refused == POSTS[who]


def test_nobody_is_sent_to_the_login(client, integration):
    for name, at in addresses(integration).items():
        answer = client.get(reverse(name, args=at))
        assert answer.status_code in (302, 405), name
        if answer.status_code == 302:
            assert answer.url.startswith("/login/?next=/"), name


def test_nobody_changes_anything(client, integration):
    for name, at in addresses(integration).items():
        answer = client.post(reverse(name, args=at))
        assert answer.status_code in (302, 405), name
        if answer.status_code == 302:
            assert answer.url.startswith("/login/"), name


def test_a_viewer_sees_no_button_that_writes(client, viewer, integration):
    client.force_login(viewer)

    pages = [
        reverse("integrations"),
        reverse("marketplace"),
        integration.get_absolute_url(),
        reverse("environments"),
    ]
    text = " ".join(client.get(page).content.decode() for page in pages)

    for words in ("Pause", "Edit", "Delete", "Check now", "Save key", "Replace", "Read projects", ">Add<"):
        assert words not in text


def test_an_integration_that_was_deleted_is_gone(client, project_admin, integration):
    client.force_login(project_admin)
    address = integration.get_absolute_url()
    client.post(reverse("integration_delete", args=[integration.pk]), {"confirm": integration.project_slug})

    assert client.get(address).status_code == 404


def test_the_refusal_says_whom_to_ask(client, viewer, integration):
    client.force_login(viewer)

    page = client.post(reverse("integration_check", args=[integration.pk])).content.decode()

    assert "You are a viewer in Checkout. Ask an account admin for the role project admin." in page
