"""The REST API of projects and SDK keys, and who gets in."""

import pytest
from django.test import Client
from knox.models import AuthToken

from tests.factories import (
    EnvironmentFactory,
    MembershipFactory,
    ProjectFactory,
    TrafficTypeFactory,
    UserFactory,
)

PROJECTS = "/api/v1/projects/"

pytestmark = pytest.mark.django_db


def sdk_key_url(environment):
    return f"/api/v1/environments/{environment.fme_id}/sdk-key/"


def test_projects_are_listed_with_what_can_be_mapped_to(api, project, project_admin, other_admin):
    EnvironmentFactory(project=project, fme_id="env-1", name="Staging")
    EnvironmentFactory(project=project, fme_id="env-2", name="Production", sdk_key="")
    EnvironmentFactory(project=project, gone_at="2026-01-01T00:00Z")
    TrafficTypeFactory(project=project, fme_id="tt-1", name="user")

    assert api(project_admin).get(PROJECTS).json() == [
        {
            "id": "ws-1",
            "name": "Checkout",
            "environments": [
                {"id": "env-2", "name": "Production", "has_sdk_key": False},
                {"id": "env-1", "name": "Staging", "has_sdk_key": True},
            ],
            "traffic_types": [{"id": "tt-1", "name": "user"}],
        }
    ]


def test_project_that_left_fme_is_not_listed(api, account_admin):
    ProjectFactory(gone_at="2026-01-01T00:00Z")

    assert api(account_admin).get(PROJECTS).json() == []


def test_projects_take_as_many_queries_for_many(api, account_admin, django_assert_max_num_queries):
    for _ in range(6):
        TrafficTypeFactory(project=EnvironmentFactory().project)

    client = api(account_admin)

    with django_assert_max_num_queries(6):
        assert len(client.get(PROJECTS).json()) == 6


def test_sdk_key_is_stored_and_never_answered(api, project, project_admin):
    environment = EnvironmentFactory(project=project, sdk_key="", hold_reason="No SDK key.")

    response = api(project_admin).put(sdk_key_url(environment), {"sdk_key": "key-of-staging"})

    environment.refresh_from_db()
    assert (response.status_code, response.content) == (204, b"")
    assert (environment.sdk_key, environment.hold_reason) == ("key-of-staging", "")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"sdk_key": ""},
        {"sdk_key": None},
        {"sdk_key": ["x"]},
        {"sdk_key": "a\r\nX: b"},
        {"sdk_key": "k" * 501},
        [],
        "text",
    ],
)
def test_bad_sdk_key_is_refused(api, project, project_admin, body):
    response = api(project_admin).put(sdk_key_url(EnvironmentFactory(project=project)), body)

    assert response.status_code == 400


def test_sdk_key_of_what_is_not_seen_or_not_administered(api, project, viewer, other_admin):
    environment = EnvironmentFactory(project=project)

    for person, status in ((viewer, 403), (other_admin, 404)):
        response = api(person).put(sdk_key_url(environment), {"sdk_key": "key"})
        assert response.status_code == status


def test_environment_id_of_two_projects_needs_the_project_named(api, project, project_admin, account_admin):
    mine, theirs = EnvironmentFactory(project=project, fme_id="env"), EnvironmentFactory(fme_id="env")

    refused = api(account_admin).put(sdk_key_url(mine), {"sdk_key": "key"})
    taken = api(account_admin).put(f"{sdk_key_url(mine)}?project={theirs.project.fme_id}", {"sdk_key": "new"})
    own = api(project_admin).put(sdk_key_url(mine), {"sdk_key": "mine"})

    assert (refused.status_code, list(refused.json()), taken.status_code, own.status_code) == (
        400, ["project"], 204, 204
    )  # fmt: skip
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.sdk_key, theirs.sdk_key) == ("mine", "new")


def test_token_opens_the_api(client, project_admin):
    _, token = AuthToken.objects.create(project_admin)

    assert client.get(PROJECTS, headers={"Authorization": f"Token {token}"}).status_code == 200


@pytest.mark.parametrize("authorization", ["", "Token", "Token wrong", "Token a b", "Token \xff", "Bearer x"])
def test_wrong_token_is_refused(client, db, authorization):
    response = client.get(PROJECTS, headers={"Authorization": authorization})

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Token"


def test_browser_login_needs_the_csrf_token_to_write(project, project_admin):
    client = Client(enforce_csrf_checks=True)
    client.force_login(project_admin, backend="django.contrib.auth.backends.ModelBackend")

    url = sdk_key_url(EnvironmentFactory(project=project))
    refused = client.put(url, {"sdk_key": "key"}, content_type="application/json")
    client.cookies["csrftoken"] = "a" * 32
    taken = client.put(
        url, {"sdk_key": "key"}, content_type="application/json", headers={"X-CSRFToken": "a" * 32}
    )

    assert (refused.status_code, taken.status_code) == (403, 204)


def test_person_without_a_role_sees_nothing(api, project):
    assert api(UserFactory()).get(PROJECTS).json() == []


def test_viewer_of_everything_sees_every_project(api, project, other_admin):
    person = MembershipFactory(project=None, role="viewer").user

    assert len(api(person).get(PROJECTS).json()) == 2
