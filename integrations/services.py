"""Changes of several rows at once: saving, pausing and deleting an integration, storing an SDK key.

Each is one transaction that leaves the work as rows, and rings the bell after the commit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from durable.models import State
from durable.wake import wake
from integrations.audit import mappings_of, record_mappings
from integrations.models import (
    Environment,
    EnvironmentMapping,
    IdentityMapping,
    Project,
    SdkKeyOrder,
    SentryInstallation,
    SentryIntegration,
    ServiceHook,
    TrafficType,
)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What an administrator saves; forms and API both end here, validated."""

    installation_id: UUID
    organization: str
    project_slug: str
    capture_culprit: bool
    environments: tuple[tuple[str, Environment], ...]
    identities: tuple[tuple[str, TrafficType], ...]
    is_active: bool = True


@transaction.atomic
def save_integration(
    project: Project, configuration: Configuration, *, integration: SentryIntegration | None = None
) -> SentryIntegration:
    """Store `configuration` in `project`, new or over `integration`, and leave its hook to the drain.

    Raises IntegrityError when another integration of the project already has this organization and project slug,
    and DoesNotExist when somebody deleted it meanwhile: it must not come back.
    """
    if integration:
        SentryIntegration.objects.living().select_for_update().get(pk=integration.pk)
    installation, is_new = SentryInstallation.objects.get_or_create(
        uuid=configuration.installation_id, defaults={"due_at": timezone.now()}
    )
    if is_new:
        wake("installations")
    integration = integration or SentryIntegration(project=project)
    integration.installation = installation
    integration.organization = configuration.organization
    integration.project_slug = configuration.project_slug
    integration.capture_culprit = configuration.capture_culprit
    integration.is_active = configuration.is_active
    integration.save()
    _replace_mappings(integration, configuration)
    want_hook(integration)
    return integration


def want_hook(integration: SentryIntegration) -> None:
    """Make the integration's wanted hook the one its slugs and installation name; the drain makes Sentry agree."""
    hooks = ServiceHook.objects.filter(integration=integration, wanted=ServiceHook.Wanted.PRESENT)
    place = {"organization": integration.organization, "project_slug": integration.project_slug}
    if hook := hooks.filter(**place).first():
        hooks.filter(pk=hook.pk).arm(installation=integration.installation)
    else:
        retire(hooks)
        ServiceHook.objects.create(integration=integration, installation=integration.installation, **place)
    wake("hooks")


def retire(hooks: "Iterable[ServiceHook]") -> None:
    """Have hooks removed at Sentry; their addresses keep taking messages for a while, then stay as tombstones."""
    keys = [hook.pk for hook in hooks]
    ServiceHook.objects.filter(pk__in=keys).arm(wanted=ServiceHook.Wanted.ABSENT, retired_at=timezone.now())
    wake("hooks")


@transaction.atomic
def remove_integration(integration: SentryIntegration) -> None:
    """Hide the integration at once and have its hook removed; undelivered events still go out."""
    integration.deleted_at = timezone.now()
    integration.save(update_fields=["deleted_at"])
    retire(integration.hooks.filter(wanted=ServiceHook.Wanted.PRESENT))


def set_active(integration: SentryIntegration, *, is_active: bool) -> None:
    """Pause or resume: while paused, messages are stored and skipped, and can be replayed."""
    integration.is_active = is_active
    integration.save(update_fields=["is_active"])


def store_sdk_key(environment: Environment, sdk_key: str) -> None:
    """Keep the SDK key of an environment; what waited for it is due at once."""
    environment.sdk_key = sdk_key
    environment.sdk_key_set_at = timezone.now()
    environment.hold_reason, environment.hold_until, environment.hold_attempts = "", None, 0
    environment.save(
        update_fields=["sdk_key", "sdk_key_set_at", "hold_reason", "hold_until", "hold_attempts"]
    )
    wake("outbox")


@transaction.atomic
def order_sdk_key(environment: Environment) -> SdkKeyOrder:
    """Have an SDK key created through FME's Admin API; an order under way is not doubled, but is due at once."""
    # Two clicks at once take turns.
    environment = Environment.objects.select_for_update(no_key=True).get(pk=environment.pk)
    orders, replaces = environment.sdk_key_orders, {"replaces_set_at": environment.sdk_key_set_at}
    pending = orders.filter(state=State.PENDING, **replaces)
    pending.filter(claim=None).arm()  # one that waits is tried at once
    order = pending.first() or orders.create(name=_key_name(environment), **replaces)
    wake("sdk_keys")
    return order


def _key_name(environment: Environment) -> str:
    return f"sentry-integration-{environment.fme_id[:40]}-{timezone.now():%Y%m%d%H%M%S%f}"


def _replace_mappings(integration: SentryIntegration, configuration: Configuration) -> None:
    before = mappings_of(integration)
    integration.environment_mappings.all().delete()
    integration.identity_mappings.all().delete()
    EnvironmentMapping.objects.bulk_create(
        EnvironmentMapping(integration=integration, sentry_environment=name, environment=environment)
        for name, environment in configuration.environments
    )
    IdentityMapping.objects.bulk_create(
        IdentityMapping(integration=integration, path=path, traffic_type=traffic_type)
        for path, traffic_type in configuration.identities
    )
    record_mappings(integration, before)
