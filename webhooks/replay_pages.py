"""Replaying an integration's messages since a time: the count first, then the order."""

from datetime import datetime

from auditlog.models import LogEntry
from django.contrib import messages as notices
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from durable.models import DurableQuerySet
from integrations.context import zone_named
from integrations.found import writable_integration
from webhooks.inbox import replay
from webhooks.models import InboxMessage
from webhooks.reasons import REASONS
from webhooks.spans import PRESETS, Span, span_of

MOST_AT_ONCE = 10_000
"""Messages replayed by one order; what is beyond it takes another."""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def replay_since(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how many messages a replay takes; on POST give the order and write it to the audit log."""
    found = writable_integration(request, pk)
    query = request.POST if request.method == "POST" else request.GET
    span = span_of(query, default="24h", zone=zone_named(request.COOKIES.get("zone", "")))
    reason = query.get("reason", "") if query.get("reason", "") in REASONS else ""
    if request.method == "POST":
        # Up to the moment the count was shown, so that what comes in meanwhile is not replayed unasked.
        until = _until(query, span)
        chosen = matching(found.pk, Span(span.name, span.since, until), reason)
        count = replay(chosen, everything=query.get("everything") == "1")
        _record(found, count, span, reason)
        notices.success(request, f"{count:,} messages are replayed. What the mapping now adds is sent.")
        return redirect(found)
    context = {
        "integration": found,
        "span": span,
        "presets": PRESETS,
        "reasons": REASONS,
        "reason": reason,
        "count": matching(found.pk, span, reason).count(),
        "most": MOST_AT_ONCE,
        "counted_at": timezone.now(),
    }
    return render(request, "webhooks/replay.html", context)


def matching(integration: int, span: Span, reason: str) -> DurableQuerySet[InboxMessage]:
    """Messages a replay takes: translated, with their payload, of that time; at most MOST_AT_ONCE, newest first."""
    rows = InboxMessage.objects.filter(integration=integration).exclude(state="pending").exclude(body=None)
    if reason:
        rows = rows.filter(reason=reason)
    if span.since:
        rows = rows.filter(received_at__gte=span.since)
    if span.until:
        rows = rows.filter(received_at__lt=span.until)
    newest = rows.order_by("-received_at", "-pk").values("pk")[:MOST_AT_ONCE]
    return InboxMessage.objects.filter(pk__in=newest)


def _until(query: QueryDict, span: Span) -> datetime | None:
    try:
        counted_at = datetime.fromisoformat(query.get("counted_at", ""))
    except ValueError:
        return span.until
    if timezone.is_naive(counted_at):
        return span.until
    return min(counted_at, span.until) if span.until else counted_at


def _record(integration: object, count: int, span: Span, reason: str) -> None:
    words = f"{count} messages of {span.words}" + (f", {REASONS[reason].words}" if reason else "")
    LogEntry.objects.log_create(integration, action=LogEntry.Action.UPDATE, changes={"replay": ["", words]})
