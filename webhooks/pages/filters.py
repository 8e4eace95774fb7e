"""What the log shows: the filters of its pages as one value, and as conditions of a query."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from integrations.models import SentryIntegration
from integrations.validation import whole_number
from webhooks import testing
from webhooks.models import OutboxEvent
from webhooks.reasons import FORGED
from webhooks.spans import Span

STAGES = {
    "exception": ("not_an_exception", "payload_unreadable", "integration_paused", "uninstalled"),
    "matched": ("environment_missing", "environment_unmapped"),
    "identified": ("identity_missing", "identity_not_text", "identity_too_long", "culprit_missing"),
    "made": (testing.REASON,),
}
"""What stops a message at each stage of its way, in order."""

REACHED = {
    "received": "Received",
    "verified": "Verified",
    "exception": "Exception",
    "matched": "Environment matched",
    "identified": "Identity found",
    "made": "Track events made",
}
"""How far a message came at least, in the words of the stations."""

STATES = {
    "delivered": "Delivered",
    "partly": "Partly delivered",
    "waiting": "Waiting",
    "dropped": "Dropped",
    "failed": "Failed",
}


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
    """Messages that came at least so far: one of `REACHED`."""

    @property
    def ids(self) -> list[int]:
        """Ids of the integrations in view."""
        return [integration.pk for integration in self.integrations]

    @property
    def event_id(self) -> str:
        """The text as an event id, when it is one."""
        text = self.text.replace("-", "").lower()
        return text if len(text) == 32 and not text.strip("0123456789abcdef") else ""


def asked_of_events(wanted: Filter) -> dict[str, Any]:
    """What a filter asks of track events, as conditions of a query."""
    asked = {
        "key": wanted.key,
        "event_type": wanted.event_type,
        "environment": whole_number(wanted.fme_environment),
        "traffic_type": wanted.traffic_type,
        "delivery__state": wanted.event_state,
    }
    return {name: value for name, value in asked.items() if value not in ("", None)}


def came_to(stage: str) -> Q:
    """Messages that came at least so far, as the hourly counts count them: not before they are translated."""
    translated = ~Q(outcome="")
    if stage == "received":
        return translated | Q(reason=FORGED)
    names = list(STAGES)[: list(STAGES).index(stage) + 1] if stage in STAGES else []
    stopped = [reason for name in names for reason in STAGES[name]]
    return translated & ~Q(outcome="dropped", reason__in=stopped)


def has_residue(wanted: Filter) -> bool:
    """Whether anything is left to check that the followed index does not answer."""
    if asked_of_events(wanted):
        return True
    left = (wanted.environment, wanted.text, wanted.key, wanted.event_type, wanted.subject, wanted.stage)
    return (
        any(left)
        or wanted.state in ("delivered", "waiting", "failed", "partly")
        or bool(wanted.reason and wanted.state)
    )


def remaining(wanted: Filter, ids: Collection[int]) -> Q:
    """Everything the filter asks for, to be checked on at most a window of messages: those with these ids.

    Track events are looked up by the ids: asked for "an event of this message", PostgreSQL reads the events of all.
    """
    events = OutboxEvent.objects.filter(message__in=ids).values("message")
    undone = Q(pk__in=events.exclude(delivery__state="done"))
    waiting, dead = (
        Q(state=state) | Q(pk__in=events.filter(delivery__state=state)) for state in ("pending", "dead")
    )
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
    if wanted.stage in REACHED:
        condition &= came_to(wanted.stage)
    if asked := asked_of_events(wanted):
        condition &= Q(pk__in=events.filter(**asked))
    if wanted.event_id:
        condition &= Q(event_id=wanted.event_id)
    elif wanted.text:
        condition &= Q(title__icontains=wanted.text) | Q(event_id__startswith=wanted.text.lower())
    return condition
