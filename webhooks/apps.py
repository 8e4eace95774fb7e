from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """What flows through; registers the drains of the inbox and the outbox."""

    name = "webhooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from durable.drains import register

        from webhooks import inbox, outbox

        register("inbox", inbox.drain_inbox)
        register("outbox", outbox.drain_outbox)
