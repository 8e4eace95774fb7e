"""The app of what flows through, and its drains."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """What flows through; registers the drains of the inbox, the outbox and the problems."""

    name = "webhooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from durable import chores
        from durable.drains import register
        from webhooks import inbox, outbox, problems, retention

        register("inbox", inbox.drain_inbox)
        register("outbox", outbox.drain_outbox)
        register("chores", chores.drain_chores)
        chores.register("prune", retention.prune)
        register("problems", problems.drain_problems)
