"""Every recorded webhook through its address, with Sentry's own headers: whole events in the outbox, skips on the row.

The expectations are those derived by hand for the translation; here they go the whole way through the product.
"""

import json
from typing import Any

import pytest
from django.test import Client

from integrations.models import SentryInstallation, SentryIntegration, ServiceHook
from tests.factories import (
    EnvironmentFactory,
    HookFactory,
    IntegrationFactory,
    ProjectFactory,
    TrafficTypeFactory,
)
from tests.integrations.test_every_payload import COMMON, EXPECTED, PAYLOADS, cases, in_order
from tests.webhooks.conftest import SECRET
from webhooks.inbox import drain_inbox
from webhooks.models import InboxMessage, OutboxEvent

pytestmark = pytest.mark.django_db


def hook_for(case: dict[str, Any], installation_uuid: str | None) -> ServiceHook:
    """An integration with the rules of `case`."""
    chosen, project = COMMON | case, ProjectFactory()
    environments = {}
    for name in dict.fromkeys(name for _, _, name in chosen["environments"]):
        environments[name] = EnvironmentFactory(project=project, name=name)
    types = {
        name: TrafficTypeFactory(project=project, name=name)
        for name in {row[1] for row in chosen["identities"]}
    }
    integration = IntegrationFactory(
        project=project,
        project_slug="front-end",
        capture_culprit=chosen["wants_culprit"],
        environments={},
        identities={},
    )
    for sentry_name, _, name in chosen["environments"]:
        integration.environment_mappings.create(
            sentry_environment=sentry_name, environment=environments[name]
        )
    for path, traffic_type in chosen["identities"]:
        integration.identity_mappings.create(path=path, traffic_type=types[traffic_type])
    if installation_uuid:
        SentryInstallation.objects.filter(pk=integration.installation_id).update(uuid=installation_uuid)
    hook: ServiceHook = HookFactory(integration=integration, secret=SECRET)
    return hook


def post(client: Client, name: str, hook: ServiceHook | None = None) -> int:
    """The recorded request, byte for byte."""
    body = (PAYLOADS / name).read_bytes()
    headers = json.loads((PAYLOADS / name).with_suffix(".headers.json").read_bytes())
    address = f"/webhooks/sentry/hooks/{hook.address}/" if hook else "/webhooks/sentry/app/"
    return client.post(address, body, content_type="application/json", headers=headers).status_code


SYNTHETIC = "transaction.error-created.synthetic.json"
"""Names no project, as no real one does: nobody's."""

STORED = [param for param in cases("events") if param.values[0] != SYNTHETIC]


@pytest.mark.parametrize(("name", "case"), STORED)
def test_a_recorded_webhook_leaves_exactly_the_expected_events(name, case, client):
    is_hook = ".service-hook-" in name
    body = json.loads((PAYLOADS / name).read_bytes())
    hook = hook_for(case, None if is_hook else body["installation"]["uuid"])
    if not is_hook:  # matched by the slug in the body; the rules under test say front-end
        SentryIntegration.objects.update(
            project_slug=body["data"]["error"]["url"].split("/projects/")[1].split("/")[1]
        )

    status = post(client, name, hook if is_hook else None)
    SentryIntegration.objects.update(project_slug="front-end")
    drain_inbox()

    message = InboxMessage.objects.get()
    assert (status, message.state, bytes(message.body or b"")) == (
        202,
        "done",
        (PAYLOADS / name).read_bytes(),
    )
    assert in_order([json.loads(event.body) for event in OutboxEvent.objects.all()]) == in_order(
        case["events"]
    )
    assert sorted(skip["code"] for skip in message.skips) == sorted(case["skips"])


def test_an_app_webhook_that_names_no_project_is_nobodys(client):
    assert post(client, SYNTHETIC) == 200
    assert not InboxMessage.objects.exists()


@pytest.mark.parametrize(("name", "case"), cases("envelope"))
def test_a_recorded_message_without_an_event_is_understood(name, case, client):
    is_installation = case["envelope"]["resource"] == "installation"

    assert post(client, name) == (202 if is_installation else 200)
    assert SentryInstallation.objects.count() == is_installation
    assert not InboxMessage.objects.exists()


def test_every_recorded_webhook_has_its_expectation():
    assert {path.name for path in EXPECTED.rglob("*.json")} == {
        path.name
        for path in PAYLOADS.rglob("*.json")
        if ".headers" not in path.name and path.name != "index.json"
    }
