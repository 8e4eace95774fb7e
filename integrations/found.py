"""What an address names, if the person may see it: 404 otherwise, 403 for a write that is not theirs."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from integrations.models import Environment, Project, SentryIntegration
from integrations.roles import Access

_ACCESS = "_integrations_access"
PARTS = ("hooks", "environment_mappings__environment", "identity_mappings__traffic_type")


def access_of(request: HttpRequest) -> Access:
    """What the person may do; memberships are read once per request."""
    access: Access | None = getattr(request, _ACCESS, None)
    if access is None:
        access = Access(request.user)
        setattr(request, _ACCESS, access)
    return access


def readable_integration(request: HttpRequest, pk: int) -> SentryIntegration:
    """A living integration the person may see, with all its page needs."""
    rows = (
        access_of(request).integrations().select_related("project", "installation").prefetch_related(*PARTS)
    )
    return get_object_or_404(rows, pk=pk)


def writable_integration(request: HttpRequest, pk: int) -> SentryIntegration:
    """The same, for somebody who may change it."""
    integration = readable_integration(request, pk)
    require_write(request, integration.project)
    return integration


def writable_project(request: HttpRequest, pk: int) -> Project:
    """A project the person may configure."""
    project = get_object_or_404(access_of(request).projects(), pk=pk)
    require_write(request, project)
    return project


def writable_environment(request: HttpRequest, pk: int) -> Environment:
    """An environment whose key the person may set."""
    rows = Environment.objects.filter(project__in=access_of(request).projects()).select_related("project")
    environment = get_object_or_404(rows, pk=pk)
    require_write(request, environment.project)
    return environment


def require_write(request: HttpRequest, project: Project) -> None:
    """Refuse a viewer's write in words."""
    if not access_of(request).may_write(project):
        raise PermissionDenied(
            f"You are a viewer in {project}. Ask an account admin for the role project admin."
        )


def require_any_write(request: HttpRequest) -> None:
    """Refuse what every administrator of some project may do, and a viewer may not."""
    if not access_of(request).writes_somewhere:
        raise PermissionDenied("You are a viewer. Ask an account admin for the role project admin.")


def require_account_admin(request: HttpRequest) -> None:
    """Refuse what concerns every project."""
    if not access_of(request).is_account_admin:
        raise PermissionDenied("This concerns every project. Ask an account admin to do it.")
