"""Track events as FME gets them, and the event types they have."""

import json
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.db.models import Max, Sum
from django.db.models.functions import TruncDay
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from integrations.mapping.culprit import PLAIN_EVENT_TYPE
from integrations.models import Environment, Project, SentryIntegration, TrafficType
from integrations.states import Status
from integrations.validation import whole_number
from webhooks.masking import mask, mask_text
from webhooks.models import HourlyCount, InboxMessage, OutboxEvent
from webhooks.pages import log
from webhooks.pages.charts import spark_path
from webhooks.pages.filters import Filter, asked_of_events
from webhooks.pages.json_html import code
from webhooks.pages.message_states import event_state
from webhooks.pages.scope import Scope, event_types_seen, filter_of, scope_of
from webhooks.rollups import BETWEEN, EVER, Count
from webhooks.spans import PRESETS

MESSAGES_A_PAGE = 20
MOST_EVENTS = 200
DAYS = 7
TYPES_A_PAGE = 50
MOST_LABELS = 20_000

EVENT_STATES = {"done": "Delivered", "pending": "Waiting", "dead": "Failed"}


@dataclass(frozen=True, slots=True)
class EventRow:
    """One line of the track events."""

    event: OutboxEvent
    at: datetime
    state: Status
    key: str
    integration: SentryIntegration | None
    taken: str
    body: str = ""


@login_required
@require_safe
def events(request: HttpRequest) -> HttpResponse:
    """Track events, those of the newest messages first."""
    scope = scope_of(request)
    wanted = replace(filter_of(request, scope), stage="made")
    before, after = (log.Cursor.parse(request.GET.get(name, "")) for name in ("before", "after"))
    found = log.read_page(wanted, before=before, after=after, size=MESSAGES_A_PAGE)
    projects = {integration.project_id for integration in scope.everything}
    environments = Environment.objects.filter(project__in=projects).select_related("project")
    traffic_types = TrafficType.objects.filter(project__in=projects).order_by("name")
    context = {
        "scope": scope,
        "wanted": wanted,
        "page_of_log": found,
        "rows": _rows(request, found.messages, wanted, scope),
        "presets": PRESETS,
        "states": EVENT_STATES,
        "projects": sorted({one.project for one in scope.everything}, key=str),
        "environments": environments.order_by("project__name", "name"),
        "traffic_types": sorted(set(traffic_types.values_list("name", flat=True))),
        "event_types": event_types_seen(scope),
        "is_filtered": bool(set(request.GET) - {"json", "before", "after"}),
    }
    return render(request, "webhooks/events.html", context)


def _rows(request: HttpRequest, found: list[InboxMessage], wanted: Filter, scope: Scope) -> list[EventRow]:
    messages = {message.pk: message for message in found}
    places = {pk: place for place, pk in enumerate(messages)}
    opened, integrations = request.GET.get("json", ""), scope.by_id()
    rows = OutboxEvent.objects.filter(message__in=messages, **asked_of_events(wanted))
    if whole_number(opened) is not None:
        rows = rows.select_related("environment", "delivery")
    else:
        rows = rows.select_related("environment", "delivery").defer("body")
    shown = sorted(
        rows.order_by("pk")[: MOST_EVENTS * 5], key=lambda event: (places[event.message_id], event.pk)
    )
    return [
        EventRow(
            event=event,
            at=datetime.fromtimestamp(event.timestamp_ms / 1000, UTC),
            state=event_state(event),
            key=mask_text(event.key),
            integration=integrations.get(messages[event.message_id].integration_id),
            taken=_taken(event, messages[event.message_id]),
            body=code(mask(json.loads(event.body))) if opened == str(event.pk) else "",
        )
        for event in shown[:MOST_EVENTS]
    ]


def _taken(event: OutboxEvent, message: InboxMessage) -> str:
    """How long it took from Sentry's webhook to FME."""
    if not event.delivered_at:
        return ""
    seconds = (event.delivered_at - message.received_at).total_seconds()
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"


@dataclass(slots=True)
class EventType:
    """One event type of the last days."""

    name: str
    where: dict[str, str] = field(default_factory=dict)
    days: list[int] = field(default_factory=lambda: [0] * DAYS)
    traffic_types: set[str] = field(default_factory=set)
    last_at: datetime | None = None
    culprit: str = ""

    @property
    def total(self) -> int:
        """Events of all days."""
        return sum(self.days)

    @property
    def spark(self) -> str:
        """One bar a day."""
        return spark_path(self.days)

    @property
    def is_plain(self) -> bool:
        """Whether it is the event type that every exception gives."""
        return self.name == PLAIN_EVENT_TYPE

    @property
    def address(self) -> str:
        """The track events that are counted."""
        return f"{reverse('events')}?{urlencode({'event_type': self.name, **self.where})}"


@login_required
@require_safe
def event_types(request: HttpRequest) -> HttpResponse:
    """Event types with how often and when last: names for metrics."""
    scope = scope_of(request)
    query = request.GET.get("q", "").replace("\0", "").strip()[:100]
    found = types_of(scope)
    matching = [each for each in found if query.lower() in f"{each.name} {each.culprit}".lower()]
    page = whole_number(request.GET.get("page", "")) or 1
    start = (page - 1) * TYPES_A_PAGE
    context = {
        "scope": scope,
        "types": matching[start : start + TYPES_A_PAGE],
        "count": len(found),
        "matching": len(matching),
        "query": query,
        "page_number": page,
        "has_more": start + TYPES_A_PAGE < len(matching),
        "projects": Project.objects.none(),
    }
    return render(request, "webhooks/event_types.html", context)


def types_of(scope: Scope) -> list[EventType]:
    """The event types of the last seven days, the most frequent first; one query."""
    today = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first = today - timedelta(days=DAYS - 1)
    rows = (
        HourlyCount.objects.filter(integration__in=scope.ids, name=Count.TYPE, hour__gte=first)
        .exclude(hour=EVER)
        .annotate(day=TruncDay("hour", tzinfo=UTC))
        .values_list("label", "day")
        .annotate(total=Sum("count"), last=Max("last_at"), culprit=Max("note"))
    )
    where = {"from": first.isoformat()} | ({"integration": str(scope.one.pk)} if scope.one else {})
    types: defaultdict[str, EventType] = defaultdict(lambda: EventType("", where))
    for label, day, total, last, culprit in rows[:MOST_LABELS]:
        name, _, traffic_type = label.partition(BETWEEN)
        each = types[name]
        each.name = name
        each.traffic_types.add(traffic_type)
        if 0 <= (place := (day - first).days) < DAYS:
            each.days[place] += total
        each.last_at = max(last, each.last_at or last)
        each.culprit = mask_text(culprit) or each.culprit
    return sorted(types.values(), key=lambda each: (-each.total, each.name))
