"""Django admin of the configuration: every page opens, quickly, and shows no secret; the actions do what they say."""

import pytest
from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone
from knox.models import AuthToken

from durable.models import Heartbeat, State
from integrations.models import (
    Account,
    CatalogueRefresh,
    Discard,
    Environment,
    SdkKeyOrder,
    SentryInstallation,
    SentryIntegration,
    SentryListing,
    ServiceHook,
)
from tests.factories import (
    AttemptFactory,
    EnvironmentFactory,
    EventFactory,
    HookFactory,
    InstallationFactory,
    IntegrationFactory,
    MembershipFactory,
    MessageFactory,
)
from webhooks.models import (
    HourlyCount,
    Notice,
    NoticeReceiver,
    Problem,
    ProblemScan,
    ReplayOrder,
    Total,
)

pytestmark = pytest.mark.django_db

SECRETS = (
    "sdk-key-SECRET",
    "token-SECRET",
    "refresh-SECRET",
    "hook-SECRET",
    "code-SECRET",
    "jane@example.com",
    "path-SECRET",
    "signing-SECRET",
    "jane+",
)
OURS = [
    model
    for model in admin.site._registry
    if model._meta.app_label in ("integrations", "webhooks", "durable", "knox", "auth", "auditlog", "axes")
]


@pytest.fixture
def rows(db):
    """One row or more of everything, with secrets and a person's address wherever there is room for them."""
    long = "-which-is-long-enough-to-have-a-tail"
    installation = InstallationFactory(
        token=f"token-SECRET{long}", refresh_token=f"refresh-SECRET{long}", code=f"code-SECRET{long}"
    )
    integration = IntegrationFactory(installation=installation)
    HookFactory(integration=integration, secret=f"hook-SECRET{long}")
    Environment.objects.update(sdk_key=f"sdk-key-SECRET{long}")
    payload = {"event": {"user": {"email": "jane@example.com"}, "title": "jane@example.com"}}
    message = MessageFactory(
        integration=integration, payload=payload, title="No jane@example.com",
        last_error="No jane@example.com", skips=[{"code": "identity_missing", "detail": "jane@example.com"}],
    )  # fmt: skip
    event = EventFactory(message=message, key="jane@example.com", delivery__last_error="jane@example.com")
    AttemptFactory(events=(event,), environment=event.environment, answer="jane@example.com is wrong")
    SdkKeyOrder.objects.create(environment=event.environment, name="order")
    CatalogueRefresh.objects.create(pk=1)
    Account.objects.create(pk=1)
    Heartbeat.objects.create(drain="inbox", at="2026-11-23T00:00Z")
    flow_rows(integration)
    AuthToken.objects.create(MembershipFactory().user)
    environment = event.environment
    environment.sdk_key = f"sdk-key-SECRET{long}"
    environment.save()


def flow_rows(integration):
    """A row of what is found, told and counted, with a secret wherever one could stand."""
    moment = {"first_seen_at": timezone.now(), "last_seen_at": timezone.now()}
    person = "jane@example.com"
    Problem.objects.create(
        integration=integration,
        kind="identity_missing",
        subject=f"{person} {integration.pk}",
        detail=person,
        **moment,
    )
    ProblemScan.objects.get_or_create(pk=1)
    address = f"https://hooks.example.com/path-SECRET/{integration.pk}"
    receiver = NoticeReceiver.objects.create(
        kind="webhook", address=address, secret="whsec_signing-SECRET", last_error=f"No {person}"
    )
    NoticeReceiver.objects.create(kind="email", address=f"jane+{integration.pk}@example.com")
    Notice.objects.create(receiver=receiver, kind="problem.opened", last_error=f"No {person}")
    HourlyCount.objects.create(
        integration=integration, hour=timezone.now(), name="skipped", label=person, count=1, note=person,
        last_at=timezone.now(),
    )  # fmt: skip
    Total.objects.get_or_create(name="webhook_requests", label=f"outcome {integration.pk}", count=1)
    ReplayOrder.objects.create(
        integration=integration, until=timezone.now(), kind="added", last_error=f"KeyError: {person}"
    )
    SentryListing.objects.create(installation=integration.installation, organization=f"acme-{integration.pk}")
    Discard.objects.create(integration=integration, last_error=f"KeyError: {person}")


@pytest.fixture
def operator(client, account_admin):
    client.force_login(account_admin, backend="django.contrib.auth.backends.ModelBackend")
    return client


def page(model, name, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def act(operator, action, *objects):
    model = type(objects[0])
    data = {"action": action, "_selected_action": [each.pk for each in objects]}
    response = operator.post(page(model, "changelist"), data)
    assert response.status_code == 302
    for each in objects:
        each.refresh_from_db()


def test_every_model_of_ours_is_there():
    expected = {"integrations": 14, "webhooks": 11}

    for app, count in expected.items():
        assert sum(model._meta.app_label == app for model in OURS) == count


@pytest.mark.parametrize(
    "address", ["webhooks/inboxmessage/?state__exact=%00", "durable/heartbeat/%00/change/"]
)
def test_an_address_that_no_database_understands_is_no_page(operator, address):
    assert operator.get(f"/django-admin/{address}").status_code == 404


def test_failed_logins_can_be_deleted_and_nothing_else(operator):
    """axes' own action broke, and whoever could look could press it."""
    AccessAttempt.objects.create(username="jane", ip_address="127.0.0.1", failures_since_start=10)

    offered = operator.get(page(AccessAttempt, "changelist")).context["action_form"].fields["action"].choices

    assert [name for name, _ in offered if name] == ["delete_selected"]


def test_the_index_begins_with_what_flows_and_names_it_well(operator):
    apps = operator.get("/django-admin/").context["app_list"]
    names = [[str(model["name"]) for model in app["models"]] for app in apps]

    assert [str(app["name"]) for app in apps[:3]] == ["Webhooks", "Integrations", "Drains"]
    assert names[0][:3] == ["Inbox messages", "Outbox events", "Deliveries"]
    assert {"Catalogue refreshes", "SDK key orders"} <= set(names[1])


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_every_page_opens_and_shows_no_secret(operator, rows, model):
    addresses = [page(model, "changelist")]
    addresses += [page(model, "change", row.pk) for row in model._default_manager.all()]
    answers = [operator.get(address) for address in addresses]

    assert [answer.status_code for answer in answers] == [200] * len(answers)
    for answer in answers:
        assert not [secret for secret in SECRETS if secret in answer.content.decode()]


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_every_list_can_be_searched_and_filtered(operator, rows, model):
    response = operator.get(
        page(model, "changelist"), {"q": "x"} if admin.site._registry[model].search_fields else {}
    )

    assert response.status_code == 200


@pytest.mark.parametrize(
    "model", [model for model in OURS if model._meta.app_label in ("integrations", "webhooks")]
)
def test_every_list_takes_as_many_queries_for_many(operator, rows, model, django_assert_max_num_queries):
    for _ in range(5):
        event = EventFactory(message__integration=HookFactory().integration)
        AttemptFactory(events=(event,), environment=event.environment)
        SdkKeyOrder.objects.create(environment=event.environment, name=event.key)
        MembershipFactory()
        flow_rows(event.message.integration)

    with django_assert_max_num_queries(9):
        operator.get(page(model, "changelist"))


def test_only_staff_get_in(client, project_admin):
    client.force_login(project_admin, backend="django.contrib.auth.backends.ModelBackend")

    assert client.get("/django-admin/").status_code == 302


def test_new_sdk_key_is_stored_and_lifts_the_hold(operator):
    environment = EnvironmentFactory(sdk_key="", hold_reason="No SDK key.")
    address = page(Environment, "change", environment.pk)

    assert operator.post(address, {"new_sdk_key": "brand-new-key"}).status_code == 302

    environment.refresh_from_db()
    assert (environment.sdk_key, environment.hold_reason) == ("brand-new-key", "")


def test_saving_without_a_new_key_keeps_the_old_one(operator):
    environment = EnvironmentFactory(sdk_key="old-key")

    operator.post(page(Environment, "change", environment.pk), {"new_sdk_key": ""})

    environment.refresh_from_db()
    assert environment.sdk_key == "old-key"


def test_key_can_be_ordered_and_a_hold_lifted(operator):
    environment = EnvironmentFactory(hold_reason="401", hold_attempts=3)

    act(operator, "order_key", environment)
    act(operator, "lift_hold", environment)

    assert SdkKeyOrder.objects.get().environment == environment
    assert (environment.hold_reason, environment.hold_attempts) == ("", 0)


def test_token_is_made_due_for_renewal(operator):
    installation = InstallationFactory(state=State.DEAD, last_error="Sentry refused.")
    before = installation.token_expires_at

    act(operator, "renew_token", installation)

    assert (installation.state, installation.last_error) == (State.PENDING, "")
    assert installation.token_expires_at < before


def test_uninstalled_installation_is_left_alone(operator):
    installation = InstallationFactory(state=State.DONE, deleted_at="2026-11-23T00:00Z")

    act(operator, "renew_token", installation)

    assert installation.state == State.DONE


def test_installation_is_released_to_projects(operator, project):
    installation = InstallationFactory()

    operator.post(page(SentryInstallation, "change", installation.pk), {"projects": [project.pk]})

    assert list(installation.projects.all()) == [project]


def test_integration_is_paused_resumed_and_deleted(operator):
    integration = HookFactory().integration

    act(operator, "pause", integration)
    assert not integration.is_active
    act(operator, "resume", integration)
    assert integration.is_active
    act(operator, "delete_integrations", integration)
    assert integration.deleted_at
    assert ServiceHook.objects.get().wanted == "absent"


def test_hook_is_checked_again_and_a_tombstone_is_not(operator):
    dead = HookFactory(state=State.DEAD, last_error="404")
    tombstone = HookFactory(state=State.DONE, wanted="absent")

    act(operator, "check_again", dead, tombstone)

    assert (dead.state, dead.last_error, tombstone.state) == (State.PENDING, "", State.DONE)


def test_api_token_is_withdrawn(operator, project_admin):
    token, text = AuthToken.objects.create(project_admin)

    act(operator, "withdraw", token)

    assert operator.get("/api/v1/projects/", headers={"Authorization": f"Token {text}"}).status_code == 401


def test_staff_who_may_only_look_are_offered_no_action(client, rows):
    person = MembershipFactory(user__is_staff=True).user
    person.user_permissions.add(Permission.objects.get(codename="view_sentryintegration"))
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    integration = SentryIntegration.objects.get()

    assert b'value="pause"' not in client.get(page(SentryIntegration, "changelist")).content
    client.post(
        page(SentryIntegration, "changelist"), {"action": "pause", "_selected_action": [integration.pk]}
    )
    integration.refresh_from_db()
    assert integration.is_active
