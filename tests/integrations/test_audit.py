"""Who changed what is on record, by page, API and admin alike, and never with a secret."""

import json

import pytest
from auditlog.models import LogEntry
from knox.models import AuthToken

from integrations.models import Environment, SentryInstallation
from integrations.services import set_active
from tests.factories import (
    EnvironmentFactory,
    EventFactory,
    HookFactory,
    InstallationFactory,
    TrafficTypeFactory,
)

pytestmark = pytest.mark.django_db

URL = "/api/v1/sentry-integrations/"


def record(model):
    return LogEntry.objects.filter(content_type__model=model).order_by("pk")


def test_change_over_the_api_names_the_token_s_owner(client, project, project_admin):
    integration = HookFactory(integration__project=project).integration
    _, token = AuthToken.objects.create(project_admin)

    client.patch(
        f"{URL}{integration.pk}/",
        {"is_active": False},
        content_type="application/json",
        headers={"Authorization": f"Token {token}"},
    )

    entry = record("sentryintegration").last()
    assert (entry.actor, entry.changes) == (project_admin, {"is_active": ["True", "False"]})


def test_changed_mappings_are_recorded_as_people_read_them(api, project, project_admin):
    integration = HookFactory(integration__project=project).integration
    EnvironmentFactory(project=project, fme_id="env-2", name="Production")
    rows = [{"sentry_environment": "prod", "environment": "env-2"}]

    api(project_admin).patch(f"{URL}{integration.pk}/", {"environment_mappings": rows})

    entry = record("sentryintegration").last()
    assert entry.actor == project_admin
    assert entry.changes == {"environment_mappings": ["staging → Staging", "prod → Production"]}


def test_saving_the_same_again_records_nothing(api, project, project_admin):
    integration = HookFactory(integration__project=project).integration
    before = record("sentryintegration").count()
    body = api(project_admin).get(f"{URL}{integration.pk}/").json()

    assert api(project_admin).put(f"{URL}{integration.pk}/", body).status_code == 200
    assert record("sentryintegration").count() == before


def test_new_key_is_recorded_without_the_key(api, project, project_admin):
    environment = EnvironmentFactory(project=project, sdk_key="")

    api(project_admin).put(f"/api/v1/environments/{environment.fme_id}/sdk-key/", {"sdk_key": "very-secret"})

    entry = record("environment").last()
    assert (entry.actor, list(entry.changes)) == (project_admin, ["sdk_key_set_at"])
    assert "very-secret" not in json.dumps(
        list(LogEntry.objects.values("changes", "object_repr")), default=str
    )


def test_no_secret_of_a_new_row_is_recorded(project):
    InstallationFactory(token="very-secret", refresh_token="very-secret", code="very-secret")
    EnvironmentFactory(project=project, sdk_key="very-secret")
    HookFactory(secret="very-secret")

    assert "very-secret" not in json.dumps(
        list(LogEntry.objects.values("changes", "object_repr")), default=str
    )


def test_release_to_a_project_is_recorded(project):
    InstallationFactory().projects.add(project)

    assert record("sentryinstallation").last().changes["projects"]["objects"] == ["Checkout"]


def test_pausing_is_recorded(account_admin):
    set_active(HookFactory().integration, is_active=False)

    assert record("sentryintegration").last().changes == {"is_active": ["True", "False"]}


def test_what_flows_and_what_the_drains_do_is_not_recorded(project):
    event = EventFactory()
    TrafficTypeFactory(project=project)
    before = LogEntry.objects.count()

    event.message.save()
    event.save()
    Environment.objects.update(hold_reason="No SDK key.")
    SentryInstallation.objects.arm()

    assert LogEntry.objects.count() == before


def test_address_on_record_is_the_client_s_and_not_what_it_claims(api, project, project_admin):
    integration = HookFactory(integration__project=project).integration
    headers = {"X-Forwarded-For": "no address at all", "X-Forwarded-Port": "99999999999"}

    answer = api(project_admin).patch(f"{URL}{integration.pk}/", {"is_active": False}, headers=headers)

    assert answer.status_code == 200
    assert record("sentryintegration").last().remote_addr == "127.0.0.1"
