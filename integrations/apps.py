"""The app of what the administrator configures, and its drains."""

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    """What an administrator configures; registers the drains that call the peers."""

    name = "integrations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.contrib.sessions.backends.db import SessionStore

        from durable import chores
        from durable.drains import register
        from integrations import audit, catalogue, checks, hooks, installations, listings, sdk_keys

        register("installations", installations.drain_installations)
        register("catalogue", catalogue.drain_catalogue)
        register("sdk_keys", sdk_keys.drain_sdk_keys)
        register("hooks", hooks.drain_hooks)
        register("listings", listings.drain_listings)
        chores.register("sessions", SessionStore.clear_expired)
        checks.register_checks()
        audit.register_models()
