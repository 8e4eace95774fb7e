"""`manage.py prune`: retention."""

from typing import Any

from django.core.management.base import BaseCommand

from webhooks.retention import prune


class Command(BaseCommand):
    help = (
        "Removes bodies after PAYLOAD_RETENTION_DAYS and facts after RETENTION_DAYS; never what still waits."
    )

    def handle(self, **options: Any) -> None:
        self.stdout.write(", ".join(f"{count} {name}" for name, count in prune().items()) + " removed")
