"""Which entries of the audit log a page shows: newest first, of what the reader may see, in a bounded look."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q, QuerySet

from integrations.models import (
    Account,
    Environment,
    Membership,
    SdkKeyOrder,
    SentryInstallation,
    SentryIntegration,
)
from integrations.roles import Access
from integrations.validation import whole_number
from webhooks.models import InboxMessage, NoticeReceiver, Problem
from webhooks.spans import Span

LOOK = 1000
"""Entries looked at for one page, where no index finds those to be shown."""

SKEW: Final = timedelta(minutes=10)
"""Ids rise with time; so far apart may the clocks of two machines be."""


@dataclass(frozen=True, slots=True)
class Did:
    """What somebody can do, in the words of the list and of its filter."""

    words: str
    icon: str
    action: int
    mark: str = ""
    """What stands among the changes of an entry, where the action alone does not tell."""


DID: Final = {
    "added": Did("Added", "plus", LogEntry.Action.CREATE),
    "changed": Did("Changed", "edit", LogEntry.Action.UPDATE),
    "deleted": Did("Deleted", "trash", LogEntry.Action.DELETE),
    "showed": Did("Showed masked values", "eye", LogEntry.Action.ACCESS),
    "replayed": Did("Replayed", "replay", LogEntry.Action.UPDATE, "replay"),
    "resent": Did("Sent again", "send", LogEntry.Action.UPDATE, "resend"),
    "tested": Did("Sent a test exception", "send", LogEntry.Action.UPDATE, "test"),
    "noticed": Did("Sent a test notice", "send", LogEntry.Action.UPDATE, "test_notice"),
    "exported": Did("Exported", "file", LogEntry.Action.ACCESS, "export"),
}
ABOUT: Final[dict[str, tuple[type[Model], str]]] = {
    "integration": (SentryIntegration, "Integration"),
    "message": (InboxMessage, "Message"),
    "environment": (Environment, "Environment"),
    "problem": (Problem, "Problem"),
    "installation": (SentryInstallation, "Installation"),
    "key_order": (SdkKeyOrder, "SDK key order"),
    "receiver": (NoticeReceiver, "Receiver of notices"),
    "account": (Account, "Account"),
    "user": (User, "User"),
    "membership": (Membership, "Membership"),
}
KINDS: Final = {model._meta.label_lower: words for model, words in ABOUT.values()}
FOR_ALL: Final = ("integration", "message", "environment", "problem")
"""What others than account admins may find entries about; see `seen_objects`."""


@dataclass(frozen=True, slots=True)
class Found:
    """Entries; `older` continues them, and `looked_back_to` says how far when the look was over before the page."""

    entries: list[LogEntry]
    older: int | None = None
    looked_back_to: datetime | None = None


def did_of(entry: LogEntry) -> Did:
    """What an entry says was done."""
    changes = entry.changes if isinstance(entry.changes, dict) else {}
    alike = [did for did in DID.values() if did.action == entry.action]
    marked = (did for did in alike if did.mark and did.mark in changes)
    return next(marked, alike[0] if alike else DID["changed"])


def about_of(entry: LogEntry) -> str:
    """What kind of thing an entry is about, in the filter's words."""
    kind = entry.content_type
    return KINDS.get(f"{kind.app_label}.{kind.model}") or str(kind.name).capitalize()


def marked(did: Did) -> Q:
    """What is left to ask of entries with the action of `did`; empty when nothing is."""
    if did.mark:
        return Q(changes__has_key=did.mark)
    others = [other.mark for other in DID.values() if other.mark and other.action == did.action]
    return ~Q(changes__has_any_keys=others) if others else Q()


def filtered(query: Mapping[str, Any], span: Span) -> tuple[QuerySet[LogEntry], Q]:
    """The entries that `who`, `did` and `about` of an address leave of a time, and what no index answers of it."""
    rows = within(LogEntry.objects.all(), span)
    if (who := whole_number(query.get("who", ""))) is not None:
        rows = rows.filter(actor=who)
    elif query.get("who") == "system":
        rows = rows.filter(actor=None)
    if query.get("about") in ABOUT:
        model, _ = ABOUT[query["about"]]
        rows = rows.filter(content_type=ContentType.objects.get_for_model(model))
    if did := DID.get(query.get("did", "")):
        return rows.filter(action=did.action), marked(did)
    return rows, Q()


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


def newest(rows: QuerySet[LogEntry], access: Access, *, left: Q, size: int, look: int) -> Found:
    """The newest `size` of `rows` that the reader may see and `left` is true of, found among the newest `look`."""
    rows = rows.order_by("-pk")
    if access.is_account_admin and not left:
        entries = list(rows.select_related("actor", "content_type")[: size + 1])
        return Found(entries[:size], entries[size - 1].pk if len(entries) > size else None)
    looked = list(rows.values_list("pk", "content_type", "object_id", "timestamp")[:look])
    keys = [pk for pk, *_ in looked]
    if not access.is_account_admin:
        seen = seen_objects(access, [(kind, pk) for _, kind, pk, _ in looked])
        keys = [entry for entry, kind, pk, _ in looked if (kind, pk) in seen]
    if left:
        rows = LogEntry.objects.filter(left, pk__in=keys).order_by("-pk")
        keys = list(rows.values_list("pk", flat=True))
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
