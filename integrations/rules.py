"""The mapping rows of integrations in their frozen, pure form, in a constant number of queries."""

from collections.abc import Iterable
from datetime import UTC, datetime

from integrations.mapping import EnvironmentRule, IdentityRule, Rules, SkipCode
from integrations.models import SentryIntegration

EVER = datetime.min.replace(tzinfo=UTC)
"""Before everything that was received."""


def rules_for(integration_ids: Iterable[int]) -> dict[int, Rules]:
    """The rules of each integration by id: three queries, however many there are."""
    integrations = (
        SentryIntegration.objects.filter(pk__in=set(integration_ids))
        .select_related("installation", "discard")
        .prefetch_related("environment_mappings__environment", "identity_mappings__traffic_type")
    )
    return {integration.pk: rules_of(integration) for integration in integrations}


def rules_of(integration: SentryIntegration) -> Rules:
    """The rules of one integration; uses what is prefetched."""
    return Rules(
        environments=tuple(
            EnvironmentRule(row.sentry_environment, row.environment_id, row.environment.name)
            for row in integration.environment_mappings.all()
        ),
        identities=tuple(
            IdentityRule(row.path, row.traffic_type.name) for row in integration.identity_mappings.all()
        ),
        wants_culprit=integration.capture_culprit,
        organization=integration.organization,
        project=integration.project_slug,
        stopped_by=_stopped_by(integration),
        ended_at=_ended_at(integration),
    )


def _ended_at(integration: SentryIntegration) -> datetime | None:
    return EVER if hasattr(integration, "discard") else integration.deleted_at


def _stopped_by(integration: SentryIntegration) -> SkipCode | None:
    if integration.installation.deleted_at:
        return SkipCode.UNINSTALLED
    return None if integration.is_active else SkipCode.INTEGRATION_PAUSED
