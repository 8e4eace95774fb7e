"""The sandbox's pages: throw, watch, look at what FME received, be Sentry's administrator, let peers fail."""

import time
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from sandbox import actions, failures, reports
from sandbox.examples import EXAMPLES
from sandbox.failures import Failure
from sandbox.forms import ThrowForm
from sandbox.store import set_setting, setting, store
from sandbox.story import tell

Json = dict[str, Any]
WATCH_SECONDS = 3.0
SHOWN = 20
FME_CHOICES = {
    "normally": None,
    "after 5 seconds": Failure("fme_events", "slow", seconds=5),
    "503": Failure("fme_events", "status", status=503),
    "429": Failure("fme_events", "status", status=429, retry_after=10),
    "401": Failure("fme_events", "status", status=401),
    "400": Failure("fme_events", "status", status=400),
    "drops the connection": Failure("fme_events", "drop_after"),
    "takes it, answers nothing": Failure("fme_events", "lose_answer"),
}
SENTRY_CHOICES = {
    "normally": None,
    "after 5 seconds": Failure("sentry_api", "slow", seconds=5),
    "503": Failure("sentry_api", "status", status=503),
    "429": Failure("sentry_api", "status", status=429, retry_after=10),
    "403": Failure(
        "sentry_api",
        "status",
        status=403,
        body='{"detail": "You do not have permission to perform this action."}',
    ),
    "drops the connection": Failure("sentry_api", "drop_after"),
}
CHOICES = {"fme_events": FME_CHOICES, "sentry_api": SENTRY_CHOICES}


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Throw and watch."""
    return _home(request, ThrowForm())


@require_POST
def throw(request: HttpRequest) -> HttpResponse:
    """Throw what was chosen, wait a moment for its way, show it."""
    form = ThrowForm(request.POST)
    if not form.is_valid():
        return _home(request, form, status=422)
    event_id = actions.throw(form.call())
    if form.cleaned_data["twice"]:
        actions.deliver_again(event_id)
    _watch(event_id)
    return redirect(f"/?example={form.cleaned_data['example']}&event={event_id}#happening")


@require_GET
def received(request: HttpRequest) -> HttpResponse:
    """What FME received, or dropped."""
    wanted = {name: request.GET.get(name, "") for name in ("environment", "key", "event_type", "dropped")}
    wanted["dropped"] = wanted["dropped"] or "any"
    found = reports.received({**wanted, "limit": 100})
    return render(
        request, "sandbox/received.html", {"found": found, "wanted": wanted, "environments": _environments()}
    )


@require_GET
def sentry(request: HttpRequest) -> HttpResponse:
    """The side of Sentry's administrator."""
    state = reports.state()
    context = {
        "state": state,
        "installations": [row for row in state["installations"] if row["deleted"] is None],
        "deliveries": reports.deliveries({"limit": SHOWN}),
        "has_service_hooks": setting("service_hooks", True),
        "has_app_events": "error" in setting("app_events", []),
        "failing": _failing("sentry_api"),
        "choices": SENTRY_CHOICES,
    }
    return render(request, "sandbox/sentry.html", context)


@require_POST
def fail(request: HttpRequest) -> HttpResponse:
    """Let a peer fail, until changed or for a number of requests, everywhere or for one FME environment."""
    peer = request.POST.get("peer", "")
    choices = CHOICES.get(peer)
    if choices is None:
        return redirect("/")
    failures.clear_failures(peer)
    if failure := choices.get(request.POST.get("kind", "")):
        times = request.POST.get("times", "")
        environment = request.POST.get("environment", "")
        count = int(times) if times.isdigit() else None
        failures.set_failure(replace(failure, times=count, environment=environment))
    return redirect("/#failing" if peer == "fme_events" else "/sentry#failing")


@require_POST
def plan(request: HttpRequest) -> HttpResponse:
    """What the organization's plan and the app's registration allow."""
    set_setting("service_hooks", "service_hooks" in request.POST)
    set_setting("app_events", ["error"] if "app_events" in request.POST else [])
    return redirect("/sentry#plan")


@require_POST
def clear(request: HttpRequest) -> HttpResponse:
    """Forget what FME received."""
    actions.forget_received()
    return redirect("/received" if request.POST.get("from") == "received" else "/")


@require_POST
def install(request: HttpRequest) -> HttpResponse:
    """Accept & Install: Sentry sends the browser to the app's redirect address."""
    return redirect(actions.install("")["redirect"])


@require_POST
def uninstall(request: HttpRequest) -> HttpResponse:
    actions.uninstall(request.POST.get("uuid", ""))
    return redirect("/sentry")


def _home(request: HttpRequest, form: ThrowForm, status: int = 200) -> HttpResponse:
    event_id = request.GET.get("event") or store().value("SELECT event_id FROM events ORDER BY id DESC")
    projects = reports.state()["projects"]
    context = {
        "form": form,
        "examples": EXAMPLES,
        "chosen": form["example"].value() or request.GET.get("example") or EXAMPLES[0].name,
        "projects": projects,
        "story": tell(event_id) if event_id else None,
        "found": reports.received({"limit": SHOWN, "dropped": "any"}),
        "environments": _environments(),
        "failing": _failing("fme_events"),
        "choices": FME_CHOICES,
    }
    return render(request, "sandbox/home.html", context, status=status)


def _watch(event_id: str) -> None:
    """A browser without JavaScript asks once; so the answer waits a little for the end of the story."""
    end = time.monotonic() + WATCH_SECONDS
    while time.monotonic() < end:
        story = tell(event_id)
        if story is None or story.is_over:
            return
        time.sleep(0.1)


def _environments() -> list[Json]:
    """All environments of FME with their project's name."""
    sql = (
        "SELECT e.id, e.name, w.name AS workspace FROM fme_environments e"
        " JOIN workspaces w ON w.id = e.workspace_id ORDER BY w.position, e.position"
    )
    return [dict(row) for row in store().rows(sql)]


def _failing(peer: str) -> Json | None:
    """The switch that is set for a peer, and which choice of the page it is."""
    rows = [row for row in failures.list_failures() if row["peer"] == peer]
    if not rows:
        return None
    names = ("kind", "status", "seconds")
    known = (
        name
        for name, made in CHOICES[peer].items()
        if made and all(getattr(made, n) == rows[0][n] for n in names)
    )
    return rows[0] | {"choice": next(known, "as set by a control call")}
