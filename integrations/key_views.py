"""Pages of what Harness FME and Sentry hold: environments with their SDK keys, and Sentry's installations."""

from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from integrations import orders, services
from integrations.forms import SdkKeyForm
from integrations.found import access_of, require_account_admin, require_any_write, writable_environment
from integrations.keys import KeyLine, key_lines
from integrations.models import CatalogueRefresh, Project, SdkKeyOrder, SentryInstallation
from integrations.roles import Access
from integrations.states import installation_status, missing_settings, refresh_status
from integrations.validation import whole_number


@login_required
@require_safe
def environments(request: HttpRequest) -> HttpResponse:
    """Every project's environments with the state of their keys; `?key=` opens the form of one."""
    chosen = request.GET.get("key", "")
    return _environments(request, whole_number(chosen))


@login_required
@require_POST
def sdk_key(request: HttpRequest, pk: int) -> HttpResponse:
    """Store the SDK key of an environment; it is encrypted and never shown again."""
    environment = writable_environment(request, pk)
    form = SdkKeyForm(request.POST, environment=environment)
    if not form.is_valid():
        return _environments(request, pk, form)
    services.store_sdk_key(environment, form.cleaned_data["sdk_key"])
    flash.success(request, f"The SDK key of {environment} in {environment.project} is stored.")
    return redirect("environments")


@login_required
@require_POST
def sdk_key_order(request: HttpRequest, pk: int) -> HttpResponse:
    """Have Harness FME create a key for an environment."""
    environment = writable_environment(request, pk)
    services.order_sdk_key(environment)
    flash.info(request, f"Harness FME is asked for a key for {environment} in {environment.project}.")
    return redirect("environments")


@login_required
@require_POST
def catalogue_refresh(request: HttpRequest) -> HttpResponse:
    """Have projects, environments and traffic types read again."""
    require_any_write(request)
    orders.request_refresh()
    flash.info(request, "Projects are being read from Harness FME.")
    back = {"choose": "integration_choose"}.get(request.POST.get("next", ""), "environments")
    return redirect(back)


@login_required
@require_safe
def installations(request: HttpRequest) -> HttpResponse:
    """Sentry's installations, and the projects each is released to."""
    require_account_admin(request)
    rows = SentryInstallation.objects.prefetch_related("projects").order_by(
        "deleted_at", "organization", "pk"
    )
    context = {
        "rows": [
            (row, installation_status(row), {project.pk for project in row.projects.all()}) for row in rows
        ],
        "projects": Project.objects.filter(gone_at=None),
        "install_address": None if settings.SANDBOX else sentry_install_address(),
    }
    return render(request, "integrations/installations.html", context)


@login_required
@require_POST
def release(request: HttpRequest, pk: int) -> HttpResponse:
    """Release an installation to the chosen projects and to no other of those that FME lists."""
    require_account_admin(request)
    installation = get_object_or_404(SentryInstallation, pk=pk)
    chosen = map(whole_number, request.POST.getlist("projects"))
    projects = Project.objects.filter(pk__in=[key for key in chosen if key is not None])
    installation.projects.set([*projects, *installation.projects.exclude(gone_at=None)])
    names = ", ".join(map(str, projects)) or "no project"
    flash.success(request, f"{installation.organization or 'The installation'} is released to {names}.")
    return redirect("installations")


def sentry_install_address() -> str:
    """Sentry's own page for installing the app, in whichever organization the person chooses there."""
    return f"{settings.SENTRY_BASE_URL}/sentry-apps/{settings.SENTRY_APP_SLUG}/external-install/"


def _environments(request: HttpRequest, chosen: int | None, form: SdkKeyForm | None = None) -> HttpResponse:
    access = access_of(request)
    lines = [(project, _lines(project, access, chosen, form)) for project in _projects(access)]
    context = {
        "projects": lines,
        "may_refresh": access.writes_somewhere,
        "refresh": CatalogueRefresh.objects.filter(pk=1).first(),
        "refresh_state": refresh_status(),
        "missing": missing_settings(),
    }
    return render(request, "integrations/environments.html", context)


def _lines(project: Project, access: Access, chosen: int | None, form: SdkKeyForm | None) -> list[KeyLine]:
    return key_lines(project, chosen=chosen, form=form, may_write=access.may_write(project))


def _projects(access: Access) -> QuerySet[Project]:
    """With a constant number of queries, however many there are."""
    newest = Prefetch("environments__sdk_key_orders", SdkKeyOrder.objects.order_by("-pk"))
    used = Prefetch("environments__environmentmapping_set", to_attr="used_by")
    return access.projects().prefetch_related("environments", "traffic_types", newest, used)
