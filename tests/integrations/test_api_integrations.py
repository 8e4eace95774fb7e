"""The REST API of integrations: whole bodies in, whole bodies out."""

import logging
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError

from integrations import services
from integrations.models import SentryIntegration, ServiceHook
from tests.factories import (
    EnvironmentFactory,
    HookFactory,
    InstallationFactory,
    IntegrationFactory,
    MembershipFactory,
    TrafficTypeFactory,
)

URL = "/api/v1/sentry-integrations/"
INSTALLATION = "9b774d1e-02c5-4d3f-9c0a-6f1f7f5f2a10"

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalogue(project):
    """What the configuration below maps to, and an installation released to the project."""
    EnvironmentFactory(project=project, fme_id="env-1", name="Staging")
    EnvironmentFactory(project=project, fme_id="env-2", name="Production")
    TrafficTypeFactory(project=project, fme_id="tt-1", name="user")
    InstallationFactory(uuid=UUID(INSTALLATION)).projects.add(project)


@pytest.fixture
def configuration(catalogue):
    return {
        "project": "ws-1",
        "installation_id": INSTALLATION,
        "organization": "acme-gmbh",
        "project_slug": "front-end",
        "capture_culprit": True,
        "environment_mappings": [{"sentry_environment": "staging", "environment": "env-1"}],
        "identity_mappings": [{"path": "data.error.user.id", "traffic_type": "tt-1"}],
    }


@pytest.fixture
def saved(api, project_admin, configuration):
    """A configuration saved over the API, as it was answered."""
    return api(project_admin).post(URL, configuration).json()


def test_created_integration_is_answered_whole(api, project_admin, configuration):
    response = api(project_admin).post(URL, configuration)

    hook = ServiceHook.objects.get()
    assert response.status_code == 201
    assert response.json() == configuration | {
        "id": SentryIntegration.objects.get().pk,
        "is_active": True,
        "hook": {
            "state": "pending",
            "url": f"http://127.0.0.1:8000/webhooks/sentry/hooks/{hook.address}/",
            "error": "",
        },
    }


def test_what_was_created_is_read_back_the_same(api, project_admin, viewer, saved):
    assert api(project_admin).get(f"{URL}{saved['id']}/").json() == saved
    assert api(viewer).get(URL).json() == [saved]


def test_capture_culprit_may_be_left_out(api, project_admin, configuration):
    del configuration["capture_culprit"]

    assert api(project_admin).post(URL, configuration).json()["capture_culprit"] is False


def test_misprint_of_the_documentation_is_stored_corrected(api, project_admin, configuration):
    configuration["identity_mappings"][0]["path"] = "data.erroruser.id"

    answer = api(project_admin).post(URL, configuration).json()

    assert answer["identity_mappings"] == [{"path": "data.error.user.id", "traffic_type": "tt-1"}]


def test_slugs_may_be_pasted_as_an_address(api, project_admin, configuration):
    configuration |= dict.fromkeys(
        ("organization", "project_slug"), "https://acme.sentry.io/projects/front-end/"
    )

    answer = api(project_admin).post(URL, configuration).json()

    assert (answer["organization"], answer["project_slug"]) == ("acme", "front-end")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("project", "ws-unknown", "Unknown project."),
        ("installation_id", "9b774d1e-02c5", "36 characters are expected, 13 were given"),
        ("installation_id", "", "Paste the Sentry Installation ID."),
        ("organization", "", "Enter the Sentry Organization."),
        ("project_slug", "Front End", "Did you mean “front-end”?"),
        ("environment_mappings", [], "Map at least one."),
        ("environment_mappings", None, "may not be null"),
        ("environment_mappings", {}, "Expected a list"),
        ("identity_mappings", [], "Map at least one."),
        ("capture_culprit", "perhaps", "Must be a valid boolean."),
    ],
)
def test_bad_value_is_refused_at_its_field(api, project_admin, configuration, field, value, message):
    response = api(project_admin).post(URL, configuration | {field: value})

    assert response.status_code == 400
    assert list(response.json()) == [field]
    assert message in response.json()[field][0]
    assert not SentryIntegration.objects.exists()


@pytest.mark.parametrize("field", ["project", "installation_id", "organization", "project_slug"])
def test_missing_field_is_named(api, project_admin, configuration, field):
    del configuration[field]

    response = api(project_admin).post(URL, configuration)

    assert (response.status_code, response.json()) == (400, {field: ["This field is required."]})


@pytest.mark.parametrize(
    ("field", "row", "error"),
    [
        ("environment_mappings", {"sentry_environment": "a/b", "environment": "env-1"}, "sentry_environment"),
        (
            "environment_mappings",
            {"sentry_environment": "none", "environment": "env-1"},
            "sentry_environment",
        ),
        ("environment_mappings", {"sentry_environment": "", "environment": "env-1"}, "sentry_environment"),
        ("environment_mappings", {"sentry_environment": "prod", "environment": "env-9"}, "environment"),
        ("identity_mappings", {"path": "data.error.user", "traffic_type": "tt-1"}, "path"),
        ("identity_mappings", {"path": "data.error.tags.a", "traffic_type": "tt-9"}, "traffic_type"),
    ],
)
def test_bad_row_is_refused_at_its_place(api, project_admin, configuration, field, row, error):
    configuration[field].append(row)

    response = api(project_admin).post(URL, configuration)

    errors = response.json()[field]
    assert (response.status_code, list(errors), list(errors["1"])) == (400, ["1"], [error])


def test_repeated_row_is_refused(api, project_admin, configuration):
    configuration["environment_mappings"] *= 2

    response = api(project_admin).post(URL, configuration)

    assert response.status_code == 400
    assert response.json() == {"environment_mappings": ["Row 2 repeats row 1."]}


def test_foreign_and_unknown_ids_are_refused_alike(api, project_admin, other_admin, configuration):
    theirs = other_admin.memberships.get().project
    environment, traffic_type = EnvironmentFactory(project=theirs), TrafficTypeFactory(project=theirs)
    installation = InstallationFactory()
    installation.projects.add(theirs)

    def errors(project, installation_id, environment_id, traffic_type_id):
        environments = [{"sentry_environment": "staging", "environment": environment_id}]
        identities = [{"path": "data.error.user.id", "traffic_type": traffic_type_id}]
        lists = {"environment_mappings": environments, "identity_mappings": identities}
        bodies = (
            configuration | {"project": project},
            configuration | {"installation_id": installation_id} | lists,
        )
        answers = [api(project_admin).post(URL, body) for body in bodies]
        return [(answer.status_code, answer.json()) for answer in answers]

    foreign = errors(theirs.fme_id, str(installation.uuid), environment.fme_id, traffic_type.fme_id)
    unknown = errors("ws-unknown", str(uuid4()), "env-unknown", "tt-unknown")

    assert foreign == unknown
    assert [status for status, _ in foreign] == [400, 400]
    assert set(foreign[1][1]) == {"installation_id", "environment_mappings", "identity_mappings"}


def test_account_admin_may_name_an_installation_that_did_not_arrive_yet(api, account_admin, configuration):
    configuration["installation_id"] = str(uuid4())

    assert api(account_admin).post(URL, configuration).status_code == 201


def test_same_sentry_project_twice_is_refused(api, project_admin, configuration, saved):
    response = api(project_admin).post(URL, configuration)

    assert response.status_code == 400
    assert "already integrated" in response.json()["non_field_errors"][0]


def test_patch_changes_only_what_it_names(api, project_admin, saved):
    answer = api(project_admin).patch(f"{URL}{saved['id']}/", {"is_active": False})

    assert (answer.status_code, answer.json()) == (200, saved | {"is_active": False})


def test_patch_replaces_a_list_whole(api, project_admin, saved):
    rows = [{"sentry_environment": "production", "environment": "env-2"}]

    answer = api(project_admin).patch(f"{URL}{saved['id']}/", {"environment_mappings": rows}).json()

    assert answer == saved | {"environment_mappings": rows}


@pytest.mark.parametrize(
    ("group", "row", "missing"),
    [
        ("environment_mappings", {"sentry_environment": "production"}, ["environment"]),
        ("identity_mappings", {}, ["path", "traffic_type"]),
    ],
)
def test_row_of_a_patch_is_whole_or_refused(api, project_admin, saved, group, row, missing):
    answer = api(project_admin).patch(f"{URL}{saved['id']}/", {group: [row]})

    required = {name: ["This field is required."] for name in missing}
    assert (answer.status_code, answer.json()) == (400, {group: {"0": required}})


def test_put_replaces_everything_and_moves_the_hook(api, project_admin, configuration, saved):
    changed = configuration | {"project_slug": "back-end", "capture_culprit": False}

    answer = api(project_admin).put(f"{URL}{saved['id']}/", changed).json()

    assert answer == saved | {
        "project_slug": "back-end", "capture_culprit": False, "hook": answer["hook"]
    }  # fmt: skip
    assert answer["hook"]["url"] != saved["hook"]["url"]
    assert set(ServiceHook.objects.values_list("project_slug", "wanted")) == {
        ("front-end", "absent"), ("back-end", "present")
    }  # fmt: skip


def test_put_without_a_list_is_refused(api, project_admin, configuration, saved):
    del configuration["identity_mappings"]

    answer = api(project_admin).put(f"{URL}{saved['id']}/", configuration)

    assert (answer.status_code, answer.json()) == (400, {"identity_mappings": ["This field is required."]})


def test_integration_stays_in_its_project(api, account_admin, saved, other_admin):
    theirs = other_admin.memberships.get().project.fme_id

    answer = api(account_admin).patch(f"{URL}{saved['id']}/", {"project": theirs})

    assert (answer.status_code, list(answer.json())) == (400, ["project"])


def test_environment_that_left_fme_stays_where_it_is_mapped_and_nowhere_else(api, project_admin, saved):
    mapped = saved["environment_mappings"]
    SentryIntegration.objects.get().project.environments.update(gone_at="2026-01-01T00:00Z")
    client, url = api(project_admin), f"{URL}{saved['id']}/"

    assert client.patch(url, {"environment_mappings": mapped}).status_code == 200
    gone = [{"sentry_environment": "production", "environment": "env-2"}]
    assert client.patch(url, {"environment_mappings": gone}).status_code == 400


def test_viewer_reads_and_changes_nothing(api, viewer, configuration, saved):
    client, url = api(viewer), f"{URL}{saved['id']}/"

    assert client.get(url).status_code == 200
    for write in (client.put, client.patch, client.delete):
        assert write(url, configuration).status_code == 403
    assert client.post(URL, configuration | {"project_slug": "other"}).status_code == 403


def test_admin_of_one_project_who_reads_another_changes_only_their_own(
    api, project, other_admin, configuration, saved
):
    MembershipFactory(user=other_admin, project=project, role="viewer")

    assert api(other_admin).get(f"{URL}{saved['id']}/").status_code == 200
    assert api(other_admin).post(URL, configuration | {"project_slug": "other"}).status_code == 403


def test_foreign_integration_does_not_exist(api, other_admin, saved, configuration):
    client = api(other_admin)

    for address in (f"{URL}{saved['id']}/", f"{URL}{saved['id'] + 1}/", f"{URL}{10**30}/"):
        assert client.get(address).status_code == 404
        assert client.patch(address, {"is_active": False}).status_code == 404
        assert client.put(address, configuration).status_code == 404
        assert client.delete(address).status_code == 404
    assert client.get(URL).json() == []


def test_list_takes_as_many_queries_for_many(api, project, project_admin, django_assert_max_num_queries):
    for _ in range(6):
        HookFactory(integration=IntegrationFactory(project=project))

    client = api(project_admin)

    with django_assert_max_num_queries(10):
        assert len(client.get(URL).json()) == 6


def test_one_that_was_deleted_meanwhile_does_not_come_back(api, project_admin, saved, monkeypatch):
    def late(*args, **kwargs):
        services.remove_integration(SentryIntegration.objects.get())
        return services.save_integration(*args, **kwargs)

    monkeypatch.setattr("integrations.serializers.save_integration", late)

    assert api(project_admin).patch(f"{URL}{saved['id']}/", {"capture_culprit": False}).status_code == 404
    assert SentryIntegration.objects.get().deleted_at
    assert not ServiceHook.objects.filter(wanted="present").exists()


def test_nothing_on_the_way_keeps_an_answer(api, project_admin, saved):
    for address in (URL, f"{URL}{saved['id']}/", f"{URL}{saved['id']}/messages/", "/api/v1/projects/"):
        assert "no-store" in api(project_admin).get(address)["Cache-Control"]


@pytest.mark.parametrize(("error", "status"), [(RuntimeError("boom"), 500), (OperationalError("gone"), 503)])
def test_what_breaks_is_told_as_json(api, project_admin, monkeypatch, caplog, error, status):
    def break_down(view):
        raise error

    client = api(project_admin)
    client.raise_request_exception = False
    monkeypatch.setattr("integrations.api.ProjectListView.get_queryset", break_down)
    with caplog.at_level(logging.CRITICAL, "django.request"):
        response = client.get("/api/v1/projects/")

    assert response.status_code == status
    assert list(response.json()) == ["detail"]
    assert "boom" not in response.json()["detail"]


def test_an_address_with_a_nul_names_nothing(api, account_admin, saved):
    for address in ("environments/%00/sdk-key/", "environments/env-1/sdk-key/?project=%00"):
        assert api(account_admin).put(f"/api/v1/{address}", {"sdk_key": "key"}).status_code == 404
