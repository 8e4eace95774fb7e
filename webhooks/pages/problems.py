"""The page of problems: what fails again and again, since when, and how to fix it."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from auditlog.models import LogEntry
from django.contrib import messages as flash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST, require_safe

from integrations.found import access_of, require_write
from webhooks.masking import mask_text
from webhooks.models import HourlyCount, Problem
from webhooks.pages.charts import spark_path
from webhooks.pages.scope import scope_of
from webhooks.problem_words import FROM_SKIPS, Words, detail_of, fix_of, words_of
from webhooks.problems import visible
from webhooks.rollups import BETWEEN, Count, hour_of

MOST = 200
GONE_FOR = timedelta(days=7)


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
    chosen = (
        tabs[tab].select_related("integration__project").prefetch_related("integration__identity_mappings")
    )
    found = list(chosen.order_by(order, "pk")[:MOST])
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
    flash.success(request, "Muted. It stays under Muted until it is gone." if is_muted else "Open again.")
    return redirect(f"{reverse('problems')}?{request.GET.urlencode()}".rstrip("?"))


def _shown(request: HttpRequest, found: list[Problem]) -> list[Shown]:
    access, sparks = access_of(request), _sparks(found)
    shown = []
    for problem in found:
        words = words_of(problem)
        subject = format_html("<code>{}</code>", mask_text(problem.subject))
        shown.append(
            Shown(
                problem=problem,
                words=words,
                title=format_html(words.title, subject),
                detail=detail_of(problem),
                messages_address=_messages(problem),
                fix_address=_fix(problem),
                spark=spark_path(sparks.get(problem.pk, ())),
                may_write=access.may_write(problem.integration.project),
            )
        )
    return shown


def _fix(problem: Problem) -> str:
    """Where it is mended; an environment that is not mapped has its row there already."""
    query = {"environment": problem.subject} if problem.kind == "environment_unmapped" else {}
    return fix_of(problem) + (f"?{urlencode(query)}" if query else "")


def _messages(problem: Problem) -> str:
    """Where the messages of a problem are listed."""
    query: dict[str, object] = {"integration": problem.integration_id}
    if problem.kind in FROM_SKIPS:
        query |= {"reason": problem.kind} | ({"subject": problem.subject} if is_first(problem) else {})
    elif problem.kind in ("events_failed", "messages_failed"):
        query["state"] = "failed"
    elif problem.kind in ("key_missing", "key_refused", "fme_failing", "environment_gone"):
        query["state"] = "waiting"
    return f"{reverse('messages')}?{urlencode(query)}"


def is_first(problem: Problem) -> bool:
    """Whether the log can tell its messages by the subject: it knows that of a message's first skip only.

    Where the path of an earlier row is missing too, that one comes first; then the reason alone finds the messages.
    """
    paths = [row.path for row in problem.integration.identity_mappings.all()]
    return problem.subject != "" and (problem.subject not in paths or problem.subject == paths[0])


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
