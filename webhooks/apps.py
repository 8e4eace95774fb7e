"""The app of what flows through, its drains, and what of it is on record."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """What flows through; registers its drains."""

    name = "webhooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from durable import chores
        from durable.drains import register
        from webhooks import (
            discarding,
            inbox,
            notice_delivery,
            notices,
            outbox,
            problems,
            replaying,
            retention,
        )

        register("discards", discarding.drain_discards)
        register("replays", replaying.drain_replays)
        register("inbox", inbox.drain_inbox)
        register("outbox", outbox.drain_outbox)
        register("chores", chores.drain_chores)
        chores.register("prune", retention.prune)
        register("problems", problems.drain_problems)
        register("notices", notice_delivery.drain_notices)
        notices.register_models()
