"""Error pages that say what happened, what it means and what to do; none of them needs the database."""

import logging
import sys
from uuid import uuid4

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string

logger = logging.getLogger(__name__)

RETRY_SECONDS = "10"
API = "/api/"
"""Programs ask there, so the answer is no page."""


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: a role that may look and not change; the reason comes with the exception."""
    return render(request, "403.html", {"reason": str(exception or "")}, status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: nothing there, or nothing for this person; both look the same."""
    return render(request, "404.html", status=404)


def only_for_forms(request: HttpRequest) -> HttpResponse:
    """405: opened in a browser, as after a login that a form came to."""
    return render(request, "405.html", status=405)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form was open too long, or cookies are blocked."""
    return render(request, "403_csrf.html", status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 when the database is away; the reference finds the traceback in the log."""
    is_away = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    reference = uuid4().hex[:12]
    if not is_away:
        logger.error("A page broke; it showed the reference %s", reference)
    status, headers = (503, {"Retry-After": RETRY_SECONDS}) if is_away else (500, {})
    if request.path_info.startswith(API):
        words = "The database is away. Try again soon." if is_away else f"An error of ours: {reference}."
        return JsonResponse({"detail": words}, status=status, headers=headers)
    page = static_page("503.html") if is_away else static_page("500.html", reference=reference)
    return HttpResponse(page, status=status, headers=headers)


def static_page(name: str, **context: str) -> str:
    """Render without a request, so that no context processor runs."""
    return render_to_string(name, context)
