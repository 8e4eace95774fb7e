"""The API keeps what its own schema promises, whatever is sent; and the documentation page needs no exception."""

import os
import re

import pytest
import schemathesis
import yaml
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, settings
from knox.models import AuthToken
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from durable.models import State
from tests.factories import AttemptFactory, EventFactory, HookFactory, MessageFactory

pytestmark = pytest.mark.django_db

PROMISES = (
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", app=get_wsgi_application())


@pytest.fixture
def kept_connection(db):
    """A real request closes its connection at the end, and the test's transaction with it."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def token(account_admin):
    """Of somebody who may do everything, in a database where everything exists once, with id 1 or near."""
    hook = HookFactory()
    message = MessageFactory(integration=hook.integration, state=State.DONE)
    event = EventFactory(message=message)
    AttemptFactory(environment=event.environment, events=(event,), started_at=message.received_at)
    return AuthToken.objects.create(account_admin)[1]


@schema.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_api_keeps_its_promises(case, token, kept_connection):
    case.call_and_validate(headers={"Authorization": f"Token {token}"}, checks=PROMISES)


def test_schema_is_valid_and_made_without_a_warning():
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", os.devnull)


def test_schema_names_every_address(client):
    document = yaml.safe_load(client.get("/api/schema/").content)

    integrations, messages = (
        "/api/v1/sentry-integrations/",
        "/api/v1/sentry-integrations/{integration_id}/messages/",
    )
    assert document["openapi"].startswith("3.")
    assert set(document["paths"]) == {
        "/api/v1/projects/",
        "/api/v1/environments/{environment_id}/sdk-key/",
        integrations,
        f"{integrations}preview/",
        f"{integrations}{{id}}/",
        f"{integrations}{{id}}/preview/",
        f"{integrations}{{id}}/replay/",
        messages,
        f"{messages}{{id}}/",
        f"{messages}{{id}}/replay/",
        f"{integrations}{{integration_id}}/events/",
    }


def test_documentation_page_needs_no_exception_from_the_policy(client):
    page = client.get("/api/docs/")

    text = page.content.decode()
    assert "unsafe" not in page["Content-Security-Policy"]
    assert not re.search(r"<style|style=|<script>|//[a-z]", text)
    scripts = re.findall(r'<script src="([^"]+)"', text)
    assert len(scripts) == 3
    assert all(address.startswith("/") for address in scripts)


def test_documentation_page_finds_its_script_and_schema(client):
    script = client.get("/api/docs/?script=").content.decode()

    assert "/api/schema/" in script
    assert client.get("/api/schema/").status_code == 200
