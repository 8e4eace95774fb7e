"""Which edition of an integration a form began with, so that two who edit it at once do not undo each other."""

from hashlib import sha256
from typing import Any

from integrations.models import SentryIntegration
from integrations.services import Configuration


def stored_edition(integration: SentryIntegration) -> str:
    """The mark of what is stored now."""
    return _mark(
        integration.installation.uuid,
        integration.organization,
        integration.project_slug,
        integration.capture_culprit,
        list(integration.environment_mappings.values_list("sentry_environment", "environment")),
        list(integration.identity_mappings.values_list("path", "traffic_type")),
    )


def edition_of(configuration: Configuration) -> str:
    """The mark that a configuration has once it is stored."""
    return _mark(
        configuration.installation_id,
        configuration.organization,
        configuration.project_slug,
        configuration.capture_culprit,
        [(name, environment.pk) for name, environment in configuration.environments],
        [(path, traffic_type.pk) for path, traffic_type in configuration.identities],
    )


def _mark(*parts: Any) -> str:
    return sha256(repr(parts).encode("utf-8", "replace")).hexdigest()[:16]
