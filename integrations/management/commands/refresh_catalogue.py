"""Read projects, environments and traffic types from FME, now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations.catalogue import refresh_now
from integrations.peers import PeerError


class Command(BaseCommand):
    """Prints what was read; ends with an error and the reason when FME refuses or does not answer."""

    help = "Read projects, environments and traffic types from Harness FME, now."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            counts = refresh_now()
        except PeerError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Projects: {counts.projects}, environments: {counts.environments}, "
            f"traffic types: {counts.traffic_types}."
        )
