"""What flows through: the message as it arrived, the track events made of it, and every attempt to deliver them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone

from durable.models import DurableRow
from integrations.models import Environment, SentryIntegration
from integrations.payloads.envelopes import Source


class Replay(models.TextChoices):
    """What a repeated translation sends: only what the mapping now adds, or everything once more."""

    ADDED = "added", "Only what is new"
    ALL = "all", "Everything again"


OUTCOMES = {
    "whole": "every row of the mapping gave its track events",
    "partly": "track events came of it, though not of every row",
    "dropped": "no track event came of it",
}


class InboxMessage(DurableRow):
    """One Sentry event for one integration, as received; kept once, whichever way and how often it came."""

    integration = models.ForeignKey(SentryIntegration, on_delete=models.CASCADE, related_name="messages")
    event_id = models.CharField(max_length=32)
    source = models.CharField(
        max_length=12, choices=[(source.value, source.name.title()) for source in Source]
    )
    received_at = models.DateTimeField(default=timezone.now)
    body = models.BinaryField(null=True)
    unverified_signature = models.CharField(max_length=128, blank=True, default="")
    """Set while the hook's secret was not known yet; checked before the message is translated."""
    hook_address = models.UUIDField(null=True)
    """The address it came to, whose secret verifies it."""
    environment = models.CharField("Sentry environment", max_length=64, blank=True, default="")
    title = models.CharField(max_length=256, blank=True, default="")
    skips = models.JSONField(default=list)
    outcome = models.CharField(max_length=7, blank=True, default="", db_default="")
    """What translating it came to, in the words of `OUTCOMES`; blank before."""
    reason = models.CharField(max_length=20, blank=True, default="", db_default="")
    """The code of its first skip."""
    subject = models.CharField(max_length=250, blank=True, default="", db_default="")
    """What that skip is about: a Sentry environment, or the path of an identity."""
    replay = models.CharField(max_length=5, choices=Replay, blank=True, default="")

    class Meta(DurableRow.Meta):
        constraints = [
            models.UniqueConstraint(fields=["integration", "event_id"], name="message_once"),
        ]
        indexes = [
            *DurableRow.Meta.indexes,
            models.Index(fields=["integration", "-id"], name="message_log"),
            models.Index(fields=["integration", "received_at", "id"], name="message_time"),
            models.Index(
                fields=["integration", "outcome", "received_at", "id"],
                condition=Q(outcome__in=["dropped", "partly"]),
                name="message_outcome",
            ),
            models.Index(
                fields=["integration", "reason", "received_at", "id"],
                condition=~Q(reason=""),
                name="message_reason",
            ),
            models.Index(fields=["integration"], condition=Q(state="dead"), name="message_dead"),
        ]
        permissions = [("reveal_payload", "Can see payloads unmasked")]

    def __str__(self) -> str:
        return f"{self.event_id} for {self.integration_id}"


class OutboxEvent(DurableRow):
    """One track event as the JSON text that is sent; claimed per environment, delivered at least once."""

    message = models.ForeignKey(InboxMessage, on_delete=models.CASCADE, related_name="events")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, db_index=False, related_name="+")
    event_type = models.CharField(max_length=63)
    traffic_type = models.CharField(max_length=255)
    key = models.CharField(max_length=250)
    timestamp_ms = models.BigIntegerField()
    body = models.TextField()
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["environment", "due_at", "id"], condition=Q(state="pending"), name="outboxevent_due"
            ),
            models.Index(fields=["environment"], condition=Q(state="dead"), name="outboxevent_dead"),
            models.Index(fields=["key", "id"], name="outboxevent_key"),
            models.Index(
                fields=["event_type", "id"],
                condition=~Q(event_type="sentry_exception"),
                name="outboxevent_culprit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} for {self.traffic_type}"


@dataclass(frozen=True, slots=True)
class ClaimedEvent:
    """What delivering one track event needs."""

    id: int
    body: str = field(repr=False)
    attempts: int


class DeliveryAttempt(models.Model):
    """One POST to FME. Its id is the claim token of the events it carried; open while the POST is under way."""

    class Outcome(models.TextChoices):
        OPEN = "open", "Under way"
        DELIVERED = "delivered", "Delivered"
        REFUSED = "refused", "Refused"
        HELD = "held", "Held back"
        AMBIGUOUS = "ambiguous", "Ambiguous"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    environment = models.ForeignKey(
        Environment, on_delete=models.CASCADE, related_name="attempts", db_index=False
    )
    started_at = models.DateTimeField(default=timezone.now)
    outcome = models.CharField(max_length=9, choices=Outcome, default=Outcome.OPEN)
    duration_ms = models.PositiveIntegerField(null=True)
    status_code = models.PositiveSmallIntegerField(null=True)
    event_count = models.PositiveIntegerField()
    byte_count = models.PositiveIntegerField()
    event_ids = models.JSONField(default=list)
    """Which events it carried. A list here, not a row per event: a batch has a thousand."""
    answer = models.TextField(blank=True, default="")
    """What FME answered, trimmed; or what broke."""
    next_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["environment", "started_at"], name="attempt_log"),
            models.Index(fields=["started_at"], condition=Q(outcome="open"), name="attempt_open"),
        ]

    def __str__(self) -> str:
        return f"{self.event_count} events to {self.environment_id}: {self.get_outcome_display().lower()}"

    def carry(self, events: Sequence[ClaimedEvent]) -> None:
        """Note which events this attempt carries, and how large they are."""
        self.event_count = len(events)
        self.byte_count = sum(len(event.body) for event in events)
        self.event_ids = [event.id for event in events]


class HourlyCount(models.Model):
    """How often something happened to an integration in an hour; counted in the transaction that makes it happen.

    Pages read these instead of counting rows. `rollups` names what is counted.
    """

    integration = models.ForeignKey(
        SentryIntegration, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    hour = models.DateTimeField()
    name = models.CharField(max_length=12)
    label = models.CharField(max_length=340, blank=True, default="")
    count = models.BigIntegerField()
    last_at = models.DateTimeField()
    note = models.CharField(max_length=256, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "name", "hour", "label"], name="hourly_count_once"
            ),
        ]
        indexes = [models.Index(fields=["hour"], name="hourly_count_hour")]

    def __str__(self) -> str:
        return f"{self.count} {self.name} {self.label} in the hour of {self.hour:%Y-%m-%d %H:%M}"


class ProblemQuerySet(models.QuerySet["Problem"]):
    def open(self) -> "ProblemQuerySet":
        """Problems that are there and that nobody muted."""
        return self.filter(gone_at=None, muted_at=None)


class Problem(models.Model):
    """A repeated failure of an integration: one row however often it happens; open until it is gone."""

    integration = models.ForeignKey(SentryIntegration, on_delete=models.CASCADE, related_name="problems")
    kind = models.CharField(max_length=24)
    subject = models.CharField(max_length=250, blank=True, default="")
    """What it is about: a Sentry environment, a path, an FME environment."""
    detail = models.TextField(blank=True, default="")
    count = models.PositiveBigIntegerField(default=1)
    """How often in the last 24 hours; how many wait, where it is a state that lasts."""
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)
    muted_at = models.DateTimeField(null=True)

    objects = ProblemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["integration", "kind", "subject"], name="problem_once")
        ]
        indexes = [
            models.Index(
                fields=["integration", "-last_seen_at"], condition=Q(gone_at=None), name="problem_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject} of {self.integration_id}"


class ProblemScan(DurableRow):
    """The one row (pk 1) whose being due means: look for problems."""

    def __str__(self) -> str:
        return "Problem scan"
