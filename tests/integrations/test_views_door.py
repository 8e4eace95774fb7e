"""The way in: login and its lock-out, display choices, Sentry's redirect, error pages, headers."""

import logging
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from integrations import views
from integrations.models import SentryInstallation
from tests.factories import PASSWORD, EnvironmentFactory, InstallationFactory

UUID = "9b774d1e-02c5-4d3f-9c0a-6f1f7f5f2a10"


@pytest.fixture
def visitor():
    """A browser that has not logged in, and keeps CSRF as strict as real ones."""
    return Client(enforce_csrf_checks=True)


def log_in(client, password, name="project_admin"):
    return client.post(reverse("login"), {"username": name, "password": password})


# --- login ----------------------------------------------------------------------------------------


def test_login_leads_to_the_integrations(client, project_admin):
    assert log_in(client, PASSWORD).url == reverse("home")
    assert client.get("/").url == reverse("integrations")
    assert client.get("/admin-settings/").url == reverse("integrations")


def test_a_wrong_password_is_said_at_the_top(client, project_admin):
    response = log_in(client, "wrong")

    assert response.status_code == 200
    assert 'role="alert"' in response.content.decode()


def test_too_many_wrong_passwords_lock_the_account(client, project_admin, settings):
    answers = [log_in(client, "wrong") for _ in range(settings.AXES_FAILURE_LIMIT)]

    response = answers[-1]
    assert response.status_code == 429
    assert "Too many wrong passwords" in response.content.decode()
    assert log_in(client, PASSWORD).status_code == 429


def test_logging_out_needs_a_post(client, project_admin):
    client.force_login(project_admin)

    assert client.get(reverse("logout")).status_code == 405
    client.post(reverse("logout"))
    assert client.get(reverse("integrations")).status_code == 302


# --- display --------------------------------------------------------------------------------------


def test_the_theme_is_a_cookie_that_the_server_renders(client, project_admin):
    client.force_login(project_admin)

    client.post(reverse("display"), {"theme": "dark", "next": "/profile/"})

    assert 'data-theme="dark"' in client.get(reverse("integrations")).content.decode()


def test_times_are_shown_in_the_chosen_zone(client, project_admin):
    client.force_login(project_admin)

    client.post(reverse("display"), {"zone": "local", "zone_name": "Asia/Tokyo", "next": "/"})
    assert "Asia/Tokyo" in client.get(reverse("integrations")).content.decode()

    client.post(reverse("display"), {"zone": "utc", "next": "/"})
    assert "Times in UTC" in client.get(reverse("integrations")).content.decode()


def test_without_a_script_the_zone_is_chosen_by_hand(client):
    response = client.post(reverse("display"), {"zone": "local", "zone_name": "", "next": "/"})

    assert response.url == reverse("profile")


@pytest.mark.parametrize("cookie", ["../../etc/passwd", "No/Where", "\x00", "Europe"])
def test_a_made_up_zone_means_utc(client, project_admin, cookie):
    client.force_login(project_admin)
    client.cookies["zone"] = cookie
    client.cookies["theme"] = cookie

    text = client.get(reverse("integrations")).content.decode()

    assert "Times in UTC" in text
    assert 'data-theme="system"' in text


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_display_leads_nowhere_else(client, back):
    assert client.post(reverse("display"), {"theme": "dark", "next": back}).url == "/"


# --- Sentry's redirect ----------------------------------------------------------------------------


def test_setup_keeps_the_code_and_hides_it(client, db):
    response = client.get(
        reverse("sentry_setup"), {"installationId": UUID, "code": "grant-code", "orgSlug": "acme-gmbh"}
    )

    assert response.status_code == 302
    assert response.url == f"/sentry/setup/?installationId={UUID}&orgSlug=acme-gmbh"
    assert response["Referrer-Policy"] == "no-referrer"
    stored = SentryInstallation.objects.get(uuid=UUID)
    assert (stored.code, stored.organization) == ("grant-code", "acme-gmbh")


def test_setup_shows_the_id_and_the_way_on_without_a_login(client, db):
    response = client.get(reverse("sentry_setup"), {"installationId": UUID, "orgSlug": "acme-gmbh"})

    text = response.content.decode()
    assert UUID in text
    assert "Installed in acme-gmbh" in text
    assert f"{reverse('integration_choose')}?installation_id={UUID}" in text
    assert response["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response["Cache-Control"]


def test_a_code_never_harms_an_installation_with_a_token(client, db):
    InstallationFactory(uuid=UUID, token="working-token-of-this-one")

    client.get(reverse("sentry_setup"), {"installationId": UUID, "code": "wrong"})

    stored = SentryInstallation.objects.get()
    assert (stored.token, stored.code) == ("working-token-of-this-one", "")


@pytest.mark.parametrize("uuid", ["", "nonsense", f"{UUID}0", "<script>"])
def test_setup_without_an_id_helps(client, db, uuid):
    response = client.get(reverse("sentry_setup"), {"installationId": uuid, "code": "x"})

    assert response.status_code == 400
    assert "lacks the Installation ID" in response.content.decode()
    assert not SentryInstallation.objects.exists()


def test_setup_shows_nothing_that_is_no_slug(client, db):
    text = client.get(reverse("sentry_setup"), {"installationId": UUID, "orgSlug": "<b>x"}).content.decode()

    assert "<b>x" not in text
    assert "Installed</span>" in text


def test_setup_is_rate_limited_by_address(client, db):
    for _ in range(20):
        assert client.get(reverse("sentry_setup"), {"installationId": UUID}).status_code == 200

    response = client.get(reverse("sentry_setup"), {"installationId": UUID})
    assert response.status_code == 429
    assert "Too many visits" in response.content.decode()
    elsewhere = client.get(reverse("sentry_setup"), {"installationId": UUID}, REMOTE_ADDR="192.0.2.7")
    assert elsewhere.status_code == 200


# --- errors and headers ---------------------------------------------------------------------------


def test_nothing_at_an_address(client, db):
    response = client.get("/nowhere/")

    assert response.status_code == 404
    assert "There is nothing at this address" in response.content.decode()


@pytest.mark.parametrize(
    "address", ["/nowhere", "/nowhere/", "/messages/999999/", "/admin-settings/integrations/999999/"]
)
def test_with_debug_on_a_wrong_address_shows_the_products_own_page(client, account_admin, settings, address):
    settings.DEBUG = True
    client.force_login(account_admin)

    response = client.get(address)

    assert response.status_code == 404
    assert "There is nothing at this address" in response.content.decode()


def test_with_debug_on_an_error_shows_neither_what_was_typed_nor_variables(
    client, account_admin, settings, monkeypatch
):
    settings.DEBUG = True
    client.force_login(account_admin)
    client.raise_request_exception = False
    environment, key, password = EnvironmentFactory(), uuid4().hex, uuid4().hex
    settings.CELERY_BROKER_URL = f"amqp://worker:{password}@broker//"

    def fail(environment, sdk_key):
        raise ZeroDivisionError("told")

    monkeypatch.setattr("integrations.services.store_sdk_key", fail)

    answer = client.post(reverse("sdk_key", args=[environment.pk]), {"sdk_key": key})

    text = answer.content.decode()
    assert (answer.status_code, "ZeroDivisionError" in text) == (500, True)
    assert (key in text, password in text) == (False, False)


def test_with_debug_on_an_address_without_its_last_slash_is_sent_on(client, settings):
    settings.DEBUG = True

    assert client.get("/login").headers["Location"] == "/login/"


def test_an_address_that_only_takes_forms_says_so_after_a_login(client, account_admin, project):
    environment = EnvironmentFactory(project=project)
    address = reverse("sdk_key", args=[environment.pk])
    assert (
        client.post(address, {"sdk_key": "k" * 20}).headers["Location"]
        == f"{reverse('login')}?next={address}"
    )
    client.force_login(account_admin)

    response = client.get(address)

    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert "was not stored" in response.content.decode()


def test_an_expired_form_says_so(visitor, db):
    response = visitor.post(reverse("login"), {"username": "a", "password": "b"})

    assert response.status_code == 403
    assert "This form has expired" in response.content.decode()


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (RuntimeError("boom"), 500, "This page broke"),
        (OperationalError("gone"), 503, "The database cannot be reached"),
    ],
)
def test_a_broken_page_says_what_goes_on(client, project_admin, monkeypatch, caplog, error, status, words):
    def break_down(request):
        raise error

    client.force_login(project_admin)
    client.raise_request_exception = False
    monkeypatch.setattr(views, "missing_settings", lambda: break_down(None))
    with caplog.at_level(logging.CRITICAL, "django.request"):
        response = client.get(reverse("marketplace"))

    assert response.status_code == status
    assert words in response.content.decode()


def test_pages_hold_no_inline_code_and_say_so_to_the_browser(client, project_admin):
    client.force_login(project_admin)
    response = client.get(reverse("integrations"))

    assert "default-src 'self'" in response["Content-Security-Policy"]
    assert "unsafe" not in response["Content-Security-Policy"]
    assert "<style" not in response.content.decode()
    assert "onclick" not in response.content.decode()
