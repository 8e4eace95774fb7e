"""Who may do what: account admin (everything), project admin (given projects), viewer (reads).

Everything a person may not see does not exist for them: the querysets here are the only way in for pages and API.
"""

from functools import cached_property

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import QuerySet

from integrations.models import Membership, Project, SentryInstallation, SentryIntegration

Role = Membership.Role


class Access:
    """What one person may see and change; reads their memberships once."""

    def __init__(self, user: AbstractBaseUser | AnonymousUser) -> None:
        self.user = user

    @cached_property
    def is_account_admin(self) -> bool:
        """May do everything: superusers, and members with that role."""
        return bool(getattr(self.user, "is_superuser", False)) or any(
            role == Role.ACCOUNT_ADMIN for role, _ in self._roles
        )

    @cached_property
    def writes(self) -> frozenset[int]:
        """Ids of the projects this person administers (an account admin administers all: not listed here)."""
        return frozenset(project for role, project in self._roles if role == Role.PROJECT_ADMIN and project)

    @property
    def writes_somewhere(self) -> bool:
        """May configure some project: no viewer."""
        return self.is_account_admin or bool(self.writes)

    def projects(self) -> QuerySet[Project]:
        """Projects this person may see."""
        everything = Project.objects.all()
        if self.is_account_admin or (Role.VIEWER, None) in self._roles:
            return everything
        return everything.filter(pk__in=[project for _, project in self._roles if project])

    def writable_projects(self) -> QuerySet[Project]:
        """Projects this person may configure."""
        return Project.objects.all() if self.is_account_admin else Project.objects.filter(pk__in=self.writes)

    def may_write(self, project: Project) -> bool:
        """Whether this person may configure integrations of `project`."""
        return self.is_account_admin or project.pk in self.writes

    def integrations(self) -> QuerySet[SentryIntegration]:
        """Living integrations this person may see."""
        return SentryIntegration.objects.living().filter(project__in=self.projects())

    def installations(self, project: Project) -> QuerySet[SentryInstallation]:
        """Sentry installations this person may use for `project`."""
        everything = SentryInstallation.objects.all()
        return everything if self.is_account_admin else everything.filter(projects=project)

    @cached_property
    def _roles(self) -> frozenset[tuple[str, int | None]]:
        if not self.user.is_authenticated:
            return frozenset()
        return frozenset(Membership.objects.filter(user=self.user.pk).values_list("role", "project_id"))
