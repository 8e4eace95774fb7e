"""The checklist, the audit log, and the preview beside the form."""

import csv
import io
from datetime import UTC, datetime

import pytest
from auditlog.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from integrations import orders
from integrations.models import Account, CatalogueRefresh, Project, SentryInstallation, SentryListing
from tests.factories import (
    EnvironmentFactory,
    EventFactory,
    HookFactory,
    IntegrationFactory,
    MembershipFactory,
    MessageFactory,
    TrafficTypeFactory,
)
from tests.webhooks.conftest import body_of
from webhooks.inbox import drain_inbox
from webhooks.models import InboxMessage
from webhooks.outbox import drain_outbox


@pytest.fixture
def boss(client, account_admin):
    client.force_login(account_admin)
    return client


@pytest.fixture
def admin(client, project_admin):
    client.force_login(project_admin)
    return client


# --- the checklist ------------------------------------------------------------------------------------


def steps(client):
    return client.get(reverse("checklist")).context["steps"]


def test_an_empty_database_has_every_step_to_do_but_the_settings(boss):
    assert [step.is_done for step in steps(boss)] == [False, False, True, False, False, False, False, False]


def test_steps_tick_themselves_off(boss, hook, deliver, fme):
    CatalogueRefresh.objects.create(pk=1, refreshed_at=timezone.now(), due_at=timezone.now())
    assert [step.is_done for step in steps(boss)] == [True] * 6 + [False, False]

    deliver(hook)
    drain_inbox()
    assert [step.is_done for step in steps(boss)] == [True] * 7 + [False]

    drain_outbox()
    assert [step.is_done for step in steps(boss)] == [True] * 8


def test_a_mapped_environment_without_a_key_is_named(boss, hook):
    environment = hook.integration.environment_mappings.first().environment
    environment.sdk_key = ""
    environment.save()

    step = steps(boss)[1]

    assert not step.is_done
    assert environment.name in step.words


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (
            {"state": "dead", "last_error": "Sentry refused (403): give it Project: Admin."},
            "give it Project: Admin",
        ),
        (
            {"state": "dead", "last_error": "Sentry refused (404).", "confirmed_at": timezone.now()},
            "refused (404)",
        ),
    ],
)
def test_a_hook_that_failed_says_why_and_where_to_correct_it(boss, facts, words):
    hook = HookFactory(**{"confirmed_at": None} | facts)
    HookFactory(confirmed_at=None)  # still being created

    response = boss.get(reverse("checklist"))

    step = response.context["steps"][5]
    form = reverse("integration_edit", args=[hook.integration_id])
    assert (step.is_done, step.action, step.address) == (False, "Correct", form)
    assert words in step.words
    assert f'href="{form}">Correct</a>' in response.content.decode()


def test_a_hook_of_an_installation_that_is_gone_leads_to_the_new_id(boss):
    HookFactory(confirmed_at=None, integration__installation__deleted_at=timezone.now())

    assert steps(boss)[5].action == "Paste new ID"


@pytest.mark.parametrize(
    ("error", "words"),
    [("", "this takes a few seconds"), ("Sentry answered 500. It is tried again by itself.", "tried again")],
)
def test_a_hook_that_is_being_created_says_so(boss, error, words):
    hook = HookFactory(confirmed_at=None, last_error=error)

    step = steps(boss)[5]

    assert (step.is_done, step.address) == (False, hook.integration.get_absolute_url())
    assert words in step.words


def test_the_reason_is_told_to_those_who_may_only_look(client, project, viewer):
    HookFactory(integration__project=project, state="dead", last_error="Sentry refused (403).")
    client.force_login(viewer)

    assert "Sentry refused (403)." in steps(client)[5].words


def test_the_checklist_of_a_viewer_has_no_buttons(client, viewer):
    client.force_login(viewer)

    text = client.get(reverse("checklist")).content.decode()

    assert "Configure Sentry" not in text


def test_nothing_of_other_projects_counts_as_done(client, other_admin, hook, deliver):
    deliver(hook)
    drain_inbox()
    client.force_login(other_admin)

    done = [step.is_done for step in steps(client)]

    assert done[4:] == [False, False, False, False]


# --- the audit log ------------------------------------------------------------------------------------


def log(instance, action=LogEntry.Action.UPDATE, **changes):
    return LogEntry.objects.log_create(instance, action=action, changes=changes)


def entries(client, **query):
    return client.get(reverse("audit"), query).context["entries"]


def test_changes_are_listed_with_before_and_after(admin, project):
    integration = IntegrationFactory(project=project)
    LogEntry.objects.all().delete()
    log(integration, environment_mappings=["staging → Staging", "Staging → Staging"])

    text = admin.get(reverse("audit")).content.decode()

    assert "staging → Staging" in text
    assert "environment mappings" in text


def test_secrets_are_never_shown(admin, project):
    integration = IntegrationFactory(project=project)
    log(integration, sdk_key=["old-secret", "new-secret"], title=["", "mail jane@example.com"])

    text = admin.get(reverse("audit")).content.decode()

    assert "new-secret" not in text
    assert "old-secret" not in text
    assert "jane@example.com" not in text


def test_an_admin_sees_entries_of_own_projects_only(client, other_admin, project):
    log(IntegrationFactory(project=project), replay=["", "9 messages"])
    log(MessageFactory(integration=IntegrationFactory(project=project)), payload=["masked", "revealed"])
    client.force_login(other_admin)

    assert not [each for each in entries(client) if each.changes]


def test_entries_are_filtered_by_what_was_done(admin, project):
    integration = IntegrationFactory(project=project)
    message = MessageFactory(integration=integration)
    LogEntry.objects.all().delete()
    log(integration, replay=["", "9 messages"])
    LogEntry.objects.log_create(
        message, action=LogEntry.Action.ACCESS, force_log=True, changes={"payload": ["a", "b"]}
    )

    assert [each.did.word for each in entries(admin)] == ["Showed masked values", "Replayed"]
    assert [each.did.word for each in entries(admin, did="showed")] == ["Showed masked values"]
    assert [each.did.word for each in entries(admin, about="integration")] == ["Replayed"]


def test_pages_of_entries_stay_put(admin, project):
    integration = IntegrationFactory(project=project)
    for number in range(60):
        log(integration, note=["", f"entry {number}"])
    older = admin.get(reverse("audit")).context["older"]
    log(integration, note=["", "late"])

    shown = [each.changes[0][2] for each in entries(admin, before=older) if each.changes]

    assert shown[:10] == [f"entry {number}" for number in range(9, -1, -1)]


def test_the_download_runs_no_formula(admin, project):
    log(IntegrationFactory(project=project, project_slug="front-end"), note=["", "x"])
    LogEntry.objects.update(object_repr="=cmd|' /C calc'!A0")

    text = admin.get(reverse("audit"), {"format": "csv"}).content.decode()

    assert all(not cell.startswith("=") for row in csv.reader(io.StringIO(text)) for cell in row)


@pytest.mark.parametrize(
    "query", [{"before": "x"}, {"before": "9" * 30}, {"who": "x"}, {"did": "x"}, {"about": "x"}]
)
def test_odd_filters_do_no_harm(admin, query):
    assert admin.get(reverse("audit"), query).status_code == 200


# --- the preview and the suggestions -------------------------------------------------------------------


@pytest.fixture
def stored(hook, project_admin):
    """An integration with a real message, administered by `project_admin`."""
    MembershipFactory(user=project_admin, project=hook.integration.project)
    MessageFactory(
        integration=hook.integration, body=body_of("seed-staging-orgid-sdk5"), title="Error: Test error"
    )
    drain_inbox()
    return hook.integration


def form(client, integration, **data):
    address = reverse("integration_edit", args=[integration.pk])
    response = client.post(address, {"add": "preview", **data}) if data else client.get(address)
    assert response.status_code == 200
    return response.context["seen"]


def typed(environment="staging", path="data.error.user.id", right=None):
    env, traffic_type = right or ("", "")
    return {
        "environments-TOTAL_FORMS": 1, "environments-INITIAL_FORMS": 0,
        "environments-0-sentry_environment": environment, "environments-0-environment": env,
        "identities-TOTAL_FORMS": 1, "identities-INITIAL_FORMS": 0,
        "identities-0-path": path, "identities-0-traffic_type": traffic_type,
    }  # fmt: skip


def test_the_stored_mapping_is_previewed_with_the_newest_message(admin, stored):
    seen = form(admin, stored)

    assert [row.state.word for row in seen.rows] == ["Matched", "Another environment", "Key 42", "Key 55"]
    assert [(event.environment, event.traffic_type, event.key) for event in seen.events] == [
        ("Staging", "user", "42"),
        ("Staging", "org", "55"),
    ]


def test_what_is_typed_is_previewed_and_stays_typed(admin, stored):
    seen = form(admin, stored, **typed(environment="Staging", path="data.error.user.nothing"))

    assert [row.state.word for row in seen.rows] == ["Near miss", "No key"]
    assert "staging" in seen.rows[0].note
    assert seen.events == ()
    assert stored.environment_mappings.count() == 2


def test_a_name_that_never_came_is_told_from_the_one_that_does(admin, stored):
    def words(environment):
        payload = body_of("seed-production").decode()
        return form(admin, stored, **typed(environment=environment), preview_payload=payload).seen

    assert words("staging") == {"staging": "In 7 days: 1 message"}
    assert words("Staging") == {
        "Staging": "Sentry sends “staging” (1 message in 7 days), you typed “Staging”"
    }
    assert words("qa") == {"qa": "In 7 days: 0 messages"}


def test_a_path_without_a_value_is_not_counted_like_an_environment(admin, stored):
    data = {"add": "preview", **typed(path="data.error.user.nothing")}

    text = admin.post(reverse("integration_edit", args=[stored.pk]), data).content.decode()

    panel = text.split('id="preview"')[1]
    assert "In 7 days: 1 message" in panel
    assert "0 messages" not in panel
    assert "None" not in panel


@pytest.mark.parametrize("slug", ["front\0end", "\0", "https://acme.sentry.io/projects/\0/"])
def test_a_slug_that_no_database_stores_is_previewed_and_refused(admin, stored, slug):
    orders.enable_sentry()
    address = reverse("integration_add", args=[stored.project_id])
    data = typed() | {"organization": slug, "project_slug": slug}

    assert admin.post(address, {"add": "preview", **data}).status_code == 200
    assert "Null characters are not allowed" in admin.post(address, data).content.decode()


def test_a_pasted_payload_is_previewed_and_not_stored(admin, stored):
    payload = body_of("seed-production", "error-created").decode()

    seen = form(admin, stored, **typed(environment="production"), preview_payload=payload)

    assert seen.rows[0].state.word == "Matched"
    assert InboxMessage.objects.count() == 1


@pytest.mark.parametrize(
    "payload", ["x", "[]", "{}", "\x00", '{"event": {}}', "[" * 9999, '"\ud800"', "9" * 600_000]
)
def test_a_payload_that_is_none_is_said_to_be_none(admin, stored, payload):
    seen = form(admin, stored, **typed(), preview_payload=payload.encode("utf-8", "replace").decode())

    assert seen.problem or payload == "\x00"


def test_values_in_the_preview_are_masked(admin, stored):
    payload = (
        '{{"event": {{"eventID": "{}", "type": "error", "dateCreated": "2026-01-01T00:00:00Z", {}}}}}'.format(
            "a" * 32,
            '"user": {"email": "jane@example.com"}, "tags": [{"key": "environment", "value": "staging"}]',
        )
    )
    data = typed(path="data.error.user.email") | {"preview_payload": payload}

    response = admin.post(reverse("integration_edit", args=[stored.pk]), {"add": "preview", **data})

    panel = response.content.decode().split('id="preview"')[1]
    assert "jane@example.com" not in panel
    assert "[e-mail]" in panel


def test_a_path_that_finds_nothing_is_not_counted_as_an_environment(admin, stored):
    seen = form(admin, stored, **typed(path="data.error.user.nothing"))

    assert list(seen.seen) == ["staging"]


def test_a_message_to_try_is_dated_in_the_readers_zone(admin, stored):
    at = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
    InboxMessage.objects.update(received_at=at)
    admin.cookies["zone"] = "Europe/Berlin"

    text = admin.get(reverse("integration_edit", args=[stored.pk])).content.decode()

    assert "1 Feb, 00:30:00 ·" in text


def test_messages_of_other_projects_cannot_be_previewed(admin, stored):
    foreign = MessageFactory(body=body_of("seed-production"))

    seen = form(admin, stored, **typed(), preview_message=foreign.pk)

    assert seen.chosen != foreign.pk


def test_environments_and_paths_of_messages_are_suggested(admin, stored):
    text = admin.get(reverse("integration_edit", args=[stored.pk])).content.decode()

    assert '<option value="staging" label="staging · 1 in 7 days">' in text
    assert '<option value="data.error.user.orgId" label="data.error.user.orgId · 55">' in text
    assert "test@example.com" not in text


def test_an_environment_tells_where_it_is_known_from(admin, stored):
    stored.installation.projects.add(stored.project)
    place = {"installation": stored.installation, "organization": stored.organization, "state": "done"}
    SentryListing.objects.create(**place, names=[[stored.project_slug, "Front End"]], read_at=timezone.now())
    SentryListing.objects.create(
        **place, project_slug=stored.project_slug, names=[["production", ""], ["staging", ""]]
    )

    text = admin.get(reverse("integration_edit", args=[stored.pk])).content.decode()

    names = text[text.index('<datalist id="sentry-environments">') :]
    assert names.startswith(
        '<datalist id="sentry-environments">'
        '<option value="staging" label="staging · Sentry lists it, 1 in 7 days"></option>'
        '<option value="production" label="production · Sentry lists it"></option></datalist>'
    )


def test_nothing_to_suggest_makes_no_empty_list(admin, project):
    Account.objects.create(pk=1, sentry_enabled_at=timezone.now())

    text = admin.get(reverse("integration_add", args=[project.pk])).content.decode()

    assert "sentry-environments" in text
    assert "<datalist" not in text


def test_a_new_integration_previews_messages_of_the_same_project(admin, stored):
    Account.objects.create(pk=1, sentry_enabled_at=timezone.now())
    TrafficTypeFactory(project=stored.project)
    EnvironmentFactory(project=stored.project)

    seen = admin.get(reverse("integration_add", args=[stored.project_id])).context["seen"]

    assert len(seen.choices) == 1
    assert Project.objects.count() == 2
    assert SentryInstallation.objects.count() == 1
    assert EventFactory().pk


def test_a_huge_payload_is_not_offered(admin, stored, monkeypatch):
    monkeypatch.setattr("webhooks.pages.previewing.MOST_BYTES", 100)

    assert form(admin, stored).choices == ()


def test_the_hook_page_is_there_for_everybody_who_reads(client, viewer, project):
    hook = HookFactory(integration__project=project)
    client.force_login(viewer)

    assert client.get(hook.integration.get_absolute_url()).status_code == 200
