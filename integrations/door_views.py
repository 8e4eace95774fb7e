"""The way in and out: landing, login, the reader's display choices, and the page Sentry sends people to."""

from uuid import UUID
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from integrations import announcements
from integrations.context import THEME_COOKIE, THEMES, ZONE_COOKIE, zone_named
from integrations.forms import LoginForm
from integrations.validation import clean_installation_id, clean_slug

YEAR_SECONDS = 365 * 24 * 3600
SETUP_CALLS, SETUP_SECONDS = 20, 60
LONGEST_CODE = 200

login = LoginView.as_view(
    template_name="login.html", authentication_form=LoginForm, redirect_authenticated_user=True
)


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Where pages that are not ours, as Django admin's, look for the icon."""
    return redirect(static("favicon.svg"))


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The landing: the integrations, which say what to do next."""
    return redirect("integrations")


@login_required
@require_safe
def profile(request: HttpRequest) -> HttpResponse:
    """The profile menu as a page, for browsers without popovers, and the choice of a time zone."""
    return render(request, "profile.html", {"zones": ["UTC", *sorted(available_timezones() - {"UTC"})]})


@require_POST
def display(request: HttpRequest) -> HttpResponse:
    """Keep the theme or the time zone in a cookie and go back."""
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = reverse("home")
    zone = request.POST.get("zone", "")
    if zone == "local":
        zone = request.POST.get("zone_name", "")
        back = back if zone else reverse("profile")  # without a script the zone has to be chosen by hand
    response = redirect(back)
    if request.POST.get("theme") in THEMES:
        _keep(response, THEME_COOKIE, request.POST["theme"])
    if zone:
        _keep(response, ZONE_COOKIE, "UTC" if zone == "utc" else str(zone_named(zone)))
    return response


@never_cache
@require_safe
def sentry_setup(request: HttpRequest) -> HttpResponse:
    """Where Sentry sends the installing person: keep the code, then show the Installation ID without it."""
    if _is_too_often(request):
        words = {"title": "Too many visits", "words": "Wait a minute, then open the link from Sentry again."}
        return _private(render(request, "429.html", words, status=429))
    try:
        uuid = clean_installation_id(request.GET.get("installationId", ""))
    except ValidationError:
        return _private(render(request, "integrations/sentry_setup_help.html", status=400))
    organization = _organization(request.GET.get("orgSlug", ""))
    if code := request.GET.get("code", "")[:LONGEST_CODE]:
        announcements.offer_code(uuid, code, organization, at=timezone.now())
        return _private(redirect(_setup_address(uuid, organization)))
    context = {"uuid": uuid, "organization": organization}
    return _private(render(request, "integrations/sentry_setup.html", context))


def _setup_address(uuid: UUID, organization: str) -> str:
    query = {"installationId": str(uuid)} | ({"orgSlug": organization} if organization else {})
    return f"{reverse('sentry_setup')}?{urlencode(query)}"


def _organization(typed: str) -> str:
    try:
        return clean_slug(typed, of="organization")
    except ValidationError:
        return ""


def _is_too_often(request: HttpRequest) -> bool:
    """Count this address; the page needs no login, and each code costs a call to Sentry."""
    key = f"setup:{request.META.get('REMOTE_ADDR', '')}"
    if cache.add(key, 1, SETUP_SECONDS):
        return False
    try:
        return int(cache.incr(key)) > SETUP_CALLS
    except ValueError:  # it expired between the two calls
        return False


def _private(response: HttpResponse) -> HttpResponse:
    """Nothing of this address travels on: it held a code a moment ago."""
    response["Referrer-Policy"] = "no-referrer"
    return response


def _keep(response: HttpResponse, name: str, value: str) -> None:
    response.set_cookie(
        name,
        value,
        max_age=YEAR_SECONDS,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
    )
