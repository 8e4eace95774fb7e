"""The audit log: who changed, showed or replayed what; entries of what the reader may see."""

import csv
import json
from dataclasses import dataclass
from typing import Final

from auditlog.models import LogEntry
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from integrations.context import zone_named
from integrations.found import access_of
from integrations.models import Environment, SentryIntegration
from integrations.roles import Access
from integrations.states import Status
from integrations.validation import whole_number
from webhooks.masking import mask_text
from webhooks.models import InboxMessage, Problem
from webhooks.spans import PRESETS, span_of

PAGE = 50
MOST_CSV = 10_000
SECRETS: Final = ("key", "token", "secret", "code", "password")
"""Fields whose values are never shown, should one ever be recorded."""

WORDS: Final = {
    LogEntry.Action.CREATE: Status("", "plus", "Added"),
    LogEntry.Action.UPDATE: Status("", "edit", "Changed"),
    LogEntry.Action.DELETE: Status("", "trash", "Deleted"),
    LogEntry.Action.ACCESS: Status("", "eye", "Showed masked values"),
}
DID: Final = {"added": 0, "changed": 1, "deleted": 2, "showed": 3}
ABOUT: Final = {"integration": SentryIntegration, "message": InboxMessage, "environment": Environment}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry in words."""

    entry: LogEntry
    who: str
    did: Status
    changes: tuple[tuple[str, str, str], ...]


@login_required
@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """The entries, newest first; `format=csv` downloads them."""
    query, access = request.GET, access_of(request)
    span = span_of(query, zone=zone_named(request.COOKIES.get("zone", "")))
    rows = visible(access)
    if span.since:
        rows = rows.filter(timestamp__gte=span.since)
    if span.until:
        rows = rows.filter(timestamp__lt=span.until)
    if (who := whole_number(query.get("who", ""))) is not None:
        rows = rows.filter(actor=who)
    elif query.get("who") == "system":
        rows = rows.filter(actor=None)
    if query.get("did") in DID:
        rows = rows.filter(action=DID[query["did"]])
    if query.get("about") in ABOUT:
        rows = rows.filter(content_type=ContentType.objects.get_for_model(ABOUT[query["about"]]))
    if query.get("format") == "csv":
        return _csv(rows)
    before = query.get("before", "")
    if before.isdecimal() and len(before) < 19:
        rows = rows.filter(pk__lt=before)
    found = list(rows.select_related("actor", "content_type").order_by("-pk")[: PAGE + 1])
    context = {
        "entries": [in_words(entry) for entry in found[:PAGE]],
        "older": found[PAGE - 1].pk if len(found) > PAGE else None,
        "is_later_page": bool(before),
        "span": span,
        "presets": PRESETS,
        "people": User.objects.filter(is_active=True).order_by("username")[:200]
        if access.is_account_admin
        else (),
        "did": {"added": "Added", "changed": "Changed", "deleted": "Deleted", "showed": "Showed"},
        "about": {"integration": "Integrations", "message": "Messages", "environment": "Environments"},
    }
    return render(request, "webhooks/audit.html", context)


def visible(access: Access) -> QuerySet[LogEntry]:
    """Every entry for account admins; for others those of integrations, messages and environments they may see."""
    if access.is_account_admin:
        everything: QuerySet[LogEntry] = LogEntry.objects.all()
        return everything
    types = ContentType.objects.get_for_models(SentryIntegration, InboxMessage, Environment, Problem)
    integrations = SentryIntegration.objects.filter(project__in=access.projects())
    rows: QuerySet[LogEntry] = LogEntry.objects.filter(
        Q(content_type=types[SentryIntegration], object_id__in=integrations.values("pk"))
        | Q(
            content_type=types[InboxMessage],
            object_id__in=InboxMessage.objects.filter(integration__in=integrations).values("pk"),
        )
        | Q(
            content_type=types[Environment],
            object_id__in=Environment.objects.filter(project__in=access.projects()).values("pk"),
        )
        | Q(
            content_type=types[Problem],
            object_id__in=Problem.objects.filter(integration__in=integrations).values("pk"),
        )
    )
    return rows


def in_words(entry: LogEntry) -> Entry:
    """One entry, with secrets left out and personal data masked."""
    changes = entry.changes if isinstance(entry.changes, dict) else {}
    did = WORDS.get(entry.action, WORDS[LogEntry.Action.UPDATE])
    if "replay" in changes:
        did = Status("", "replay", "Replayed")
    elif "test" in changes:
        did = Status("", "send", "Sent a test exception")
    elif "export" in changes:
        did = Status("", "file", "Exported")
    told = (_change(name, change) for name, change in changes.items() if name != "payload")
    shown = tuple(change for change in told if change[1] or change[2])
    return Entry(entry, entry.actor.get_username() if entry.actor else "system", did, shown[:12])


def _change(name: str, change: object) -> tuple[str, str, str]:
    before, after = (
        change
        if isinstance(change, list | tuple) and len(change) == 2
        else ("", json.dumps(change, default=str))
    )
    words = name.replace("_", " ")
    if any(secret in name for secret in SECRETS) and not name.endswith("_at"):
        return words, "", "changed"
    return words, _shown(before), _shown(after)


def _shown(value: object) -> str:
    text = "" if value is None or str(value).endswith("None") else str(value)
    return mask_text(text)[:300]


def _csv(rows: QuerySet[LogEntry]) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="audit.csv"'
    writer = csv.writer(response)
    writer.writerow(("time", "who", "did", "to", "details"))
    for entry in rows.select_related("actor", "content_type").order_by("-pk")[:MOST_CSV]:
        words = in_words(entry)
        details = "; ".join(f"{name}: {before} → {after}" for name, before, after in words.changes)
        row = (entry.timestamp.isoformat(), words.who, words.did.word, entry.object_repr, details)
        writer.writerow([_cell(value) for value in row])
    return response


def _cell(value: str) -> str:
    """A text that a spreadsheet does not run as a formula."""
    return f"'{value}" if value[:1] in "=+-@\t\r" else value
