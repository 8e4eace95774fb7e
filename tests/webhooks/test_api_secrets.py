"""No answer of the API holds a secret, nor what of a payload is not for everybody's eyes."""

import pytest

from durable.models import State
from integrations.models import Environment
from tests.factories import AttemptFactory, EventFactory, HookFactory, InstallationFactory, MessageFactory

pytestmark = pytest.mark.django_db

HIDDEN = ("very-secret", "jane@example.com", "203.0.113.7", "hunter2")
PERSON = {"email": "jane@example.com", "ip_address": "203.0.113.7", "data": {"password": "hunter2"}}
PAYLOAD = {
    "event": {
        "eventID": "3" * 32,
        "user": PERSON,
        "title": "No jane@example.com at 203.0.113.7",
        "entries": [{"type": "request", "data": {"headers": [["Authorization", "very-secret"]]}}],
    }
}


@pytest.fixture
def flow(project):
    """Everything there is of an integration, with something to hide wherever there is room for it."""
    installation = InstallationFactory(
        token="very-secret-1", refresh_token="very-secret-2", code="very-secret-3"
    )
    hook = HookFactory(
        integration__project=project, integration__installation=installation, secret="very-secret-4"
    )  # fmt: skip
    Environment.objects.update(sdk_key="very-secret-5", hold_reason="jane@example.com")
    message = MessageFactory(
        integration=hook.integration, payload=PAYLOAD, title="No jane@example.com", state=State.DONE,
        last_error="jane@example.com", skips=[{"code": "identity_missing", "detail": "jane@example.com"}],
    )  # fmt: skip
    mapped = hook.integration.environment_mappings.get().environment
    event = EventFactory(message=message, environment=mapped, key="jane@example.com")
    AttemptFactory(
        events=(event,), environment=mapped, answer="jane@example.com", started_at=message.received_at
    )
    return message


def test_no_answer_shows_what_is_hidden(api, account_admin, flow):
    integration = f"/api/v1/sentry-integrations/{flow.integration_id}/"
    addresses = (
        "/api/v1/projects/",
        "/api/v1/sentry-integrations/",
        integration,
        f"{integration}messages/",
        f"{integration}messages/{flow.pk}/",
        f"{integration}events/",
    )

    for address in addresses:
        answer = api(account_admin).get(address)
        assert answer.status_code == 200
        assert not [hidden for hidden in HIDDEN if hidden in answer.content.decode()], address


def test_saving_answers_no_secret(api, account_admin, flow):
    address = f"/api/v1/sentry-integrations/{flow.integration_id}/"

    answer = api(account_admin).put(address, api(account_admin).get(address).json())

    assert answer.status_code == 200
    assert "very-secret" not in answer.content.decode()
