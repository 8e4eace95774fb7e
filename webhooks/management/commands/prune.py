"""`manage.py prune`: retention."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from webhooks.retention import ClocksDisagree, prune


class Command(BaseCommand):
    help = (
        "Removes bodies after PAYLOAD_RETENTION_DAYS and facts after RETENTION_DAYS; never what still waits."
    )

    def handle(self, **options: Any) -> None:
        try:
            removed = prune()
        except ClocksDisagree as error:
            raise CommandError(str(error)) from None
        self.stdout.write(", ".join(f"{count} {name}" for name, count in removed.items()) + " removed")
