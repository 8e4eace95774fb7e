"""The message log and the page of one message: what came in, how it was decided, and what became of it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import messages as flash
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from integrations.found import access_of, require_write
from integrations.states import Status
from integrations.validation import whole_number
from webhooks.attempts import attempts_with
from webhooks.masking import mask, mask_text
from webhooks.models import DeliveryAttempt, InboxMessage, OutboxEvent
from webhooks.pages import log
from webhooks.pages.explaining import decisions_of
from webhooks.pages.filters import REACHED, STATES, Filter
from webhooks.pages.json_html import MOST_NODES, code, count_masks, tree
from webhooks.pages.message_states import EventFacts, event_state, facts_by_message, message_state
from webhooks.pages.message_way import way_of
from webhooks.pages.scope import Scope, environments_seen, event_types_seen, filter_of, scope_of
from webhooks.pages.tail import Tail, new_since, tail_of
from webhooks.reasons import REASONS
from webhooks.replaying import replay
from webhooks.revealing import may_reveal, record_replay, revealed_payload, shown_payload
from webhooks.spans import PRESETS

MOST_MOVING = 30
MOST_EVENTS = 200
YOUNG = timedelta(minutes=10)
"""How long the page of a message that is still moving follows it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the log."""

    message: InboxMessage
    integration: Any
    state: Status
    facts: EventFacts
    title: str


@login_required
@require_safe
def message_log(request: HttpRequest) -> HttpResponse:
    """The log, newest first; with `tail` only what is new since, for the page that is open."""
    scope = scope_of(request)
    wanted = filter_of(request, scope)
    if "tail" in request.GET:
        return _tail(request, scope, wanted)
    before, after = (log.Cursor.parse(request.GET.get(name, "")) for name in ("before", "after"))
    is_first = before is None and after is None and not wanted.span.until
    tail = tail_of(wanted) if is_first else Tail(0, 0)
    found = log.read_page(wanted, before=before, after=after)
    rows = _rows(found.messages, scope)
    context = {
        "scope": scope,
        "wanted": wanted,
        "page_of_log": found,
        "rows": rows,
        "moving": _moving(rows),
        "is_live": is_first and request.GET.get("live") != "off",
        "may_be_live": is_first,
        "tail": tail.and_shown(found.messages),
        "states": STATES,
        "reached": REACHED,
        "reasons": REASONS,
        "presets": PRESETS,
        "environments": environments_seen(scope),
        "event_types": event_types_seen(scope),
        "is_filtered": bool(set(request.GET) - {"live", "integration"}),
        "may_write": scope.one and access_of(request).may_write(scope.one.project),
    }
    return render(request, "webhooks/messages.html", context)


@login_required
@never_cache
@require_safe
def message(request: HttpRequest, pk: int) -> HttpResponse:
    """One message: payload, decisions, track events, attempts."""
    return _message_page(request, readable_message(request, pk))


@login_required
@never_cache
@require_POST
def message_reveal(request: HttpRequest, pk: int) -> HttpResponse:
    """The same page with nothing masked; written to the audit log. A POST, so that no address shows it again."""
    found = readable_message(request, pk)
    if not may_reveal(access_of(request), found.integration.project):
        raise PermissionDenied("Showing masked values is for admins of the project and account admins.")
    return _message_page(request, found, is_revealed=True)


@login_required
@never_cache
@require_safe
def message_raw(request: HttpRequest, pk: int) -> HttpResponse:
    """The payload as text, masked."""
    payload = shown_payload(readable_message(request, pk))
    text = payload if isinstance(payload, str) else json.dumps(payload, indent=2, ensure_ascii=False)
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'inline; filename="message-{pk}.json"'
    return response


@login_required
@require_POST
def message_replay(request: HttpRequest, pk: int) -> HttpResponse:
    """Send one message through the mapping again: what it now adds."""
    found = readable_message(request, pk)
    require_write(request, found.integration.project)
    if found.body is None:
        flash.error(request, "The payload is no longer kept, so it cannot be replayed.")
    elif replay(InboxMessage.objects.filter(pk=found.pk)):
        record_replay(found, everything=False)
        flash.success(
            request, "Replayed. What the mapping now adds is sent; what FME has already is not sent twice."
        )
    else:
        flash.info(request, "It is still waiting for its first translation.")
    return redirect("message", pk)


def _tail(request: HttpRequest, scope: Scope, wanted: Filter) -> HttpResponse:
    """What is new, and what has settled among the rows that were still moving; 204 when nothing has."""
    tail = Tail.parse(request.GET.get("tail", ""))
    moving = map(whole_number, request.GET.get("moving", "").split(",")[:MOST_MOVING])
    fresh, following = new_since(wanted, tail)
    ids = [pk for pk in moving if pk is not None]
    known = InboxMessage.objects.filter(pk__in=ids, integration__in=wanted.ids).defer("body").order_by("-pk")
    rows = _rows([*fresh, *known], scope)
    new, old = rows[: len(fresh)], rows[len(fresh) :]
    settled = [row for row in old if not row.state.is_moving]
    if following == tail and not settled:
        return HttpResponse(status=204)
    context = {
        "rows": new,
        "settled": settled,
        "moving": _moving(rows),
        "tail": following,
        "is_live": True,
        "may_be_live": True,
    }
    return render(request, "webhooks/_tail.html", context)


def _rows(found: list[InboxMessage], scope: Scope) -> list[Row]:
    facts, integrations = facts_by_message(found), scope.by_id()
    return [
        Row(
            message,
            integrations.get(message.integration_id),
            message_state(message, facts[message.pk]),
            facts[message.pk],
            mask_text(message.title),
        )
        for message in found
    ]


def _moving(rows: Iterable[Row]) -> str:
    """Ids of the rows that will change by themselves, for the live tail."""
    return ",".join([str(row.message.pk) for row in rows if row.state.is_moving][:MOST_MOVING])


def readable_message(request: HttpRequest, pk: int) -> InboxMessage:
    """A message of an integration the person may see; 404 otherwise."""
    integrations = access_of(request).integrations()
    rows = InboxMessage.objects.filter(integration__in=integrations)
    return get_object_or_404(rows.select_related("integration__project", "integration__installation"), pk=pk)


def _message_page(request: HttpRequest, found: InboxMessage, *, is_revealed: bool = False) -> HttpResponse:
    payload = revealed_payload(found) if is_revealed else shown_payload(found)
    decisions = decisions_of(found, is_revealed=is_revealed)
    find = request.GET.get("find", "")
    drawn, counted = tree(payload, find=find, marked=decisions.places if decisions else frozenset())
    rows = found.events.select_related("environment", "message", "delivery").order_by("pk")
    events = list(rows[:MOST_EVENTS])
    facts = facts_by_message([found])[found.pk]
    access = access_of(request)
    context = {
        "message": found,
        "integration": found.integration,
        "title": mask_text(found.title) or "No title",
        "state": message_state(found, facts),
        "facts": facts,
        "decisions": decisions,
        "skips": [{"code": skip["code"], "detail": mask_text(skip["detail"])} for skip in found.skips],
        "events": [_drawn_event(event, is_revealed=is_revealed) for event in events],
        "events_total": facts.total,
        "attempts": [_drawn_attempt(attempt) for attempt in reversed(attempts_with(events))],
        "way": way_of(found, facts),
        "has_payload": found.body is not None,
        "size": len(found.body or b""),
        "drawn": drawn,
        "found_places": counted.found,
        "find": find,
        "masked": {} if is_revealed else count_masks(payload),
        "is_revealed": is_revealed,
        "is_young": not is_revealed and timezone.now() - found.received_at < YOUNG,
        "may_reveal": may_reveal(access, found.integration.project),
        "may_write": access.may_write(found.integration.project),
        "is_cut": counted.nodes >= MOST_NODES,
    }
    return render(request, "webhooks/message.html", context)


@dataclass(frozen=True, slots=True)
class DrawnEvent:
    """One track event with its JSON as markup."""

    event: OutboxEvent
    state: Status
    key: str
    body: str

    @property
    def place(self) -> str:
        """What tells it from the others on the page."""
        return str(self.event.pk)


def _drawn_event(event: OutboxEvent, *, is_revealed: bool) -> DrawnEvent:
    wire = json.loads(event.body)
    shown = wire if is_revealed else mask(wire)
    key = event.key if is_revealed else mask_text(event.key)
    return DrawnEvent(event, event_state(event), key, code(shown))


@dataclass(frozen=True, slots=True)
class DrawnAttempt:
    """One POST to FME in words."""

    attempt: DeliveryAttempt
    state: Status
    answer: str


def _drawn_attempt(attempt: DeliveryAttempt) -> DrawnAttempt:
    words = str(attempt.status_code or attempt.get_outcome_display())
    kind, icon = {
        "delivered": ("ok", "check"),
        "refused": ("bad", "x"),
        "open": ("info", "spin"),
    }.get(attempt.outcome, ("warn", "alert"))
    word = f"{words} {attempt.get_outcome_display().lower()}" if attempt.status_code else words
    return DrawnAttempt(attempt, Status(kind, icon, word), mask_text(attempt.answer))
