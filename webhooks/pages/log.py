"""The log of messages, newest first: pages by cursor, and the bound on what one page reads.

A page follows one index of each integration in view, newest first, and looks at no more than `WINDOW` messages: a
filter that no index answers finds what is among them, and the page says how far back it looked and goes on from
there. What is rare (a key, a culprit's event type, what waits or failed) is found by its own index instead.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from integrations.mapping.culprit import PLAIN_EVENT_TYPE
from integrations.models import Environment
from integrations.validation import whole_number
from webhooks import sql
from webhooks.models import Delivery, InboxMessage, OutboxEvent
from webhooks.pages.filters import Filter, has_residue, remaining
from webhooks.spans import Span

PAGE = 50
WINDOW = 1000
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
LAST_MICROSECOND = (datetime(2200, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND
"""Of any time that a place in the log may have."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the log: after or before this message."""

    received_at: datetime
    id: int

    def __str__(self) -> str:
        return f"{(self.received_at - EPOCH) // MICROSECOND}-{self.id}"

    @classmethod
    def of(cls, message: InboxMessage) -> "Cursor":
        """The place of a message."""
        return cls(message.received_at, message.pk)

    @classmethod
    def parse(cls, text: str) -> "Cursor | None":
        """What `str` wrote; None for anything else."""
        passed, pk = map(whole_number, text.partition("-")[::2])
        if passed is None or pk is None or passed > LAST_MICROSECOND:
            return None
        return cls(EPOCH + passed * MICROSECOND, pk)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the log; `older` and `newer` continue it. `looked_back_to` when the window ended it."""

    messages: list[InboxMessage]
    older: Cursor | None = None
    newer: Cursor | None = None
    looked_back_to: datetime | None = None


def read_page(
    wanted: Filter,
    *,
    before: Cursor | None = None,
    after: Cursor | None = None,
    size: int = PAGE,
    left: Callable[[Filter, Collection[int]], Q] = remaining,
) -> Page:
    """The page before (older than) or after (newer than) a place; the newest without either.

    `left` is what the filter asks beyond what the followed index answers.
    """
    if not wanted.integrations:
        return Page([])
    backwards = after is not None and before is None
    looked, is_cut = candidates(wanted, before=before, after=after, size=size)
    ids = [cursor.id for cursor in looked]
    rows = InboxMessage.objects.filter(pk__in=ids).defer("body")
    order = ("received_at", "pk") if backwards else ("-received_at", "-pk")
    found = list(rows.filter(left(wanted, ids)).order_by(*order)[: size + 1])
    has_more, shown = len(found) > size, found[:size]
    if backwards:
        shown.reverse()
    edge = looked[-1] if is_cut and looked else None
    if has_more:
        edge = Cursor.of(shown[0] if backwards else shown[-1])
    if backwards:
        return Page(shown, older=Cursor.of(shown[-1]) if shown else after, newer=edge)
    looked_back_to = edge.received_at if edge and not has_more else None
    return Page(shown, edge, (Cursor.of(shown[0]) if shown else before) if before else None, looked_back_to)


def candidates(
    wanted: Filter, *, before: Cursor | None = None, after: Cursor | None = None, size: int
) -> tuple[list[Cursor], bool]:
    """Messages worth looking at, in page order, and whether there are more of them beyond the window."""
    limit = WINDOW if has_residue(wanted) else size + 1
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
        return _few(_alike(events, "key", wanted.key))
    if wanted.event_type and wanted.event_type != PLAIN_EVENT_TYPE:
        return _few(_alike(events.exclude(event_type=PLAIN_EVENT_TYPE), "event_type", wanted.event_type))
    if wanted.state in ("waiting", "failed"):
        state = "pending" if wanted.state == "waiting" else "dead"
        projects = {integration.project_id for integration in wanted.integrations}
        places = list(Environment.objects.filter(project__in=projects).values_list("pk", flat=True))
        deliveries = Delivery.objects.filter(environment__in=places, state=state).values_list("pk", flat=True)
        of_events = _few(events.filter(delivery__in=list(deliveries[: WINDOW + 1])))
        messages = InboxMessage.objects.filter(state=state)
        if state == "pending":  # in the order of its index, which SQLite follows only when asked to
            messages = messages.order_by("due_at", "pk")
        else:
            messages = messages.filter(integration__in=wanted.ids).order_by("integration_id")
        of_messages = list(messages.values_list("pk", flat=True)[: WINDOW + 1])
        if of_events is None or len(of_messages) > WINDOW:
            return None
        return sorted({*of_events, *of_messages})
    return None


def _alike(events: QuerySet[OutboxEvent], name: str, value: str) -> QuerySet[OutboxEvent]:
    """The newest with this value, in the order of the index of it and the id.

    A range of one value: told that it is one, PostgreSQL knows the order for that of the ids, and would rather read
    the events of all values backwards until it has enough.
    """
    return events.filter(**{f"{name}__gte": value, f"{name}__lte": value}).order_by(f"-{name}", "-id")


def _few(events: QuerySet[OutboxEvent]) -> list[int] | None:
    ids = list(events.values_list("message_id", flat=True)[: WINDOW + 1])
    return None if len(ids) > WINDOW else sorted(set(ids))


def _places(values: Sequence[Any]) -> str:
    return f"({', '.join(['%s'] * len(values))})"
