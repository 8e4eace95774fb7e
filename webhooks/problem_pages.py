"""The page of problems: what fails again and again, since when, and how to fix it."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from auditlog.models import LogEntry
from django.contrib import messages as notices
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST, require_safe

from integrations.found import access_of, require_write
from webhooks.charts import spark_path
from webhooks.masking import mask_text
from webhooks.models import HourlyCount, Problem
from webhooks.problems import FROM_SKIPS, visible
from webhooks.rollups import BETWEEN, Count, hour_of
from webhooks.scope import scope_of

MOST = 200
GONE_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Words:
    """What a kind of problem is called, what it means, and what the button to its fix says."""

    title: str
    meaning: str
    fix: str = ""
    kind: str = "warn"
    unit: str = "in 24 h"


KINDS: Final = {
    "environment_unmapped": Words(
        "Environment {} is not mapped",
        "Its exceptions are dropped; the messages are kept and can be replayed.",
        "Map it",
    ),
    "environment_missing": Words(
        "Exceptions name no environment", "Set the environment in the Sentry SDK, then they can be mapped."
    ),
    "identity_missing": Words(
        "No key at {}", "Exceptions have nothing at this path, so this row gives no track events."
    ),
    "identity_not_text": Words(
        "What stands at {} is not text",
        "A key is a text or a whole number. Map a path that leads to one.",
        "Change the path",
    ),
    "identity_too_long": Words(
        "Keys at {} are too long",
        "A key has at most 250 characters. Map a path to a shorter one.",
        "Change the path",
    ),
    "payload_unreadable": Words(
        "Payloads cannot be read", "Sentry sends something that is no exception as documented."
    ),
    "key_missing": Words("{} has no SDK key", "Its track events wait; none is lost.", "Enter a key"),
    "key_refused": Words(
        "Harness FME refuses the SDK key of {}",
        "Its track events wait; none is lost.",
        "Enter a new key",
        kind="bad",
    ),
    "fme_failing": Words(
        "Harness FME takes no events for {}",
        "They wait; none is lost. Delivery is tried again by itself.",
        kind="bad",
    ),
    "environment_gone": Words(
        "Harness FME no longer lists {}",
        "A row still maps to it. Map to another environment.",
        "Change the mapping",
    ),
    "hook_failed": Words(
        "The service hook does not work", "Nothing arrives from Sentry.", "Correct", kind="bad"
    ),
    "connection_lost": Words(
        "The connection to Sentry is lost",
        "The hook can neither be checked nor changed.",
        "Correct",
        kind="bad",
    ),
    "uninstalled": Words(
        "The app was uninstalled in Sentry", "Nothing arrives from Sentry.", "Paste new ID", kind="bad"
    ),
    "events_failed": Words(
        "Track events were refused for good", "Harness FME took the others of the same batch.", kind="bad"
    ),
    "messages_failed": Words(
        "Messages could not be translated", "The reason stands on each message.", kind="bad"
    ),
}
UNKNOWN: Final = Words("Something fails", "")


@dataclass(frozen=True, slots=True)
class Shown:
    """One problem in words."""

    problem: Problem
    words: Words
    title: SafeString
    detail: str
    messages_address: str
    fix_address: str
    spark: str
    may_write: bool


@login_required
@require_safe
def problems(request: HttpRequest) -> HttpResponse:
    """Open problems, muted ones, and those that are gone."""
    scope = scope_of(request)
    rows = visible(access_of(request)).filter(integration__in=scope.ids)
    tabs = {
        "open": rows.filter(gone_at=None, muted_at=None),
        "muted": rows.filter(gone_at=None).exclude(muted_at=None),
        "gone": rows.filter(gone_at__gte=timezone.now() - GONE_FOR),
    }
    tab = request.GET.get("tab", "open") if request.GET.get("tab") in tabs else "open"
    order = "-gone_at" if tab == "gone" else "-last_seen_at"
    found = list(tabs[tab].select_related("integration__project").order_by(order, "pk")[:MOST])
    context = {
        "scope": scope,
        "tab": tab,
        "counts": {name: tabs[name].count() for name in tabs},
        "shown": _shown(request, found),
    }
    return render(request, "webhooks/problems.html", context)


@login_required
@require_POST
def problem_mute(request: HttpRequest, pk: int) -> HttpResponse:
    """Mute or unmute: a muted problem is still watched, and comes back when it was gone in between."""
    problem = get_object_or_404(visible(access_of(request)).select_related("integration__project"), pk=pk)
    require_write(request, problem.integration.project)
    is_muted = request.POST.get("muted") == "1"
    problem.muted_at = timezone.now() if is_muted else None
    problem.save(update_fields=["muted_at"])
    words = "muted" if is_muted else "open"
    LogEntry.objects.log_create(
        problem, action=LogEntry.Action.UPDATE, changes={"problem": ["open" if is_muted else "muted", words]}
    )
    notices.success(request, "Muted. It stays under Muted until it is gone." if is_muted else "Open again.")
    return redirect("problems")


def _shown(request: HttpRequest, found: list[Problem]) -> list[Shown]:
    access, sparks = access_of(request), _sparks(found)
    shown = []
    for problem in found:
        words = KINDS.get(problem.kind, UNKNOWN)
        subject = format_html("<code>{}</code>", mask_text(problem.subject))
        shown.append(
            Shown(
                problem=problem,
                words=words,
                title=format_html(words.title, subject),
                detail=mask_text(problem.detail) if problem.kind not in FROM_SKIPS else "",
                messages_address=_messages(problem),
                fix_address=_fix(problem) if words.fix else "",
                spark=spark_path(sparks.get(problem.pk, ())),
                may_write=access.may_write(problem.integration.project),
            )
        )
    return shown


def _messages(problem: Problem) -> str:
    """Where the messages of a problem are listed."""
    query: dict[str, object] = {"integration": problem.integration_id}
    if problem.kind in FROM_SKIPS:
        query |= {"reason": problem.kind} | ({"subject": problem.subject} if problem.subject else {})
    elif problem.kind in ("events_failed", "messages_failed"):
        query["state"] = "failed"
    elif problem.kind in ("key_missing", "key_refused", "fme_failing", "environment_gone"):
        query["state"] = "waiting"
    return f"{reverse('messages')}?{urlencode(query)}"


def _fix(problem: Problem) -> str:
    if problem.kind in ("key_missing", "key_refused"):
        return reverse("environments")
    return reverse("integration_edit", args=[problem.integration_id])


def _sparks(found: list[Problem]) -> dict[int, list[int]]:
    """How often each came per hour of the last day; one query."""
    first = hour_of(timezone.now()) - timedelta(hours=23)
    labels = {
        (problem.integration_id, f"{problem.kind}{BETWEEN}{problem.subject}"): problem.pk
        for problem in found
        if problem.kind in FROM_SKIPS
    }
    rows = HourlyCount.objects.filter(
        integration__in={pk for pk, _ in labels}, name=Count.SKIPPED, hour__gte=first,
        label__in={label for _, label in labels},
    )  # fmt: skip
    sparks: defaultdict[int, list[int]] = defaultdict(lambda: [0] * 24)
    for integration, label, hour, count in rows.values_list("integration_id", "label", "hour", "count"):
        place = int((hour - first).total_seconds() // 3600)
        if (pk := labels.get((integration, label))) and 0 <= place < 24:
            sparks[pk][place] += count
    return sparks
