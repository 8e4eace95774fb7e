"""Export, import and duplicate: a configuration as a file, and the form filled in from one."""

from auditlog.models import LogEntry
from django.contrib import messages as flash
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from integrations import views
from integrations.found import access_of, readable_integration, require_any_write, writable_project
from integrations.integration_forms import IntegrationForms
from integrations.listed import look_up
from integrations.models import Project
from webhooks.config_files import MOST_BYTES, SCHEMA, NotAConfiguration, document_of, prefilled, read

TYPED = "environments-TOTAL_FORMS"
"""Posted by the form itself: what follows is the way of every new integration."""
KEPT = "imported_integration"
"""Where a session keeps a file that was read, until the form is saved or another is read."""


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """The schema that files are checked against."""
    return JsonResponse(SCHEMA, json_dumps_params={"indent": 2})


@login_required
@require_safe
def export(request: HttpRequest, pk: int) -> HttpResponse:
    """Download an integration as a file; it holds no secret, so whoever sees the integration may."""
    found = readable_integration(request, pk)
    LogEntry.objects.log_create(
        found, action=LogEntry.Action.ACCESS, changes={"export": ["", "as a file"]}, force_log=True
    )
    response = JsonResponse(
        {"$schema": request.build_absolute_uri("/integration-file.schema.json"), **document_of(found)},
        json_dumps_params={"indent": 2, "ensure_ascii": False},
    )
    response["Content-Disposition"] = f'attachment; filename="{found.project_slug}.integration.json"'
    return response


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def import_file(request: HttpRequest) -> HttpResponse:
    """Choose a project and a file; then the form, filled in from it."""
    require_any_write(request)
    chosen = request.GET.get("project", "")
    if TYPED in request.POST:
        return views.add(request, _project(request, chosen).pk)
    if chosen and (document := request.session.get(KEPT)):
        return _filled(request, document, _project(request, chosen))
    problem, typed = "", request.POST.get("text", "")
    if request.method == "POST":
        upload = request.FILES.get("file")
        content = upload.read(MOST_BYTES + 1) if upload else typed
        project = _project(request, request.POST.get("project", ""))
        try:
            request.session[KEPT] = read(content)
            return redirect(f"{request.path}?project={project.pk}")
        except NotAConfiguration as error:
            problem = str(error)
    projects = access_of(request).writable_projects().filter(gone_at=None)
    context = {
        "projects": projects,
        "problem": problem,
        "typed": typed,
        "chosen": request.POST.get("project", ""),
    }
    return render(request, "webhooks/import.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def duplicate(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose another project; then the form, filled in from this integration."""
    found = readable_integration(request, pk)
    require_any_write(request)
    chosen = request.GET.get("project", "")
    if TYPED in request.POST:
        return views.add(request, _project(request, chosen).pk)
    if chosen:
        return _filled(request, document_of(found), _project(request, chosen))
    projects = access_of(request).writable_projects().filter(gone_at=None).exclude(pk=found.project_id)
    return render(request, "webhooks/duplicate.html", {"integration": found, "projects": projects})


def _project(request: HttpRequest, pk: str) -> Project:
    if not pk.isdecimal() or len(pk) > 18:
        raise Http404
    return writable_project(request, int(pk))


def _filled(request: HttpRequest, document: dict[str, object], project: Project) -> HttpResponse:
    """The form of a new integration, as the file says; nothing is stored before Save."""
    filled = prefilled(document, project)
    if filled.missing:
        names = ", ".join(filled.missing[:10])
        flash.warning(request, f"{project} has no {names}. Choose others, or remove these rows.")
    forms = IntegrationForms(filled.data, project=project, access=access_of(request))
    context = {
        "forms": forms,
        "project": project,
        "integration": None,
        "problems": [],
        "listed": look_up(forms),
        "is_filled": True,
    }
    return render(request, "integrations/form.html", context)
