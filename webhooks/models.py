"""What flows through: the message as it arrived, the track events made of it, and every attempt to deliver them."""

from datetime import datetime
from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone

from durable.models import DurableRow, LeasedRow, State
from integrations.fields import EncryptedTextField
from integrations.models import Environment, Project, SentryIntegration
from integrations.payloads.envelopes import Source
from webhooks.masking import mask_text


class Replay(models.TextChoices):
    """What a repeated translation sends: only what the mapping now adds, or everything once more."""

    ADDED = "added", "Only what is new"
    ALL = "all", "Everything again"


OUTCOMES = {
    "whole": "every row of the mapping gave its track events",
    "partly": "track events came of it, though not of every row",
    "dropped": "no track event came of it",
}


class InboxMessage(LeasedRow):
    """One Sentry event for one integration, as received; kept once, whichever way and how often it came."""

    integration = models.ForeignKey(
        SentryIntegration, on_delete=models.CASCADE, related_name="messages", db_index=False
    )  # each index below begins with it
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


class Delivery(LeasedRow):
    """Track events of one environment that go to FME together: claimed, posted and settled as one, at least once.

    A row for up to a thousand events: to claim, finish or hold back a row for each would cost more than sending it.
    A POST carries one delivery, or several small ones. One that FME refuses is split until the bad event is alone.
    """

    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, db_index=False, related_name="+")
    event_count = models.PositiveIntegerField()
    byte_count = models.PositiveIntegerField()
    """Of its events as JSON, with a comma after each. Both hold while it is pending, whatever is erased; when it is
    done they stay, whatever is pruned.
    """
    delivered_at = models.DateTimeField(null=True)
    refused_at = models.DateTimeField(null=True)
    """Since when it matters what else FME accepts: the claim in which it first refused this one by itself."""

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(
                fields=["environment", "due_at", "id"], condition=Q(state="pending"), name="delivery_due"
            ),
            models.Index(fields=["environment"], condition=Q(state="dead"), name="delivery_dead"),
        ]

    def __str__(self) -> str:
        return f"{self.event_count} events for {self.environment_id}"


class OutboxEvent(models.Model):
    """One track event as the JSON text that is sent. Written once; what becomes of it stands in its delivery."""

    message = models.ForeignKey(InboxMessage, on_delete=models.CASCADE, related_name="events")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, db_index=False, related_name="+")
    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, null=True, related_name="events")
    """None until `adopting` has looked at what an older version stored."""
    event_type = models.CharField(max_length=63)
    traffic_type = models.CharField(max_length=255)
    key = models.CharField(max_length=250)
    timestamp_ms = models.BigIntegerField()
    body = models.TextField()

    class Meta:
        indexes = [
            models.Index(fields=["key", "id"], name="outboxevent_key"),
            models.Index(
                fields=["event_type", "id"],
                condition=~Q(event_type="sentry_exception"),
                name="outboxevent_culprit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} for {self.traffic_type}"

    @property
    def state(self) -> str:
        """The state of its delivery."""
        return self.delivery.state if self.delivery else State.PENDING

    @property
    def delivered_at(self) -> datetime | None:
        """When FME took it."""
        return self.delivery.delivered_at if self.delivery else None

    @property
    def last_error(self) -> str:
        """Why it waits, or was given up."""
        return self.delivery.last_error if self.delivery else ""


class DeliveryAttempt(models.Model):
    """One POST to FME. Its id is the claim token of the deliveries it carried; open while the POST is under way."""

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
            models.Index(fields=["started_at"], name="attempt_time"),
            models.Index(fields=["outcome", "started_at"], name="attempt_outcome"),
            models.Index(fields=["started_at"], condition=Q(outcome="open"), name="attempt_open"),
        ]

    def __str__(self) -> str:
        return f"{self.event_count} events to {self.environment_id}: {self.get_outcome_display().lower()}"


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
        return f"{self.count} {self.name} in the hour of {self.hour:%Y-%m-%d %H:%M}"


class ProblemQuerySet(models.QuerySet["Problem"]):
    def open(self) -> "ProblemQuerySet":
        """Problems that are there and that nobody muted."""
        return self.filter(gone_at=None, muted_at=None)


class Problem(models.Model):
    """A repeated failure of an integration: one row however often it happens; open until it is gone."""

    integration = models.ForeignKey(
        SentryIntegration, on_delete=models.CASCADE, related_name="problems", db_index=False
    )  # `problem_once` begins with it
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
        """As it may stand in the audit log: a Sentry environment is a text from outside."""
        return f"{self.kind} {mask_text(self.subject)} of {self.integration_id}"


class ProblemScan(DurableRow):
    """The one row (pk 1) whose being due means: look for problems."""

    def __str__(self) -> str:
        return "Problem scan"


class ReplayOrder(DurableRow):
    """An administrator's wish to have an integration's messages of a time replayed; done when all of them are due."""

    integration = models.ForeignKey(SentryIntegration, on_delete=models.CASCADE, related_name="replay_orders")
    since = models.DateTimeField(null=True)
    until = models.DateTimeField()
    reason = models.CharField(max_length=20, blank=True, default="")
    kind = models.CharField(max_length=5, choices=Replay)
    reached = models.BigIntegerField(default=0)
    """The last message that was made due: each is, once."""

    @property
    def is_given(self) -> bool:
        """Whether the same order waits already, or was worked off if twice would send everything twice."""
        same = {name: getattr(self, name) for name in ("integration", "since", "until", "reason", "kind")}
        orders = ReplayOrder.objects.filter(**same)
        return (orders if self.kind == Replay.ALL else orders.filter(state=State.PENDING)).exists()

    def __str__(self) -> str:
        return f"Replay for {self.integration_id} until {self.until:%Y-%m-%d %H:%M}"


class Total(models.Model):
    """How often something happened in all web processes together; each adds what it counted every few seconds."""

    name = models.CharField(max_length=40)
    label = models.CharField(max_length=40, blank=True, default="")
    count = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "label"], name="total_once")]

    def __str__(self) -> str:
        return f"{self.count} {self.name} {self.label}"


class NoticeReceiver(models.Model):
    """Who is told when a problem opens: an e-mail address, or an https address that takes signed webhooks."""

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail"
        WEBHOOK = "webhook", "Webhook"

    kind = models.CharField(max_length=7, choices=Kind)
    address = models.CharField(max_length=500)
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, null=True, blank=True, related_name="notice_receivers"
    )
    """The only project it is told about; None is every project."""
    secret = EncryptedTextField(blank=True, default="")
    """Signs the webhooks; made here and shown once."""
    added_at = models.DateTimeField(default=timezone.now)
    delivered_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True, default="")
    """Why the last attempt failed; blank after a delivery."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["address", "project"], name="notice_receiver_once"),
            models.UniqueConstraint(  # SQLite cannot say NULLS NOT DISTINCT
                fields=["address"], condition=Q(project=None), name="notice_receiver_everywhere_once"
            ),
        ]

    def __str__(self) -> str:
        """As it may stand in the audit log for years: no whole e-mail address, and no path, which may hold a secret."""
        if self.kind == self.Kind.EMAIL:
            name, _, domain = self.address.partition("@")
            return f"{name[:1]}…@{domain}"
        return "/".join((*self.address.split("/")[:3], "…"))


class Notice(DurableRow):
    """One notice for one receiver: what opened in one look, or a test. Delivered at least once, under one id."""

    class Kind(models.TextChoices):
        OPENED = "problem.opened", "Problems opened"
        TEST = "test", "Test"

    receiver = models.ForeignKey(NoticeReceiver, on_delete=models.CASCADE, related_name="notices")
    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=16, choices=Kind)
    content = models.JSONField(default=list)
    """The problems in words, masked, as they were when they opened; not kept once it is settled."""
    unlisted = models.PositiveIntegerField(default=0)
    """How many more opened than are listed."""
    made_at = models.DateTimeField(default=timezone.now)
    delivered_at = models.DateTimeField(null=True)

    class Meta(DurableRow.Meta):
        indexes = [*DurableRow.Meta.indexes, models.Index(fields=["made_at"], name="notice_made")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} for {self.receiver}"
