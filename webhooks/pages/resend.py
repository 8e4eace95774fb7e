"""Resending what failed since a time: the count first, then the order."""

from auditlog.models import LogEntry
from django.contrib import messages as flash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from integrations.context import zone_named
from integrations.found import require_write, writable_integration
from webhooks.pages.messages import readable_message
from webhooks.resending import MOST_AT_ONCE, failed_of, failed_since
from webhooks.spans import PRESETS, span_of


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def resend_failed(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how much failed in a time; on POST send it again and write that to the audit log."""
    found = writable_integration(request, pk)
    query = request.POST if request.method == "POST" else request.GET
    span = span_of(query, default="24h", zone=zone_named(request.COOKIES.get("zone", "")))
    failed = failed_since(found, span)
    if request.method == "POST":
        words = counted_words(*failed.resend())
        _record(found, f"{words} of {span.words}")
        flash.success(request, f"Sent again: {words}. What was delivered already is not repeated.")
        return redirect(found)
    events, messages = failed.count()
    context = {
        "integration": found, "span": span, "presets": PRESETS, "most": MOST_AT_ONCE, "count": events + messages,
        "words": counted_words(events, messages), "is_most": MOST_AT_ONCE in (events, messages),
    }  # fmt: skip
    return render(request, "webhooks/resend.html", context)


@login_required
@require_POST
def message_resend(request: HttpRequest, pk: int) -> HttpResponse:
    """Send again what failed of one message."""
    message = readable_message(request, pk)
    require_write(request, message.integration.project)
    words = counted_words(*failed_of(message).resend())
    _record(message, words)
    flash.success(request, f"Sent again: {words}.")
    return redirect("message", message.pk)


def counted_words(events: int, messages: int) -> str:
    """As "3 track events and 1 message"; what there is none of is left out."""
    parts = [
        f"{count:,} {word}{'' if count == 1 else 's'}"
        for count, word in ((events, "track event"), (messages, "message"))
        if count
    ]
    return " and ".join(parts) or "nothing"


def _record(about: object, words: str) -> None:
    LogEntry.objects.log_create(about, action=LogEntry.Action.UPDATE, changes={"resend": ["", words]})
