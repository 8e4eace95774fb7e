"""Pages of the integrations: the list, the marketplace, the way from Add to Save, and one integration."""

from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from integrations import orders, services
from integrations.found import (
    PARTS,
    access_of,
    readable_integration,
    require_account_admin,
    require_any_write,
    writable_integration,
    writable_project,
)
from integrations.integration_forms import IntegrationForms
from integrations.listed import look_up
from integrations.marketplace import found_entries
from integrations.models import CatalogueRefresh, Project, SentryIntegration
from integrations.states import (
    environment_troubles,
    hook_status,
    installation_status,
    integration_status,
    missing_settings,
)
from integrations.validation import ALREADY_INTEGRATED, storable


@login_required
@require_safe
def configured(request: HttpRequest) -> HttpResponse:
    """The tab Configured: every integration the person may see, with its state in words."""
    access = access_of(request)
    rows = access.integrations().select_related("project", "installation").prefetch_related(*PARTS)
    everything = sorted(rows, key=lambda row: (str(row.project).lower(), row.project_slug))
    chosen = request.GET.get("project", "")
    shown = [row for row in everything if chosen in ("", str(row.project_id))]
    context = {
        "access": access,
        "rows": [(row, integration_status(row), access.may_write(row.project)) for row in shown],
        "count": len(everything),
        "projects": sorted({row.project for row in everything}, key=str),
        "chosen": chosen,
        "has_projects": access.projects().exists(),
        "missing": missing_settings(),
    }
    return render(request, "integrations/configured.html", context)


@login_required
@require_safe
def marketplace(request: HttpRequest) -> HttpResponse:
    """The tab Marketplace: what can be added; the search filters on the server."""
    query = request.GET.get("q", "").strip()
    access = access_of(request)
    context = {
        "access": access,
        "query": query,
        "entries": found_entries(query),
        "count": access.integrations().count(),
        "is_enabled": orders.sentry_is_enabled(),
        "may_add": access.writes_somewhere,
        "contact": settings.ACCESS_CONTACT,
        "missing": missing_settings(),
    }
    return render(request, "integrations/marketplace.html", context)


@login_required
@require_POST
def enable(request: HttpRequest) -> HttpResponse:
    """An account admin enables the Sentry integration for everybody."""
    require_account_admin(request)
    orders.enable_sentry()
    flash.success(request, "Enabled. Project admins can add Sentry now.")
    return redirect("marketplace")


@login_required
@require_safe
def choose(request: HttpRequest) -> HttpResponse:
    """The picker: which project receives the events. Choosing one leads to the form."""
    require_any_write(request)
    if not orders.sentry_is_enabled():
        return redirect("marketplace")
    projects = access_of(request).writable_projects().filter(gone_at=None)
    chosen = projects.filter(fme_id=storable(request.GET.get("project", ""))).first()
    installation_id = request.GET.get("installation_id", "")
    if chosen:
        query = f"?{urlencode({'installation_id': installation_id})}" if installation_id else ""
        return redirect(reverse("integration_add", args=[chosen.pk]) + query)
    context = {
        "projects": projects.prefetch_related("environments", "traffic_types", "integrations"),
        "is_missed": "project" in request.GET,
        "installation_id": installation_id,
        "refresh": CatalogueRefresh.objects.filter(pk=1).first(),
        "missing": missing_settings(),
    }
    return render(request, "integrations/choose.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, project_id: int) -> HttpResponse:
    """The form for a new integration of a project."""
    if not orders.sentry_is_enabled():
        return redirect("marketplace")
    return _form(request, writable_project(request, project_id))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """The form over an integration that exists."""
    integration = writable_integration(request, pk)
    return _form(request, integration.project, integration)


@login_required
@require_safe
def integration(request: HttpRequest, pk: int) -> HttpResponse:
    """One integration; while its hook is being made, the page's parts refresh themselves."""
    found = readable_integration(request, pk)
    context = {
        "integration": found,
        "may_write": access_of(request).may_write(found.project),
        "state": integration_status(found),
        "hook": found.hook,
        "hook_state": hook_status(found.hook),
        "installation_state": installation_status(found.installation),
        "troubles": list(environment_troubles(found)),
    }
    return render(request, "integrations/integration.html", context)


@login_required
@require_POST
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Pause or resume."""
    found = writable_integration(request, pk)
    is_active = request.POST.get("is_active") == "1"
    services.set_active(found, is_active=is_active)
    words = (
        "Resumed." if is_active else "Paused. Messages are stored and skipped; they can be replayed later."
    )
    flash.success(request, words)
    return redirect(found)


@login_required
@require_POST
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """Have the hook compared with Sentry now."""
    found = writable_integration(request, pk)
    orders.check_hook_now(found)
    flash.info(request, "The hook is being checked at Sentry.")
    return redirect(found)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete after the project's slug was typed; the hook at Sentry goes first."""
    found = writable_integration(request, pk)
    typed = request.POST.get("confirm", "").strip()
    if request.method == "POST" and typed == found.project_slug:
        services.remove_integration(found)
        flash.success(request, f"Deleted {found}. Its hook is being removed at Sentry.")
        return redirect("integrations")
    context = {"integration": found, "is_wrong": request.method == "POST", "typed": typed}
    return render(request, "integrations/delete.html", context)


def _form(
    request: HttpRequest, project: Project, integration: SentryIntegration | None = None
) -> HttpResponse:
    forms = IntegrationForms(
        request.POST if request.method == "POST" else None,
        project=project,
        access=access_of(request),
        integration=integration,
        installation_id=request.GET.get("installation_id", ""),
        environment=request.GET.get("environment", ""),
    )
    if forms.is_bound and forms.is_valid() and (saved := _save(forms)):
        flash.success(request, "Saved. The hook at Sentry is being made to match.")
        for remark in forms.remarks():
            flash.info(request, remark)
        for warning in forms.warnings():
            flash.warning(request, warning)
        return redirect(saved)
    problems = forms.problems() if forms.is_bound else []
    context = {
        "forms": forms,
        "project": project,
        "integration": integration,
        "problems": problems,
        "listed": look_up(forms),
    }
    return render(request, "integrations/form.html", context)


def _save(forms: IntegrationForms) -> SentryIntegration | None:
    try:
        with transaction.atomic():
            return services.save_integration(
                forms.project, forms.configuration(), integration=forms.integration
            )
    except SentryIntegration.DoesNotExist:  # somebody deleted it in the meantime
        raise Http404 from None
    except IntegrityError:  # somebody saved the same Sentry project in the meantime
        forms.connection.add_error("project_slug", ALREADY_INTEGRATED)
        return None
