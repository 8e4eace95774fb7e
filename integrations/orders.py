"""What a button asks of the drains: a row becomes due, the bell rings; no page waits for a peer."""

from django.utils import timezone

from durable.wake import wake
from integrations.models import Account, CatalogueRefresh, SentryIntegration, ServiceHook
from integrations.services import want_hook


def check_hook_now(integration: SentryIntegration) -> None:
    """Have the integration's hook compared with Sentry at once, and made anew where it is gone."""
    if integration.hook:
        ServiceHook.objects.filter(pk=integration.hook.pk).arm()
        wake("hooks")
    else:
        want_hook(integration)


def request_refresh() -> None:
    """Have projects, environments and traffic types read from Harness FME at once."""
    CatalogueRefresh.objects.get_or_create(pk=1)
    CatalogueRefresh.objects.filter(pk=1).arm()
    wake("catalogue")


def enable_sentry() -> None:
    """Open the Sentry integration to every project's administrators; once is enough."""
    Account.objects.get_or_create(pk=1)
    Account.objects.filter(pk=1, sentry_enabled_at=None).update(sentry_enabled_at=timezone.now())


def sentry_is_enabled() -> bool:
    """Whether an account admin has enabled the Sentry integration."""
    return Account.objects.filter(pk=1, sentry_enabled_at__isnull=False).exists()
