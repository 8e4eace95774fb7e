"""The people: one of each role, around one FME project."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from rest_framework.test import APIClient

from integrations.models import Membership, Project
from tests.factories import MembershipFactory, ProjectFactory, UserFactory

Role = Membership.Role


@pytest.fixture(autouse=True)
def empty_cache():
    """What one test counted (throttles, cached secrets) is not there in the next."""
    cache.clear()


@pytest.fixture(autouse=True)
def tidy_always(monkeypatch):
    """Each drain of the outbox looks for what was left lying, however soon after the last."""
    monkeypatch.setattr("webhooks.outbox.TIDY_SECONDS", 0.0)


@pytest.fixture
def project(db) -> Project:
    """The project that `project_admin` administers and `viewer` reads."""
    return ProjectFactory(fme_id="ws-1", name="Checkout")


@pytest.fixture
def account_admin(db) -> User:
    """May do everything, and use Django admin."""
    return UserFactory(username="account_admin", is_superuser=True, is_staff=True)


@pytest.fixture
def project_admin(project) -> User:
    """Administers `project` and sees no other."""
    return MembershipFactory(user__username="project_admin", project=project).user


@pytest.fixture
def other_admin(db) -> User:
    """Administers another project."""
    return MembershipFactory(user__username="other_admin", project__fme_id="ws-other").user


@pytest.fixture
def viewer(project) -> User:
    """Reads `project`."""
    return MembershipFactory(user__username="viewer", project=project, role=Role.VIEWER).user


@pytest.fixture
def api() -> Callable[[User], APIClient]:
    """`api(person)` speaks to the REST API as that person, with their browser's login."""

    def as_person(person: User) -> APIClient:
        client = APIClient()
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return as_person
