"""Replaying an integration's messages since a time: the count first, then the order."""

from datetime import UTC, datetime

from django.contrib import messages as flash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.template.defaultfilters import pluralize
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from integrations.context import zone_named
from integrations.found import writable_integration
from webhooks.reasons import REASONS
from webhooks.replaying import Choice, order_replay
from webhooks.spans import PRESETS, Span, moment_of, span_of

MOST_COUNTED = 10_000
"""Messages counted before the order is given; the order itself says how many it took."""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def replay_since(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how many messages a replay takes, up to a bound; on POST give the order, however many they are."""
    found = writable_integration(request, pk)
    query = request.POST if request.method == "POST" else request.GET
    span = span_of(query, default="24h", zone=zone_named(request.COOKIES.get("zone", "")))
    reason = query.get("reason", "") if query.get("reason", "") in REASONS else ""
    until = counted_at_of(query)
    choice = choice_of(found.pk, span, reason, until=until)
    if request.method == "POST":
        everything = query.get("everything") == "1"
        count = order_replay(found, choice, everything=everything)
        what = "Everything is sent again." if everything else "What the mapping now adds is sent."
        flash.success(request, f"{count:,} message{pluralize(count)} will be replayed. {what}")
        return redirect(found)
    rows = choice.messages.exclude(reason="") if reason else choice.messages  # as the partial index says it
    count = rows.order_by("-received_at", "-pk")[: MOST_COUNTED + 1].count()
    context = {
        "integration": found,
        "span": span,
        "presets": PRESETS,
        "reasons": REASONS,
        "reason": reason,
        "count": min(count, MOST_COUNTED),
        "is_more": count > MOST_COUNTED,
        "counted_at": until,
    }
    return render(request, "webhooks/replay.html", context)


def choice_of(integration: int, span: Span, reason: str, *, until: datetime) -> Choice:
    """What the page shows the number of, and what its button then orders."""
    since = until - PRESETS[span.name][1] if span.name in PRESETS else span.since
    return Choice(integration, min(until, span.until) if span.until else until, since, reason)


def counted_at_of(query: QueryDict) -> datetime:
    """When the number was shown, so that what comes in meanwhile is not replayed unasked."""
    return moment_of(query.get("counted_at", ""), UTC) or timezone.now()
