"""Something to map to; the sandbox as both peers, over real HTTP, and an installation that it knows."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.utils import timezone

from integrations.announcements import announce
from integrations.installations import drain_installations
from integrations.models import Environment, SentryInstallation, SentryIntegration, TrafficType
from integrations.services import want_hook
from tests.factories import EnvironmentFactory, IntegrationFactory, TrafficTypeFactory
from tests.sandbox_process import SandboxProcess

PUBLIC_URL = "https://fme.example.com"


@pytest.fixture
def staging(project) -> Environment:
    """An environment to map to."""
    return EnvironmentFactory(project=project, name="Staging")


@pytest.fixture
def user_type(project) -> TrafficType:
    """A traffic type to map to."""
    return TrafficTypeFactory(project=project, name="user")


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[SandboxProcess]:
    with SandboxProcess(PUBLIC_URL, client_secret="5ec7e7" * 10) as process:
        yield process


@pytest.fixture
def sandbox(sandbox_process, settings) -> SandboxProcess:
    """A sandbox as at its first start, which the product's settings point at."""
    sandbox_process.heal()
    sandbox_process.control("reset", announce=False)
    for name, value in sandbox_process.settings().items():
        setattr(settings, name, value)
    settings.SENTRY_CLIENT_SECRETS = [sandbox_process.client_secret]
    settings.PUBLIC_URL = PUBLIC_URL
    return sandbox_process


@pytest.fixture
def announced(sandbox, db) -> SentryInstallation:
    """Installed in Sentry, announced here, its code not exchanged yet."""
    new = sandbox.control("install", deliver=False)
    announce(UUID(new["uuid"]), new["orgSlug"], new["code"], at=timezone.now())
    return SentryInstallation.objects.get(uuid=new["uuid"])


@pytest.fixture
def installation(announced) -> SentryInstallation:
    """Installed, announced, with a token."""
    drain_installations()
    announced.refresh_from_db()
    assert announced.token
    return announced


@pytest.fixture
def integration(installation) -> SentryIntegration:
    """A saved integration of the project front-end, whose hook has to be made yet."""
    saved = IntegrationFactory(installation=installation, project_slug="front-end")
    want_hook(saved)
    return saved
