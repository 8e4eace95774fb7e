"""Encrypting stored secrets with a newer key."""

from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection

from integrations import rotation
from integrations.models import Environment, SentryInstallation, ServiceHook
from tests.factories import EnvironmentFactory, HookFactory, InstallationFactory

pytestmark = pytest.mark.django_db

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture(autouse=True)
def old_key(settings):
    settings.FIELD_ENCRYPTION_KEYS = [OLD]


def rotate():
    printed = StringIO()
    call_command("rotate_keys", stdout=printed)
    return printed.getvalue()


def test_every_secret_is_readable_with_the_new_key_alone(settings):
    hook = HookFactory()
    environment = EnvironmentFactory()
    EnvironmentFactory(sdk_key="")
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]

    printed = rotate()

    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert ServiceHook.objects.get().secret == hook.secret
    assert SentryInstallation.objects.get().refresh_token == hook.installation.refresh_token
    assert Environment.objects.get(pk=environment.pk).sdk_key == environment.sdk_key
    assert "integrations.ServiceHook.secret: 1 encrypted anew, 0 were current\n" in printed
    assert "integrations.Environment.sdk_key: 2 encrypted anew, 0 were current\n" in printed


def test_running_it_again_changes_nothing(settings):
    HookFactory()
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    rotate()
    before = ciphertexts()

    printed = rotate()

    assert ciphertexts() == before
    assert "integrations.ServiceHook.secret: 0 encrypted anew, 1 were current\n" in printed


def test_more_rows_than_a_batch(settings, monkeypatch):
    monkeypatch.setattr(rotation, "BATCH", 2)
    EnvironmentFactory.create_batch(5)
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]

    assert "integrations.Environment.sdk_key: 5 encrypted anew" in rotate()


def test_a_secret_that_changes_meanwhile_is_left_alone(settings, monkeypatch):
    installation = InstallationFactory()
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    renew = rotation._renew

    def renewed_while_the_token_changes(stored):
        SentryInstallation.objects.update(token="newer")
        return renew(stored)

    monkeypatch.setattr(rotation, "_renew", renewed_while_the_token_changes)
    rotate()

    installation.refresh_from_db()
    assert installation.token == "newer"


def test_a_secret_of_an_unknown_key_is_told_and_kept(settings):
    HookFactory()
    before = ciphertexts()
    settings.FIELD_ENCRYPTION_KEYS = [NEW]

    with pytest.raises(CommandError, match="Put that key back at the end of the list"):
        rotate()

    assert ciphertexts() == before


def ciphertexts():
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM integrations_servicehook ORDER BY id")
        return cursor.fetchall()
