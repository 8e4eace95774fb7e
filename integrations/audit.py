"""Who changed what: the configuration and the people are on record, secrets and what flows through are not.

The record is written on `save` and `delete` of a row; drains change rows by `update`, so that nothing hot is slowed.
"""

from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.contrib.auth.models import User

from integrations.models import (
    Account,
    Environment,
    Membership,
    SdkKeyOrder,
    SentryInstallation,
    SentryIntegration,
)

Mappings = dict[str, str]
"""The rows of each list as one text."""


def register_models() -> None:
    """Name what is recorded: field by field where a row holds secrets, so that a new one is not recorded by chance."""
    auditlog.register(SentryIntegration)
    auditlog.register(
        SentryInstallation, include_fields=["organization", "deleted_at"], m2m_fields={"projects"}
    )
    auditlog.register(Environment, include_fields=["sdk_key_set_at"])
    auditlog.register(SdkKeyOrder, include_fields=["environment", "name"])
    auditlog.register(Account)
    auditlog.register(Membership)
    auditlog.register(User, include_fields=["username", "is_active", "is_staff", "is_superuser"])


def mappings_of(integration: SentryIntegration) -> Mappings:
    """What is mapped now, as people read it."""
    environments = integration.environment_mappings.select_related("environment")
    identities = integration.identity_mappings.select_related("traffic_type")
    return {
        "environment_mappings": ", ".join(str(row) for row in environments),
        "identity_mappings": ", ".join(str(row) for row in identities),
    }


def record_mappings(integration: SentryIntegration, before: Mappings) -> None:
    """Record how the mappings differ from `before`; their rows are replaced whole, so single rows say nothing."""
    after = mappings_of(integration)
    changes = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    if changes:
        LogEntry.objects.log_create(integration, action=LogEntry.Action.UPDATE, changes=changes)
