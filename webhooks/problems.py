"""Repeated failures, grouped: open until gone."""

from integrations.models import SentryIntegration
from integrations.roles import Access


def count_open(access: Access, integration: SentryIntegration | None = None) -> int:
    """How many are open that this person may see."""
    return 0
