"""What the administrator configures: FME's catalogue, Sentry's installations, and what maps one to the other."""

from datetime import datetime, timedelta
from typing import Self, TypeVar
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

from durable.models import DurableRow, State
from integrations.fields import EncryptedTextField, has_secret

MOVE_GRACE = timedelta(minutes=10)
"""How long a hook that was replaced still takes messages: Sentry caches a project's hooks for 60 seconds."""


Listed = TypeVar("Listed", bound="CatalogueRow")


class CatalogueQuerySet(models.QuerySet[Listed]):
    def present(self) -> Self:
        """Rows that FME still lists."""
        return self.filter(gone_at=None)


class CatalogueRow(models.Model):
    """Something FME owns and we mirror: marked when it disappears upstream, never deleted under a mapping."""

    fme_id = models.CharField("FME id", max_length=100)
    name = models.CharField(max_length=255)
    gone_at = models.DateTimeField("gone upstream since", null=True, blank=True, editable=False)

    objects = CatalogueQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Project(CatalogueRow):
    """An FME project ("workspace" in the Admin API)."""

    class Meta:
        ordering = [Lower("name")]
        constraints = [models.UniqueConstraint(fields=["fme_id"], name="project_fme_id")]


class Environment(CatalogueRow):
    """An FME environment, its SDK key, and whether delivery to it is held.

    Holding is one field here, never a retry per row: a backlog of a million events costs nothing while it waits
    and is due at once when a probe succeeds or a key is stored.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="environments")
    is_production = models.BooleanField(default=False)
    sdk_key = EncryptedTextField("SDK key", blank=True, default="")
    sdk_key_set_at = models.DateTimeField(null=True, blank=True, editable=False)
    hold_reason = models.TextField(blank=True, default="", editable=False)
    hold_until = models.DateTimeField("next probe", null=True, blank=True, editable=False)
    hold_attempts = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        ordering = [Lower("name")]
        constraints = [models.UniqueConstraint(fields=["project", "fme_id"], name="environment_fme_id")]

    @property
    def has_sdk_key(self) -> bool:
        return has_secret(self, "sdk_key")

    @property
    def is_held(self) -> bool:
        return bool(self.hold_reason)


class TrafficType(CatalogueRow):
    """An FME traffic type; its name is lower case on the wire."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="traffic_types")

    class Meta:
        ordering = [Lower("name")]
        constraints = [models.UniqueConstraint(fields=["project", "fme_id"], name="traffic_type_fme_id")]


class CatalogueRefresh(DurableRow):
    """The one row (pk 1) whose being due means: read projects, environments and traffic types from FME."""

    refreshed_at = models.DateTimeField(null=True, blank=True)

    class Meta(DurableRow.Meta):
        verbose_name_plural = "catalogue refreshes"

    def __str__(self) -> str:
        return "Catalogue refresh"


class SdkKeyOrder(DurableRow):
    """An administrator's wish to have an SDK key created through the Admin API.

    `name` is unique, so that a key that was created just before a crash is found by it and not made twice.
    """

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="sdk_key_orders")
    name = models.CharField(max_length=100, unique=True)
    ordered_at = models.DateTimeField(default=timezone.now, editable=False)
    replaces_set_at = models.DateTimeField(null=True, editable=False)
    """When the key was set that was there as it was ordered; compared for equality, since clocks differ."""

    class Meta(DurableRow.Meta):
        verbose_name = "SDK key order"

    @property
    def is_overtaken(self) -> bool:
        """Whether the environment was given another key since, by hand or by a later order."""
        return self.environment.sdk_key_set_at != self.replaces_set_at

    def __str__(self) -> str:
        return f"{self.name} for {self.environment}"


class Account(models.Model):
    """The one row (pk 1) of account-wide switches."""

    sentry_enabled_at = models.DateTimeField("Sentry integration enabled", null=True, blank=True)

    def __str__(self) -> str:
        return "Account"


class Membership(models.Model):
    """What a person may do, and in which project; superusers are account admins without one."""

    class Role(models.TextChoices):
        ACCOUNT_ADMIN = "account_admin", "Account admin"
        PROJECT_ADMIN = "project_admin", "Project admin"
        VIEWER = "viewer", "Viewer"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role)
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, null=True, blank=True, related_name="memberships",
        help_text="Needed for a project admin; a viewer without one reads every project.",
    )  # fmt: skip

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "project"],
                name="membership_once",
                violation_error_message="This person already has a role there.",
            ),
            models.UniqueConstraint(  # SQLite cannot say NULLS NOT DISTINCT
                fields=["user"],
                condition=Q(project=None),
                name="membership_everywhere_once",
                violation_error_message="This person already has a role in the account.",
            ),
            models.CheckConstraint(
                condition=Q(role="account_admin", project=None)
                | Q(role="project_admin", project__isnull=False)
                | Q(role="viewer"),
                name="membership_scope",
                violation_error_message="An account admin has no project, a project admin needs one.",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()}" + (f" of {self.project}" if self.project else "")


class SentryInstallation(DurableRow):
    """The app installed in a Sentry organization: its grant code, its tokens, and when to renew them.

    The row is due when something has to happen at Sentry: a code to exchange at once (it lives ten minutes and
    works once), a token to renew before it expires. It is never done; it is dead when only a new installation helps.
    """

    uuid = models.UUIDField("installation id", unique=True)
    organization = models.CharField(max_length=100, blank=True, default="")
    announced_at = models.DateTimeField("webhook received", null=True, blank=True)
    code = EncryptedTextField(blank=True, default="")
    code_received_at = models.DateTimeField(null=True, blank=True)
    token = EncryptedTextField(blank=True, default="")
    refresh_token = EncryptedTextField(blank=True, default="")
    token_expires_at = models.DateTimeField(null=True, blank=True)
    token_renewed_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField("told Sentry that it is installed", null=True, blank=True)
    deleted_at = models.DateTimeField("uninstalled", null=True, blank=True)
    projects = models.ManyToManyField(
        Project, blank=True, related_name="sentry_installations", verbose_name="released to",
        help_text="Projects whose admins may use this installation.",
    )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.organization or 'Sentry'} ({self.uuid})"

    @property
    def has_token(self) -> bool:
        return has_secret(self, "token")

    @property
    def has_code(self) -> bool:
        return has_secret(self, "code")


class SentryListing(DurableRow):
    """What Sentry lists for an installation: its organization's projects, or the environments of one project.

    Kept only to be suggested while somebody types. Due means: read it from Sentry; done: read; dead: refused, with
    the reason. A form that is opened makes it due again when it has grown old, so nothing is read for nobody.
    """

    installation = models.ForeignKey(SentryInstallation, on_delete=models.CASCADE, related_name="listings")
    organization = models.CharField(max_length=100)
    project_slug = models.CharField(
        max_length=100, blank=True, default="", help_text="Empty: the organization's projects."
    )
    names = models.JSONField(default=list, help_text="Pairs of a slug or name and its words.")
    is_cut = models.BooleanField(default=False, help_text="Sentry lists more than is kept.")
    asked_at = models.DateTimeField("last asked for by a form", default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta(DurableRow.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["installation", "organization", "project_slug"], name="listing_once"
            )
        ]

    def __str__(self) -> str:
        return (
            f"Environments of {self.organization}/{self.project_slug}"
            if self.project_slug
            else (f"Projects of {self.organization}")
        )


class IntegrationQuerySet(models.QuerySet["SentryIntegration"]):
    def living(self) -> "IntegrationQuerySet":
        """Integrations that were not deleted; a deleted one stays until its messages are pruned."""
        return self.filter(deleted_at=None)

    def living_at(self, moment: datetime) -> "IntegrationQuerySet":
        """Integrations that were not deleted yet at that moment."""
        return self.filter(Q(deleted_at=None) | Q(deleted_at__gt=moment))


class SentryIntegration(models.Model):
    """One Sentry project mapped into one FME project."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="integrations")
    installation = models.ForeignKey(
        SentryInstallation, on_delete=models.PROTECT, related_name="integrations"
    )
    organization = models.CharField("Sentry Organization", max_length=100)
    project_slug = models.CharField("Sentry Project Slug", max_length=100)
    capture_culprit = models.BooleanField("Capture Culprit as separate Event", default=False)
    is_active = models.BooleanField(default=True, help_text="Off: messages are stored and skipped.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = IntegrationQuerySet.as_manager()

    class Meta:
        ordering = [Lower("project_slug"), "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "organization", "project_slug"],
                condition=Q(deleted_at=None),
                name="integration_once",
                violation_error_message="This Sentry project is already integrated with this Harness FME project.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.project_slug} → {self.project}"

    def get_absolute_url(self) -> str:
        return reverse("integration", args=[self.pk])

    @property
    def hook(self) -> "ServiceHook | None":
        """The hook that is wanted now, if the integration is not being deleted."""
        return next((hook for hook in self.hooks.all() if hook.wanted == ServiceHook.Wanted.PRESENT), None)


class Discard(DurableRow):
    """An integration was deleted together with what it had not delivered; done when that is gone.

    From its commit on nothing of the integration is translated any more, whenever it was received.
    """

    integration = models.OneToOneField(SentryIntegration, on_delete=models.CASCADE, related_name="discard")

    def __str__(self) -> str:
        return f"Discard of {self.integration_id}"


class EnvironmentMapping(models.Model):
    """A Sentry environment, as the SDK sends it, to an FME environment; one may feed several."""

    integration = models.ForeignKey(
        SentryIntegration, on_delete=models.CASCADE, related_name="environment_mappings"
    )
    sentry_environment = models.CharField("Sentry environment", max_length=64)
    environment = models.ForeignKey(
        Environment, on_delete=models.PROTECT, verbose_name="Harness FME environment"
    )

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "sentry_environment", "environment"], name="environment_mapping_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.sentry_environment} → {self.environment}"


class IdentityMapping(models.Model):
    """A path in Sentry's webhook to the traffic type whose key stands there."""

    integration = models.ForeignKey(
        SentryIntegration, on_delete=models.CASCADE, related_name="identity_mappings"
    )
    path = models.CharField("Sentry identity path", max_length=250)
    traffic_type = models.ForeignKey(
        TrafficType, on_delete=models.PROTECT, verbose_name="Harness FME traffic type"
    )

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "path", "traffic_type"], name="identity_mapping_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.path} → {self.traffic_type}"


class ServiceHook(DurableRow):
    """A service hook that has to exist at Sentry, or has to be gone.

    Every remote hook has an address of its own. A present hook is never done: when all is well it becomes due again
    for its next check. A removed one stays as a tombstone whose address answers 202 and ignores.
    """

    class Wanted(models.TextChoices):
        PRESENT = "present", "Present"
        ABSENT = "absent", "Absent"

    address = models.UUIDField(default=uuid4, unique=True, editable=False)
    integration = models.ForeignKey(
        SentryIntegration, on_delete=models.SET_NULL, null=True, related_name="hooks"
    )
    installation = models.ForeignKey(
        SentryInstallation, on_delete=models.SET_NULL, null=True, related_name="hooks"
    )
    organization = models.CharField(max_length=100)
    project_slug = models.CharField(max_length=100)
    wanted = models.CharField(max_length=8, choices=Wanted, default=Wanted.PRESENT)
    remote_id = models.CharField("id at Sentry", max_length=64, blank=True, default="")
    secret = EncryptedTextField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    confirmed_at = models.DateTimeField("last seen at Sentry", null=True, blank=True)
    retired_at = models.DateTimeField("replaced or removed", null=True, blank=True)

    class Meta(DurableRow.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["integration"], condition=Q(wanted="present"), name="one_wanted_hook"
            )
        ]

    def __str__(self) -> str:
        return f"{self.organization}/{self.project_slug} ({self.get_wanted_display().lower()})"

    @property
    def has_secret(self) -> bool:
        return has_secret(self, "secret")

    @property
    def url(self) -> str:
        """The address Sentry posts to."""
        return f"{settings.PUBLIC_URL}/webhooks/sentry/hooks/{self.address}/"

    @property
    def phase(self) -> str:
        """The hook's state in the words of the API: pending, active, failed or deleting."""
        if self.wanted == self.Wanted.ABSENT:
            return "deleting"
        if self.state == State.DEAD:
            return "failed"
        return "active" if self.confirmed_at else "pending"

    @property
    def takes_messages(self) -> bool:
        """Whether a delivery to this address is stored: while wanted, and for a while after it was replaced."""
        return self.ends_at is None or timezone.now() < self.ends_at

    @property
    def ends_at(self) -> datetime | None:
        """When deliveries to this address are ignored; None while it is wanted."""
        if self.wanted == self.Wanted.PRESENT:
            return None
        return (self.retired_at or self.created_at) + MOVE_GRACE
