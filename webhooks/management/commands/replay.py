"""`manage.py replay`: send stored messages through the mapping again."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from webhooks.inbox import replay
from webhooks.models import InboxMessage


class Command(BaseCommand):
    help = "Sends stored messages through the mapping again: only what it now adds, unless --everything."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--message", type=int, help="id of one message")
        parser.add_argument(
            "--integration", type=int, help="id of an integration; with --since: all its messages"
        )
        parser.add_argument("--since", type=moment, help="date and time, as in 2026-11-23T02:00Z")
        parser.add_argument(
            "--everything", action="store_true", help="send again what FME has already (it counts twice)"
        )
        parser.add_argument("--dry-run", action="store_true", help="only say how many messages that would be")

    def handle(self, **options: Any) -> None:
        if not options["message"] and not (options["integration"] and options["since"]):
            raise CommandError("Name one --message, or an --integration and --since when.")
        messages = InboxMessage.objects.all()
        if options["message"]:
            messages = messages.filter(pk=options["message"])
        if options["integration"]:
            messages = messages.filter(integration=options["integration"])
        if options["since"]:
            messages = messages.filter(received_at__gte=options["since"])
        if options["dry_run"]:
            self.stdout.write(f"{messages.exclude(body=None).count()} messages would be replayed")
            return
        self.stdout.write(f"{replay(messages, everything=options['everything'])} messages are replayed")


def moment(text: str) -> datetime:
    """A date and time; without a zone it is UTC."""
    try:
        found = parse_datetime(text) or datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} is no date and time; write it as 2026-11-23T02:00Z") from None
    return found if timezone.is_aware(found) else timezone.make_aware(found)
