"""Test exceptions, and configurations as files: what is asked happens, and nothing else does."""

import json
from datetime import UTC, datetime

import pytest
from auditlog.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from integrations.mapping import EnvironmentRule, IdentityRule, Rules, translate
from integrations.models import Account, SentryIntegration
from integrations.payloads import parse
from integrations.payloads.envelopes import Source
from tests.factories import (
    EnvironmentFactory,
    HookFactory,
    MembershipFactory,
    ProjectFactory,
    TrafficTypeFactory,
)
from webhooks.config_files import NotAConfiguration, document_of, read
from webhooks.inbox import drain_inbox
from webhooks.models import HourlyCount, InboxMessage, OutboxEvent
from webhooks.pages.previewing import environment_counts
from webhooks.rollups import EVER
from webhooks.testing import sample

MINIMAL = {
    "version": 1, "organization": "a", "project_slug": "b", "environment_mappings": [], "identity_mappings": [],
}  # fmt: skip


@pytest.fixture
def hook(project):
    return HookFactory(integration__project=project, integration__project_slug="front-end")


@pytest.fixture
def admin(client, project_admin):
    Account.objects.create(pk=1, sentry_enabled_at="2026-01-01T00:00Z")
    client.force_login(project_admin)
    return client


def send(client, hook, **data):
    return client.post(reverse("test_exception", args=[hook.integration_id]), data)


def test_a_test_exception_is_signed_stored_and_mapped_but_not_delivered(admin, hook):
    response = send(admin, hook, environment="staging")
    drain_inbox()

    message = InboxMessage.objects.get()
    assert response.url == reverse("message", args=[message.pk])
    assert (message.state, message.outcome, message.reason) == ("done", "dropped", "test_only")
    assert "1 track event would have been sent" in message.skips[0]["detail"]
    assert OutboxEvent.objects.count() == 0
    assert not HourlyCount.objects.filter(name__in=("event", "skipped")).exists()


@pytest.mark.parametrize("environment", ["staging", "not-mapped-test"])
def test_a_test_exception_is_no_problem_and_no_sign_of_life(admin, hook, environment):
    send(admin, hook, environment=environment)
    drain_inbox()

    response = admin.get(hook.integration.get_absolute_url())

    assert response.context["seen"].unmapped is None
    assert response.context["seen"].numbers.last_received_at is not None
    assert not HourlyCount.objects.filter(hour=EVER, label="").exists()
    assert "not-mapped-test" not in environment_counts([hook.integration_id])


def test_the_page_of_a_test_says_that_only_the_delivery_is_missing(admin, hook):
    address = send(admin, hook, environment="staging").url
    drain_inbox()

    way = admin.get(address).context["way"]

    assert [step.kind for step in way] == ["ok"] * 5 + [""]
    assert way[-1].sub == "test only, not delivered"


def test_a_test_exception_is_delivered_when_asked(admin, hook):
    send(admin, hook, environment="staging", deliver="1")
    drain_inbox()

    assert [event.key for event in OutboxEvent.objects.all()] == ["fme-test-user"]


def test_a_test_exception_shows_what_is_not_mapped(admin, hook):
    send(admin, hook, environment="not-mapped-test")
    drain_inbox()

    assert InboxMessage.objects.get().reason == "environment_unmapped"


def test_sending_is_for_admins_and_on_record(client, viewer, admin, hook, project_admin):
    send(admin, hook, environment="staging")
    assert LogEntry.objects.filter(changes__has_key="test", actor=project_admin).count() == 1

    client.force_login(viewer)
    assert send(client, hook).status_code == 403
    assert InboxMessage.objects.count() == 1


def test_without_a_secret_the_page_says_what_to_wait_for(admin, project):
    hook = HookFactory(integration__project=project, secret="")

    text = admin.get(reverse("test_exception", args=[hook.integration_id])).content.decode()

    assert "The hook is not ready yet" in text


@given(path=st.from_regex(r"data\.error\.(user|tags|contexts\.app|extra)\.[a-z]{1,8}", fullmatch=True))
def test_every_usual_path_finds_its_value_in_the_sample(path):
    body = sample(
        event_id="a" * 32, at=datetime(2026, 1, 1, tzinfo=UTC), environment="e", identities={path: "the-key"},
        project="p", is_delivered=True,
    )  # fmt: skip
    rules = Rules((EnvironmentRule("e", 1, "E"),), (IdentityRule(path, "user"),), False, "o", "p")

    assert [event.key for event in translate(parse(body, Source.SERVICE_HOOK), rules).events] == ["the-key"]


def test_an_export_holds_no_secret_and_fits_the_schema(admin, hook):
    response = admin.get(reverse("integration_export", args=[hook.integration_id]))

    assert "attachment" in response["Content-Disposition"]
    document = read(response.content.decode())
    assert document["environment_mappings"] == [{"sentry_environment": "staging", "environment": "Staging"}]
    assert hook.secret not in response.content.decode()
    assert hook.integration.installation.token not in response.content.decode()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("[]", "At the file"),
        ('{"version": 2}', "required"),
        ("[" * 100_000, "not JSON"),
        ('{"version": 1, "organization": 5, "project_slug": "a", "environment_mappings": [], '
         '"identity_mappings": []}', "organization"),
    ],
)  # fmt: skip
def test_what_is_no_configuration_is_refused_in_words(text, words):
    with pytest.raises(NotAConfiguration, match=words):
        read(text)


def test_an_import_opens_the_form_and_stores_nothing_before_save(admin, hook, project):
    text = json.dumps(document_of(hook.integration) | {"project_slug": "imported"})
    upload = SimpleUploadedFile("front-end.json", text.encode())

    page = admin.post(reverse("integration_import"), {"project": project.pk, "file": upload}, follow=True)

    assert 'value="imported"' in page.content.decode()
    assert 'value="staging"' in page.content.decode()
    assert SentryIntegration.objects.count() == 1


def test_the_imported_form_saves_like_any_other(admin, hook, project):
    hook.integration.installation.projects.add(project)
    document = document_of(hook.integration) | {"project_slug": "imported"}
    opened = admin.post(
        reverse("integration_import"), {"project": project.pk, "text": json.dumps(document)}, follow=True
    )
    address = opened.redirect_chain[-1][0]
    forms = opened.context["forms"]
    data = {
        "installation_id": document["installation_id"], "organization": "acme-gmbh", "project_slug": "imported",
        **{f"{group.prefix}-TOTAL_FORMS": 1 for group in forms.groups},
        **{f"{group.prefix}-INITIAL_FORMS": 0 for group in forms.groups},
        **{
            bound.html_name: bound.value()
            for group in forms.groups
            for row in group.forms
            for bound in (row.left, row.right)
        },
    }  # fmt: skip

    admin.post(address, data)

    saved = SentryIntegration.objects.get(project_slug="imported")
    assert document_of(saved) == document


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_is_read_as_editors_save_it(admin, project, encoding):
    row = {"sentry_environment": "Büro", "environment": "Staging"}
    text = json.dumps(MINIMAL | {"environment_mappings": [row]}, ensure_ascii=False)
    upload = SimpleUploadedFile("a.json", text.encode(encoding))

    page = admin.post(reverse("integration_import"), {"project": project.pk, "file": upload}, follow=True)

    assert 'value="Büro"' in page.content.decode()


def test_a_file_in_another_encoding_is_refused_and_not_garbled():
    text = json.dumps(MINIMAL | {"project": "Büro"}, ensure_ascii=False)

    with pytest.raises(NotAConfiguration, match="Save it as UTF-8"):
        read(text.encode("latin-1"))


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b", "\0", "\ud800"])
def test_a_file_with_what_no_page_shows_opens_the_form_all_the_same(admin, project, text):
    names = dict.fromkeys(("project", "installation_id", "organization", "project_slug"), text)
    rows = {
        "environment_mappings": [{"sentry_environment": f"e{text}", "environment": text}],
        "identity_mappings": [{"path": f"p{text}", "traffic_type": text}],
    }
    data = {"project": project.pk, "text": json.dumps(MINIMAL | names | rows)}

    page = admin.post(reverse("integration_import"), data, follow=True)

    assert page.status_code == 200
    assert not set("\0\ud800") & set(page.content.decode())


def test_a_duplicate_finds_environments_by_name_and_names_what_is_missing(admin, hook, project_admin):

    other = ProjectFactory(name="Second")
    MembershipFactory(user=project_admin, project=other)
    staging = EnvironmentFactory(project=other, name="Staging")
    TrafficTypeFactory(project=other, name="account")

    page = admin.get(reverse("integration_duplicate", args=[hook.integration_id]), {"project": other.pk})

    text = page.content.decode()
    assert f'<option value="{staging.pk}" selected>' in text
    assert "Second has no user" in text


@pytest.mark.parametrize(
    "name", ["integration_export", "integration_duplicate", "test_exception", "replay_since"]
)
def test_other_projects_do_not_exist(client, other_admin, hook, name):
    client.force_login(other_admin)

    assert client.get(reverse(name, args=[hook.integration_id])).status_code == 404


def test_a_project_that_is_not_ones_own_takes_no_import(admin, hook):
    foreign = ProjectFactory()
    text = json.dumps(document_of(hook.integration))

    assert admin.post(reverse("integration_import"), {"project": foreign.pk, "text": text}).status_code == 404


def test_a_viewer_exports_but_imports_nothing(client, viewer, hook):
    client.force_login(viewer)

    assert client.get(reverse("integration_export", args=[hook.integration_id])).status_code == 200
    assert client.get(reverse("integration_import")).status_code == 403
    assert client.get(reverse("integration_duplicate", args=[hook.integration_id])).status_code == 403


def test_the_schema_is_published(client):
    assert client.get("/integration-file.schema.json").json()["properties"]["version"] == {"const": 1}
