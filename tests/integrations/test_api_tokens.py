"""Tokens from the command line, and what the API's parser refuses."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from knox.models import AuthToken

from tests.factories import UserFactory

PROJECTS = "/api/v1/projects/"
PREVIEW = "/api/v1/sentry-integrations/preview/"

pytestmark = pytest.mark.django_db


def made_token(username):
    out = StringIO()
    call_command("create_api_token", username, stdout=out)
    return out.getvalue()


def test_token_stands_alone_on_standard_output_and_works(client, project_admin):
    printed = made_token("project_admin")

    token = printed.removesuffix("\n")
    assert token == printed.strip()
    response = client.get(PROJECTS, headers={"Authorization": f"Token {token}"})
    assert (response.status_code, [project["id"] for project in response.json()]) == (200, ["ws-1"])


def test_token_is_kept_as_a_hash_and_expires(client, project_admin):
    token = made_token("project_admin").strip()

    kept = AuthToken.objects.get()
    assert token not in (kept.digest, kept.token_key)
    assert kept.expiry > timezone.now() + timedelta(days=364)
    AuthToken.objects.update(expiry=timezone.now())
    assert client.get(PROJECTS, headers={"Authorization": f"Token {token}"}).status_code == 401


def test_token_for_nobody_is_refused():
    with pytest.raises(CommandError, match="no user named nobody"):
        made_token("nobody")


def test_token_for_somebody_inactive_is_refused():
    UserFactory(username="gone", is_active=False)

    with pytest.raises(CommandError, match="gone is not active"):
        made_token("gone")


@pytest.mark.parametrize("body", [b"{broken", b"\xff", b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5000, b""])
def test_body_that_is_no_json_is_refused(api, project_admin, body):
    response = api(project_admin).generic("POST", PREVIEW, body, content_type="application/json")

    assert response.status_code == 400


def test_body_as_large_as_a_webhook_is_read(api, project_admin):
    body = b'{"payload": "' + b"x" * 3 * 1024 * 1024 + b'"}'

    response = api(project_admin).generic("POST", PREVIEW, body, content_type="application/json")

    assert response.status_code == 400
    assert "payload" in response.json()


def test_body_that_is_too_large_is_refused(api, project_admin, settings):
    settings.WEBHOOK_MAX_BYTES = 0
    body = b'{"payload": "' + b"x" * 1024 * 1024 + b'"}'

    response = api(project_admin).generic("POST", PREVIEW, body, content_type="application/json")

    assert response.status_code == 413
