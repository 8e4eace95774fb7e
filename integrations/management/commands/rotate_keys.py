"""Encrypt all stored secrets again with the newest key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations.rotation import rotate_all


class Command(BaseCommand):
    """To be run after a new key was put in front of FIELD_ENCRYPTION_KEYS; then the old one can go."""

    help = "Encrypt all stored secrets again with the newest of FIELD_ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        unreadable = 0
        for result in rotate_all():
            unreadable += result.unreadable
            self.stdout.write(
                f"{result.field}: {result.renewed} encrypted anew, {result.current} were current"
                + (f", {result.unreadable} UNREADABLE" if result.unreadable else "")
            )
        if unreadable:
            raise CommandError(
                f"{unreadable} secrets were encrypted with a key that is not in FIELD_ENCRYPTION_KEYS. "
                "Put that key back at the end of the list, restart and run this again."
            )
