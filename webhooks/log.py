"""The log of messages, newest first: filters, pages by cursor, and the bound on what one page reads.

A page follows one index of each integration in view, newest first, and looks at no more than `WINDOW` messages: a
filter that no index answers finds what is among them, and the page says how far back it looked and goes on from
there. What is rare (a key, a culprit's event type, what waits or failed) is found by its own index instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from integrations.mapping.culprit import PLAIN_EVENT_TYPE
from integrations.models import Environment, SentryIntegration
from webhooks import sql
from webhooks.models import InboxMessage, OutboxEvent
from webhooks.spans import Span

PAGE = 50
WINDOW = 1000

STAGES = {
    "exception": ("not_an_exception", "payload_unreadable", "integration_paused", "uninstalled"),
    "matched": ("environment_missing", "environment_unmapped"),
    "identified": ("identity_missing", "identity_not_text", "identity_too_long", "culprit_missing"),
}
"""What stops a message at each stage of its way, in order."""

STATES = {
    "delivered": "Delivered",
    "partly": "Partly delivered",
    "waiting": "Waiting",
    "dropped": "Dropped",
    "failed": "Failed",
}


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the log: after or before this message."""

    received_at: datetime
    id: int

    def __str__(self) -> str:
        return f"{int(self.received_at.timestamp() * 1_000_000)}-{self.id}"

    @classmethod
    def of(cls, message: InboxMessage) -> "Cursor":
        """The place of a message."""
        return cls(message.received_at, message.pk)

    @classmethod
    def parse(cls, text: str) -> "Cursor | None":
        """What `str` wrote; None for anything else."""
        micros, _, pk = text.partition("-")
        if not (micros.isdecimal() and pk.isdecimal() and len(micros) < 17 and len(pk) < 19):
            return None
        seconds, rest = divmod(int(micros), 1_000_000)
        return cls(datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest), int(pk))


@dataclass(frozen=True, slots=True)
class Filter:
    """What the log shows; blank means any. `integrations` are those in view."""

    integrations: tuple[SentryIntegration, ...]
    span: Span
    state: str = ""
    environment: str = ""
    reason: str = ""
    subject: str = ""
    event_type: str = ""
    key: str = ""
    text: str = ""
    fme_environment: str = ""
    traffic_type: str = ""
    event_state: str = ""
    stage: str = ""
    """Messages that came at least so far: "exception", "matched", "identified"."""

    @property
    def ids(self) -> list[int]:
        """Ids of the integrations in view."""
        return [integration.pk for integration in self.integrations]

    @property
    def event_id(self) -> str:
        """The text as an event id, when it is one."""
        text = self.text.replace("-", "").lower()
        return text if len(text) == 32 and not text.strip("0123456789abcdef") else ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the log; `older` and `newer` continue it. `looked_back_to` when the window ended it."""

    messages: list[InboxMessage]
    older: Cursor | None = None
    newer: Cursor | None = None
    looked_back_to: datetime | None = None


def read_page(
    wanted: Filter, *, before: Cursor | None = None, after: Cursor | None = None, size: int = PAGE
) -> Page:
    """The page before (older than) or after (newer than) a place; the newest without either."""
    if not wanted.integrations:
        return Page([])
    backwards = after is not None and before is None
    candidates, is_cut = _candidates(wanted, before=before, after=after, size=size)
    rows = InboxMessage.objects.filter(pk__in=[cursor.id for cursor in candidates]).defer("body")
    order = ("received_at", "pk") if backwards else ("-received_at", "-pk")
    found = list(rows.filter(_remaining(wanted)).order_by(*order)[: size + 1])
    has_more, shown = len(found) > size, found[:size]
    if backwards:
        shown.reverse()
    edge = candidates[-1] if is_cut and candidates else None
    if has_more:
        edge = Cursor.of(shown[0] if backwards else shown[-1])
    if backwards:
        return Page(shown, older=Cursor.of(shown[-1]) if shown else after, newer=edge)
    looked = edge.received_at if edge and not has_more else None
    return Page(shown, edge, (Cursor.of(shown[0]) if shown else before) if before else None, looked)


def new_since(wanted: Filter, after_id: int, *, size: int = PAGE) -> list[InboxMessage]:
    """Messages stored after the one with this id, newest first; for the live tail."""
    part = (
        "SELECT * FROM (SELECT id FROM webhooks_inboxmessage WHERE integration_id = %s AND id > %s "
        "ORDER BY id LIMIT %s) AS part"
    )
    if not wanted.integrations:
        return []
    values = [value for pk in wanted.ids for value in (pk, after_id, size)]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([part] * len(wanted.integrations)), values)
        ids = sorted(row[0] for row in cursor.fetchall())[:size]
    rows = InboxMessage.objects.filter(pk__in=ids).defer("body").filter(_remaining(wanted))
    return list(rows.order_by("-pk"))


def newest_id(wanted: Filter) -> int:
    """The highest id among the messages in view: where the live tail begins; 0 without any."""
    part = (
        "SELECT * FROM (SELECT id FROM webhooks_inboxmessage WHERE integration_id = %s "
        "ORDER BY id DESC LIMIT 1) AS part"
    )
    if not wanted.integrations:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([part] * len(wanted.integrations)), wanted.ids)
        return max((row[0] for row in cursor.fetchall()), default=0)


def _candidates(
    wanted: Filter, *, before: Cursor | None, after: Cursor | None, size: int
) -> tuple[list[Cursor], bool]:
    """Messages worth looking at, in page order, and whether there are more of them beyond the window."""
    limit = WINDOW if _has_residue(wanted) else size + 1
    rare = _rare(wanted)
    if rare is not None:
        if not rare:
            return [], False
        parts, values = (
            [f"integration_id IN {_places(wanted.ids)}", f"id IN {_places(rare)}"],
            [*wanted.ids, *rare],
        )
        statement, values = _part(parts, values, wanted.span, before, after, limit)
    else:
        pieces = [
            _part([*conditions], [*values], wanted.span, before, after, limit)
            for conditions, values in _streams(wanted)
        ]
        statement = " UNION ALL ".join(piece for piece, _ in pieces)
        values = [value for _, given in pieces for value in given]
    direction = "ASC" if after and not before else "DESC"
    with connection.cursor() as cursor:
        cursor.execute(
            f"{statement} ORDER BY received_at {direction}, id {direction} LIMIT %s", [*values, limit]
        )
        found = [Cursor(sql.as_time(at), pk) for pk, at in cursor.fetchall()]
    return found, len(found) == limit


def _streams(wanted: Filter) -> list[tuple[list[str], list[Any]]]:
    """For each integration, the conditions that an index answers. Those of partial indexes stand word by word."""
    conditions, values = ["integration_id = %s"], []
    if wanted.reason:
        conditions += ["NOT (reason = '')", "reason = %s"]
        values = [wanted.reason]
    elif wanted.state in ("dropped", "partly"):
        conditions += ["outcome IN ('dropped', 'partly')", "outcome = %s"]
        values = [wanted.state]
    return [(conditions, [pk, *values]) for pk in wanted.ids]


def _part(
    conditions: list[str],
    values: list[Any],
    span: Span,
    before: Cursor | None,
    after: Cursor | None,
    limit: int,
) -> tuple[str, list[Any]]:
    for operator, at in ((">=", span.since), ("<", span.until)):
        if at:
            conditions, values = [*conditions, f"received_at {operator} %s"], [*values, sql.adapted(at)]
    for operator, place in (("<", before), (">", after)):
        if place:
            conditions = [*conditions, f"(received_at, id) {operator} (%s, %s)"]
            values = [*values, sql.adapted(place.received_at), place.id]
    direction = "ASC" if after and not before else "DESC"
    statement = (
        f"SELECT * FROM (SELECT id, received_at FROM webhooks_inboxmessage WHERE {' AND '.join(conditions)} "  # noqa: S608 - our own words
        f"ORDER BY received_at {direction}, id {direction} LIMIT %s) AS part"
    )
    return statement, [*values, limit]


def _has_residue(wanted: Filter) -> bool:
    """Whether anything is left to check that the followed index does not answer."""
    if asked_of_events(wanted):
        return True
    left = (wanted.environment, wanted.text, wanted.key, wanted.event_type, wanted.subject, wanted.stage)
    return (
        any(left)
        or wanted.state in ("delivered", "waiting", "failed", "partly")
        or bool(wanted.reason and wanted.state)
    )


def _rare(wanted: Filter) -> list[int] | None:
    """Ids of all messages that can match, when an index finds them and they are few; None when they are many."""
    events = OutboxEvent.objects.order_by()
    if wanted.event_id:
        return list(
            InboxMessage.objects.filter(integration__in=wanted.ids, event_id=wanted.event_id).values_list(
                "pk", flat=True
            )
        )
    if wanted.key:
        return _few(events.filter(key=wanted.key).order_by("-id"))
    if wanted.event_type and wanted.event_type != PLAIN_EVENT_TYPE:
        return _few(
            events.filter(~Q(event_type=PLAIN_EVENT_TYPE), event_type=wanted.event_type).order_by("-id")
        )
    if wanted.state in ("waiting", "failed"):
        state = "pending" if wanted.state == "waiting" else "dead"
        projects = {integration.project_id for integration in wanted.integrations}
        places = list(Environment.objects.filter(project__in=projects).values_list("pk", flat=True))
        of_events = _few(events.filter(environment__in=places, state=state))
        messages = InboxMessage.objects.filter(state=state).order_by().values_list("pk", flat=True)
        of_messages = list(messages[: WINDOW + 1])
        if of_events is None or len(of_messages) > WINDOW:
            return None
        return sorted({*of_events, *of_messages})
    return None


def _few(events: QuerySet[OutboxEvent]) -> list[int] | None:
    ids = list(events.values_list("message_id", flat=True)[: WINDOW + 1])
    return None if len(ids) > WINDOW else sorted(set(ids))


def _remaining(wanted: Filter) -> Q:
    """Everything the filter asks for, to be checked on at most a window of messages."""
    events = OutboxEvent.objects.filter(message=OuterRef("pk"))
    undone = Q(Exists(events.exclude(state="done")))
    waiting, dead = (Q(state=state) | Q(Exists(events.filter(state=state))) for state in ("pending", "dead"))
    states = {
        "delivered": Q(state="done", outcome="whole") & ~undone,
        "partly": Q(state="done", outcome="partly") & ~undone,
        "dropped": Q(state="done", outcome="dropped"),
        "waiting": waiting & ~dead,
        "failed": dead,
    }
    condition = states.get(wanted.state, Q())
    for name in ("environment", "reason", "subject"):
        if value := getattr(wanted, name):
            condition &= Q(**{name: value})
    if wanted.stage in STAGES:
        names = list(STAGES)[: list(STAGES).index(wanted.stage) + 1]
        stopped = [reason for name in names for reason in STAGES[name]]
        condition &= ~Q(outcome__in=("", "dropped")) | Q(outcome="dropped") & ~Q(reason__in=stopped)
    if asked := asked_of_events(wanted):
        condition &= Q(Exists(events.filter(**asked)))
    if wanted.event_id:
        condition &= Q(event_id=wanted.event_id)
    elif wanted.text:
        condition &= Q(title__icontains=wanted.text) | Q(event_id__startswith=wanted.text.lower())
    return condition


def asked_of_events(wanted: Filter) -> dict[str, Any]:
    """What a filter asks of track events, as conditions of a query."""
    asked = {
        "key": wanted.key,
        "event_type": wanted.event_type,
        "environment": int(wanted.fme_environment) if wanted.fme_environment.isdecimal() else "",
        "traffic_type": wanted.traffic_type,
        "state": wanted.event_state,
    }
    return {name: value for name, value in asked.items() if value != ""}


def _places(values: Sequence[Any]) -> str:
    return f"({', '.join(['%s'] * len(values))})"
