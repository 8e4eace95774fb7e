"""Preparing a first try against the sandbox."""

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from integrations import sandboxing
from integrations.models import Account, Environment

pytestmark = pytest.mark.django_db


@pytest.fixture
def first_try(sandbox, settings, tmp_path):
    """Settings of a development checkout; the sandbox answers for the web server as well."""
    settings.DEBUG = settings.SANDBOX = True
    settings.SANDBOX_URL = sandbox.url
    settings.VAR_DIR = tmp_path / "var"
    return sandbox


def seed(monkeypatch):
    monkeypatch.setattr(
        "integrations.management.commands.seed_sandbox.wait_for_web", lambda: None
    )  # no web server runs here
    printed = StringIO()
    call_command("seed_sandbox", stdout=printed)
    return printed.getvalue()


def test_a_newcomer_is_told_everything_that_is_needed(first_try, monkeypatch, settings):
    banner = seed(monkeypatch)

    state = first_try.state()
    password = (settings.VAR_DIR / "sandbox-login").read_text().strip()
    for told in (
        settings.PUBLIC_URL, "admin", password, first_try.url, state["projects"][0]["dsn"],
        state["installations"][0]["uuid"], "acme-gmbh", "front-end",
    ):  # fmt: skip
        assert told in banner
    assert User.objects.get(username="admin", is_superuser=True).check_password(password)
    assert (settings.VAR_DIR / "sandbox-login").stat().st_mode & 0o777 == 0o600


def test_catalogue_keys_and_the_integration_are_ready(first_try, monkeypatch):
    seed(monkeypatch)

    assert Account.objects.get().sentry_enabled_at is not None
    assert [row.has_sdk_key for row in Environment.objects.all()] == [True] * 4


def test_seeding_again_keeps_login_and_keys(first_try, monkeypatch, settings):
    seed(monkeypatch)
    keys = set(Environment.objects.values_list("sdk_key", flat=True))
    password = (settings.VAR_DIR / "sandbox-login").read_text()

    banner = seed(monkeypatch)

    assert password.strip() in banner
    assert set(Environment.objects.values_list("sdk_key", flat=True)) == keys


def test_a_lost_login_is_made_anew(first_try, monkeypatch, settings):
    seed(monkeypatch)
    (settings.VAR_DIR / "sandbox-login").unlink()

    seed(monkeypatch)

    password = (settings.VAR_DIR / "sandbox-login").read_text().strip()
    assert User.objects.get(username="admin").check_password(password)


def test_it_does_nothing_in_production(sandbox, settings):
    settings.DEBUG, settings.SANDBOX = False, True

    with pytest.raises(CommandError, match="for development only"):
        call_command("seed_sandbox")

    assert not User.objects.exists()


def test_a_sandbox_that_stays_away_ends_it_with_the_reason(first_try, settings, monkeypatch):
    monkeypatch.setattr(sandboxing, "WAIT_SECONDS", 0.1)
    settings.SANDBOX_URL = "http://127.0.0.1:9"

    with pytest.raises(CommandError, match="The sandbox cannot be reached"):
        call_command("seed_sandbox")
