"""The audit log: who changed, showed or replayed what; entries of what the reader may see."""

import csv
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from auditlog.models import LogEntry
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from integrations.context import zone_named
from integrations.found import access_of
from integrations.models import Project
from integrations.states import Status
from integrations.validation import whole_number
from webhooks.masking import mask_text
from webhooks.pages.audit_entries import ABOUT, DID, FOR_ALL, LOOK, Found, about_of, did_of, filtered, newest
from webhooks.spans import PRESETS, span_of

PAGE = 50
MOST_CSV = 10_000
SECRETS: Final = ("key", "token", "secret", "code", "password")
"""Fields whose values are never shown, should one ever be recorded."""

MANY: Final = {"add": "added", "delete": "removed", "clear": "removed all"}
"""What was done to a list of related rows, by the word of the audit log."""

MICROSECONDS: Final = re.compile(r"(?<=:\d\d)\.\d{6}$")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry in words."""

    entry: LogEntry
    who: str
    did: Status
    about: str
    changes: tuple[tuple[str, str, str], ...]


@login_required
@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """The entries, newest first; `format=csv` downloads them."""
    query, access = request.GET, access_of(request)
    span = span_of(query, zone=zone_named(request.COOKIES.get("zone", "")))
    rows, left = filtered(query, span)
    if query.get("format") == "csv":
        return _csv(newest(rows, access, left=left, size=MOST_CSV, look=MOST_CSV))
    before = query.get("before", "")
    if before.isdecimal() and len(before) < 19:
        rows = rows.filter(pk__lt=before)
    found = newest(rows, access, left=left, size=PAGE, look=LOOK)
    projects = projects_named(found.entries)
    context = {
        "entries": [in_words(entry, projects) for entry in found.entries],
        "older": found.older,
        "looked_back_to": found.looked_back_to,
        "is_later_page": bool(before),
        "span": span,
        "presets": PRESETS,
        "people": User.objects.filter(is_active=True).order_by("username")[:200]
        if access.is_account_admin
        else (),
        "did": {name: did.words for name, did in DID.items()},
        "about": {
            name: words for name, (_, words) in ABOUT.items() if access.is_account_admin or name in FOR_ALL
        },
    }
    return render(request, "webhooks/audit.html", context)


def projects_named(entries: Iterable[LogEntry]) -> dict[str, str]:
    """The names of the projects that entries speak of by their ids; one query."""
    changes = [entry.changes.get("project") for entry in entries if isinstance(entry.changes, dict)]
    ids = {whole_number(str(value)) for change in changes if isinstance(change, list) for value in change}
    rows = Project.objects.filter(pk__in=[pk for pk in ids if pk is not None])
    return {str(pk): name for pk, name in rows.values_list("pk", "name")}


def in_words(entry: LogEntry, projects: Mapping[str, str]) -> Entry:
    """One entry, with secrets left out and personal data masked."""
    changes = entry.changes if isinstance(entry.changes, dict) else {}
    did = did_of(entry)
    if isinstance(change := changes.get("project"), list):
        changes = changes | {"project": [projects.get(str(value), value) for value in change]}
    told = (_change(name, change) for name, change in changes.items() if name != "payload")
    shown = sorted((change for change in told if change[1] or change[2]), key=_tells_little)
    who = entry.actor.get_username() if entry.actor else "system"
    return Entry(entry, who, Status("", did.icon, did.words), about_of(entry), tuple(shown[:12]))


def _tells_little(change: tuple[str, str, str]) -> bool:
    """Whether a change is of a number or a switch: words come first, and the first stands in the list."""
    return change[2].isdigit() or change[2] in ("True", "False", "")


def _change(name: str, change: object) -> tuple[str, str, str]:
    before, after = (
        change
        if isinstance(change, list | tuple) and len(change) == 2
        else ("", json.dumps(change, default=str))
    )
    words = name.replace("_", " ")
    if isinstance(change, dict) and change.get("type") == "m2m":
        return (
            words,
            "",
            f"{MANY.get(str(change.get('operation')), 'changed')} {', '.join(change.get('objects', ()))}",
        )
    if any(secret in name for secret in SECRETS) and not name.endswith("_at"):
        return words, "", "changed"
    return words, _shown(before), _shown(after)


def _shown(value: object) -> str:
    text = "" if value is None or str(value).endswith("None") else str(value)
    return mask_text(MICROSECONDS.sub(" UTC", text))[:300]


def _csv(found: Found) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="audit.csv"'
    writer = csv.writer(response)
    writer.writerow(("time", "who", "did", "to", "details"))
    projects = projects_named(found.entries)
    for entry in found.entries:
        words = in_words(entry, projects)
        details = "; ".join(f"{name}: {before} → {after}" for name, before, after in words.changes)
        row = (entry.timestamp.isoformat(), words.who, words.did.word, entry.object_repr, details)
        writer.writerow([_cell(value) for value in row])
    return response


def _cell(value: str) -> str:
    """A text that a spreadsheet does not run as a formula."""
    return f"'{value}" if value[:1] in "=+-@\t\r" else value
