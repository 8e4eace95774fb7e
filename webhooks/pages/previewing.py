"""Beside the form: what the typed mapping makes of a message or a pasted payload, and what could be typed.

Reads what is stored; stores and sends nothing. Values are masked.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet, Sum
from django.db.models.functions import Length
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from integrations.formsets import MappingRows
from integrations.found import access_of
from integrations.integration_forms import IntegrationForms
from integrations.listed import Listed
from integrations.mapping import EnvironmentRule, IdentityRule, Rules, TrackEvent
from integrations.models import Project, SentryIntegration
from integrations.payloads import SentryException, parse
from integrations.payloads.envelopes import PayloadUnreadable, Source
from integrations.payloads.lenient import JsonValue
from integrations.validation import storable, whole_number
from webhooks.masking import mask, mask_text
from webhooks.models import HourlyCount, InboxMessage
from webhooks.pages.explaining import Decision, Decisions, decide, shown_value
from webhooks.pages.json_html import code
from webhooks.rollups import EVER, Count
from webhooks.testing import UNMAPPED

CHOICES = 10
SAMPLES = 5
MOST_BYTES = 500_000
MOST_PATHS = 60
WEEK = timedelta(days=7)
NOT_CHOSEN = "(not chosen)"
LISTED = "Sentry lists it"
UNHELPFUL = frozenset({"trace_id", "span_id", "parent_span_id", "type"})


@dataclass(frozen=True, slots=True)
class PreviewedEvent:
    """One track event that would be sent."""

    event_type: str
    environment: str
    traffic_type: str
    key: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What the panel beside the form shows."""

    choices: tuple[InboxMessage, ...] = ()
    chosen: int = 0
    pasted: str = ""
    decisions: Decisions | None = None
    rows: tuple[Decision, ...] = ()
    seen: dict[str, str] = field(default_factory=dict)
    events: tuple[PreviewedEvent, ...] = ()
    first: SafeString | None = None
    problem: str = ""


def preview_of(
    request: HttpRequest, forms: IntegrationForms, integration: SentryIntegration | None
) -> Preview:
    """What the rows as they stand in the form make of the chosen message, or of the pasted payload."""
    related = relatives(request, forms, integration)
    choices = tuple(recent(related).defer("body")[:CHOICES]) if related else ()
    pasted = request.POST.get("preview_payload", "").strip()
    asked = request.POST.get("preview_message", "")
    chosen = next(
        (message for message in choices if str(message.pk) == asked), choices[0] if choices else None
    )
    known: dict[str, Any] = {
        "choices": choices,
        "chosen": chosen.pk if chosen else 0,
        "pasted": pasted[:MOST_BYTES],
    }
    if pasted and len(pasted) > MOST_BYTES:
        return Preview(**known, problem="This payload is too long to be pasted. Choose a message instead.")
    if pasted:
        body, source = pasted.encode("utf-8", "replace"), None
    elif chosen:
        stored = InboxMessage.objects.only("body").get(pk=chosen.pk)
        body, source = bytes(stored.body or b""), Source(chosen.source)
    else:
        return Preview(**known)
    decisions = decide(body, source, typed_rules(forms))
    return Preview(
        **known,
        decisions=decisions,
        rows=decisions.rows,
        seen=seen_words(related, forms.environments),
        events=tuple(_shown(event) for event in decisions.events),
        first=code(mask(json.loads(decisions.events[0].json))) if decisions.events else None,
        problem=decisions.problem,
    )


def typed_rules(forms: IntegrationForms) -> Rules:
    """The rules as they are typed; rows that are not complete count as far as they go."""
    environments = {str(row.pk): row.name for row in forms.environments.form_kwargs["choices"]}
    traffic_types = {str(row.pk): row.name for row in forms.identities.form_kwargs["choices"]}
    return Rules(
        environments=tuple(
            EnvironmentRule(left, whole_number(right) or -place, environments.get(right, NOT_CHOSEN))
            for place, (left, right) in enumerate(typed_pairs(forms.environments), start=1)
        ),
        identities=tuple(
            IdentityRule(left, traffic_types.get(right, NOT_CHOSEN))
            for left, right in typed_pairs(forms.identities)
        ),
        wants_culprit=_is_ticked(forms.connection["capture_culprit"].value()),
        organization=_text(forms.connection["organization"].value()) or "organization",
        project=_text(forms.connection["project_slug"].value()) or "project",
    )


def typed_pairs(group: MappingRows) -> list[tuple[str, str]]:
    """Both sides of each row as typed, rows with nothing on the left left out."""
    pairs = [(_text(row.left.value()), _text(row.right.value())) for row in group.forms]
    return [pair for pair in pairs if pair[0]]


def relatives(
    request: HttpRequest, forms: IntegrationForms, integration: SentryIntegration | None
) -> list[int]:
    """Ids of the integrations whose messages can serve: this one, or those of the same Sentry project."""
    if integration is not None:
        return [integration.pk]
    slug = _text(forms.connection["project_slug"].value())
    rows = access_of(request).integrations().filter(project__in=access_of(request).writable_projects())
    same = list(rows.filter(project_slug=slug).values_list("pk", flat=True)[:20]) if slug else []
    return same or list(rows.filter(project=forms.project).values_list("pk", flat=True)[:20])


def recent(integrations: Sequence[int]) -> QuerySet[InboxMessage]:
    """The newest messages whose payload is kept and not huge."""
    newest = InboxMessage.objects.filter(integration__in=integrations).exclude(body=None)
    ids = list(newest.order_by("-received_at", "-pk").values_list("pk", flat=True)[: CHOICES * 2])
    rows = InboxMessage.objects.filter(pk__in=ids).annotate(size=Length("body"))
    return rows.filter(size__lte=MOST_BYTES).order_by("-received_at", "-pk")


def seen_words(integrations: Sequence[int], environments: MappingRows) -> dict[str, str]:
    """For each typed environment, how often messages of the last week named it."""
    counts = environment_counts(integrations)
    return {typed: _seen(typed, counts) for typed, _ in typed_pairs(environments)}


def _seen(typed: str, counts: dict[str, int]) -> str:
    """How often a name came; of one that never did, whether another came that only looks like it."""
    alike = (name for name in counts if name.strip().casefold() == typed.strip().casefold())
    if typed not in counts and (sent := next(alike, "")):
        return f"Sentry sends “{sent}” ({_messages(counts[sent])} in 7 days), you typed “{typed}”"
    return f"In 7 days: {_messages(counts.get(typed, 0))}"


def _messages(count: int) -> str:
    return f"{count:,} message{'' if count == 1 else 's'}"


def environment_counts(integrations: Sequence[int]) -> dict[str, int]:
    """Sentry environments of the last week with how many messages named them."""
    rows = HourlyCount.objects.filter(
        integration__in=integrations, name=Count.MATCHED, hour__gte=timezone.now() - WEEK
    ).exclude(hour=EVER)
    totals = (
        rows.exclude(label__in=("", UNMAPPED))
        .values_list("label")
        .annotate(total=Sum("count"))
        .order_by("-total")
    )
    return dict(totals[:50])


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What can be chosen while typing: a value and what is known of it."""

    environments: tuple[tuple[str, str], ...]
    paths: tuple[tuple[str, str], ...]
    slugs: tuple[tuple[str, str], ...]


def suggestions_of(
    request: HttpRequest, forms: IntegrationForms, integration: SentryIntegration | None, listed: Listed
) -> Suggestions:
    """What Sentry lists, and environments and paths of recent messages; samples are masked.

    As long as Sentry lists no projects, the slugs that are in use already are suggested.
    """
    related = relatives(request, forms, integration)
    counts = environment_counts(related) if related else {}
    slugs = access_of(request).integrations().values_list("project_slug", flat=True).distinct()[:50]
    return Suggestions(
        environments=tuple(_environments(counts, listed.environments)),
        paths=tuple(paths_of(related)) if related else (),
        slugs=listed.projects or tuple((slug, "") for slug in sorted(slugs)),
    )


def _environments(counts: dict[str, int], listed: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Each name with where it is known from: the ones that messages name first, most frequent on top."""
    for name, count in counts.items():
        seen = f"{count:,} in 7 days"
        yield name, f"{LISTED}, {seen}" if name in listed else seen
    yield from ((name, LISTED) for name in listed if name not in counts)


def paths_of(integrations: Sequence[int]) -> Iterator[tuple[str, str]]:
    """Paths that lead to a value in recent messages, with a masked sample."""
    found: dict[str, str] = {}
    for message in recent(integrations)[:SAMPLES]:
        try:
            exception = parse(bytes(message.body or b""), Source(message.source))
        except PayloadUnreadable:
            continue
        for path, value in values_of(exception):
            found.setdefault(f"data.error.{path}", shown_value(value, path, is_revealed=False)[:60])
    yield from list(found.items())[:MOST_PATHS]


def values_of(exception: SentryException) -> Iterator[tuple[str, JsonValue]]:
    """Values that can be keys: of the user, the tags, the contexts and what the program attached."""
    user = dict(exception.user or {})
    own = user.pop("data", None)
    yield from _plain("user", user)
    if isinstance(own, dict):
        yield from _plain("user", own)
    yield from _plain("tags", dict(exception.tags))
    for name, context in exception.contexts.items():
        if isinstance(context, dict):
            yield from _plain(f"contexts.{name}", context)
    yield from _plain("extra", exception.extra)


def _plain(start: str, values: dict[str, Any]) -> Iterator[tuple[str, JsonValue]]:
    for name, value in values.items():
        if (
            isinstance(value, str | int)
            and not isinstance(value, bool)
            and value != ""
            and name not in UNHELPFUL
        ):
            yield f"{start}.{name}", value


def _shown(event: TrackEvent) -> PreviewedEvent:
    return PreviewedEvent(event.event_type, event.environment_name, event.traffic_type, mask_text(event.key))


def _text(value: object) -> str:
    """What stands in a field, as text; a related row as its id."""
    return "" if value is None else storable(str(value.pk if isinstance(value, Project) else value)).strip()


def _is_ticked(value: object) -> bool:
    return value not in (None, "", False, "False", "false", "0")
