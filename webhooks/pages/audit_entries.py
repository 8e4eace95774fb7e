"""Which entries of the audit log a page shows: newest first, of what the reader may see, in a bounded look."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet

from integrations.models import Environment, SentryIntegration
from integrations.roles import Access
from integrations.validation import whole_number
from webhooks.models import InboxMessage, NoticeReceiver, Problem
from webhooks.spans import Span

LOOK = 1000
"""Entries looked at for one page of a reader who does not see all of them."""

SKEW: Final = timedelta(minutes=10)
"""Ids rise with time; so far apart may the clocks of two machines be."""

DID: Final = {"added": 0, "changed": 1, "deleted": 2, "showed": 3}
ABOUT: Final[dict[str, type[Model]]] = {
    "integration": SentryIntegration,
    "message": InboxMessage,
    "environment": Environment,
    "receiver": NoticeReceiver,
}


@dataclass(frozen=True, slots=True)
class Found:
    """Entries; `older` continues them, and `looked_back_to` says how far when the look was over before the page."""

    entries: list[LogEntry]
    older: int | None = None
    looked_back_to: datetime | None = None


def filtered(query: Mapping[str, Any], span: Span) -> QuerySet[LogEntry]:
    """The entries that `who`, `did` and `about` of an address leave of a time."""
    rows = within(LogEntry.objects.all(), span)
    if (who := whole_number(query.get("who", ""))) is not None:
        rows = rows.filter(actor=who)
    elif query.get("who") == "system":
        rows = rows.filter(actor=None)
    if query.get("did") in DID:
        rows = rows.filter(action=DID[query["did"]])
    if query.get("about") in ABOUT:
        rows = rows.filter(content_type=ContentType.objects.get_for_model(ABOUT[query["about"]]))
    return rows


def within(rows: QuerySet[LogEntry], span: Span) -> QuerySet[LogEntry]:
    """Entries of a time, between the ids that the index of times finds: pages follow the ids."""
    times = LogEntry.objects.values_list("pk", flat=True)
    if span.since:
        first = times.filter(timestamp__gte=moved(span.since, -SKEW)).order_by("timestamp").first()
        rows = rows.filter(timestamp__gte=span.since, pk__gte=first) if first else rows.none()
    if span.until:
        last = times.filter(timestamp__lt=moved(span.until, SKEW)).order_by("-timestamp").first()
        rows = rows.filter(timestamp__lt=span.until, pk__lte=last) if last else rows.none()
    return rows


def moved(moment: datetime, by: timedelta) -> datetime:
    """So much later or earlier, where the calendar goes on."""
    try:
        return moment + by
    except OverflowError:
        return moment


def newest(rows: QuerySet[LogEntry], access: Access, *, size: int, look: int) -> Found:
    """The newest `size` of `rows` that the reader may see, found among the newest `look`."""
    rows = rows.order_by("-pk")
    if access.is_account_admin:
        entries = list(rows.select_related("actor", "content_type")[: size + 1])
        return Found(entries[:size], entries[size - 1].pk if len(entries) > size else None)
    looked = list(rows.values_list("pk", "content_type", "object_id", "timestamp")[:look])
    seen = seen_objects(access, [(kind, pk) for _, kind, pk, _ in looked])
    keys = [entry for entry, kind, pk, _ in looked if (kind, pk) in seen]
    shown = LogEntry.objects.filter(pk__in=keys[:size]).select_related("actor", "content_type")
    entries = list(shown.order_by("-pk"))
    if len(keys) > size:
        return Found(entries, keys[size - 1])
    if len(looked) < look:
        return Found(entries)
    return Found(entries, looked[-1][0], looked[-1][3])


def seen_objects(access: Access, objects: list[tuple[int, int]]) -> set[tuple[int, int]]:
    """Those of `objects` (content type and id) that belong to a project of the reader; a query for each type."""
    integrations = SentryIntegration.objects.filter(project__in=access.projects())
    readable: dict[type[Model], QuerySet[Any]] = {
        SentryIntegration: integrations,
        InboxMessage: InboxMessage.objects.filter(integration__in=integrations),
        Environment: Environment.objects.filter(project__in=access.projects()),
        Problem: Problem.objects.filter(integration__in=integrations),
    }
    by_type: defaultdict[int, set[int]] = defaultdict(set)
    for kind, pk in objects:
        by_type[kind].add(pk)
    types = ContentType.objects.get_for_models(*readable)
    return {
        (types[model].pk, pk)
        for model, rows in readable.items()
        for pk in rows.filter(pk__in=by_type[types[model].pk]).order_by().values_list("pk", flat=True)
    }
