"""`manage.py erase`: remove what is kept of one person."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from webhooks.erasure import Erased, erase
from webhooks.spool import spool

OUT_OF_REACH = (
    "Out of reach: what Harness FME was sent and what Sentry holds; have it erased there. "
    "Backups and logs keep what they hold until they are rotated."
)


class Command(BaseCommand):
    help = (
        "Removes one person's traces: events with that key, messages they stand in, answers that name them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--key", required=True, help="the key of the person's track events, exactly")
        parser.add_argument(
            "--yes", action="store_true", help="also drop what is not delivered or translated yet"
        )

    def handle(self, **options: Any) -> None:
        if not options["key"].strip():
            raise CommandError("The key is blank.")
        erased = erase(options["key"], also_waiting=options["yes"])
        self.stdout.write(
            f"{erased.events} events removed, {erased.messages} messages emptied, "
            f"{erased.answers} answers of Harness FME changed."
        )
        for line in remaining(erased):
            self.stdout.write(line)
        self.stdout.write(OUT_OF_REACH)


def remaining(erased: Erased) -> list[str]:
    """What still holds the key here, and how to be rid of it."""
    lines = []
    if erased.waiting_events or erased.waiting_messages:
        lines.append(
            f"Kept, because they are still to be worked off: {erased.waiting_events} events, "
            f"{erased.waiting_messages} messages. Repeat with --yes to drop them."
        )
    if files := spool.sizes()[0]:
        lines.append(
            f"{files} requests are spooled on this host and were not read: repeat when the spool is empty."
        )
    return lines
