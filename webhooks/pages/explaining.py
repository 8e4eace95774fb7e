"""How each row of a mapping decides a message: what was found, what comes of it, or what nearly matched."""

import json
from dataclasses import dataclass, replace

from integrations.mapping import Explanation, Rules, TrackEvent, explain
from integrations.payloads import SentryException, parse
from integrations.payloads.envelopes import PayloadUnreadable, Source, guess_source
from integrations.payloads.lenient import JsonValue, clean_text
from integrations.rules import rules_for
from integrations.states import Status
from webhooks.masking import ADDRESS, EMAIL, HIDDEN, mask, mask_text
from webhooks.models import InboxMessage


@dataclass(frozen=True, slots=True)
class Decision:
    """One row: Sentry's side and FME's, the value found with a remark, and the result in words."""

    left: str
    right: str
    value: str
    remark: str
    state: Status
    note: str = ""
    is_culprit: bool = False


@dataclass(frozen=True, slots=True)
class Decisions:
    """Every row of a mapping for one exception; `places` are the paths in the body that were read."""

    rows: tuple[Decision, ...]
    places: frozenset[str]
    events: tuple[TrackEvent, ...]
    skips: tuple[str, ...]
    environment: str | None
    culprit_event_type: str | None
    problem: str = ""
    url: str | None = None
    timestamp_ms: int = 0


def decisions_of(message: InboxMessage, *, is_revealed: bool = False) -> Decisions | None:
    """How the mapping as it is now decides a stored message; None when its payload is no longer kept."""
    if message.body is None:
        return None
    rules = rules_for([message.integration_id])[message.integration_id]
    return decide(bytes(message.body), Source(message.source), rules, is_revealed=is_revealed)


def decide(body: bytes, source: Source | None, rules: Rules, *, is_revealed: bool = False) -> Decisions:
    """How `rules` decide a body; values are masked unless revealed. Pausing does not count here."""
    try:
        source = source or guess_source(body)
        exception = parse(body, source)
    except PayloadUnreadable as reason:
        return Decisions((), frozenset(), (), (), None, None, problem=str(reason))
    explanation = explain(exception, replace(rules, stopped_by=None))
    rows = (
        *_environment_rows(explanation),
        *_identity_rows(explanation, is_revealed=is_revealed),
        *_culprit_row(explanation, rules),
    )
    return Decisions(
        rows=rows,
        places=_places(explanation, source),
        events=explanation.translation.events,
        skips=tuple(mask_text(skip.detail) for skip in explanation.translation.skips),
        environment=explanation.environment,
        culprit_event_type=explanation.culprit_event_type,
        url=_safe(exception),
        timestamp_ms=exception.timestamp_ms,
    )


def shown_value(value: JsonValue, path: str, *, is_revealed: bool) -> str:
    """A value as JSON, masked by what it is and by the name it stands under; long ones are cut."""
    if not is_revealed:
        name = path.rpartition(".")[2] or "value"
        masked = mask({"user": {name: value}} if path.startswith("user") else {name: value})
        inner = (
            masked["user"]
            if isinstance(masked, dict) and "user" in masked and path.startswith("user")
            else masked
        )
        value = next(iter(inner.values())) if isinstance(inner, dict) else inner
    if value in (EMAIL, ADDRESS, HIDDEN):
        return str(value)
    text = clean_text(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= 120 else f"{text[:119]}…"


def _environment_rows(explanation: Explanation) -> list[Decision]:
    rows = []
    for row in explanation.environments:
        if row.is_match:
            state = Status("ok", "check", "Matched")
        elif row.near_miss:
            state = Status("warn", "alert", "Near miss")
        else:
            state = Status("", "skip", "Another environment" if explanation.environment else "No environment")
        rows.append(
            Decision(
                left=row.rule.sentry_environment,
                right=row.rule.environment_name,
                value=explanation.environment or "none",
                remark="",
                state=state,
                note=row.near_miss or "",
            )
        )
    return rows


def _identity_rows(explanation: Explanation, *, is_revealed: bool) -> list[Decision]:
    rows = []
    for row in explanation.identities:
        found = row.read_from is not None
        value = shown_value(row.value, row.read_from or "", is_revealed=is_revealed) if found else "nothing"
        moved = row.read_from if row.read_from and not row.rule.path.endswith(row.read_from) else ""
        remark = row.kind or ""
        if moved:
            remark = f"{remark}, read from {moved}"
        key = row.key
        if key is not None:
            shown = value.strip('"')
            state = Status("ok", "check", f"Key {shown}")
        else:
            state = Status("warn", "skip", "No key")
        note = mask_text(row.skip.detail) if row.skip and found else ""
        rows.append(Decision(row.rule.path, row.rule.traffic_type, value, remark, state, note))
    return rows


def _culprit_row(explanation: Explanation, rules: Rules) -> list[Decision]:
    if not rules.wants_culprit:
        return []
    culprit = mask_text(explanation.culprit or "")
    state = (
        Status("ok", "check", "Named") if explanation.culprit_event_type else Status("", "skip", "No culprit")
    )
    note = explanation.culprit_event_type or ""
    return [Decision("Culprit", "separate event", culprit or "none", "", state, note, is_culprit=True)]


def _places(explanation: Explanation, source: Source) -> frozenset[str]:
    start = "event" if source is Source.SERVICE_HOOK else "data.error"
    return frozenset(f"{start}.{row.read_from}" for row in explanation.identities if row.read_from)


def _safe(exception: SentryException) -> str | None:
    """Sentry's page of the event, when it is an address a browser may follow."""
    url = exception.url or ""
    return url if url.startswith(("https://", "http://")) else None
