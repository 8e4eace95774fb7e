"""`manage.py replay`: send stored messages through the mapping again."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from integrations.models import SentryIntegration
from webhooks.models import InboxMessage
from webhooks.reasons import REASONS
from webhooks.replaying import Choice, order_replay, replay, replayable
from webhooks.revealing import record_replay


class Command(BaseCommand):
    help = "Sends stored messages through the mapping again: only what it now adds, unless --everything."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--message", type=int, help="id of one message")
        parser.add_argument(
            "--integration", type=int, help="id of an integration; with --since: all its messages"
        )
        parser.add_argument("--since", type=moment, help="date and time, as in 2026-11-23T02:00Z")
        parser.add_argument("--until", type=moment, help="the end of that time; now by default")
        parser.add_argument("--reason", choices=list(REASONS), help="only those first skipped for this")
        parser.add_argument(
            "--everything", action="store_true", help="send again what FME has already (it counts twice)"
        )
        parser.add_argument("--dry-run", action="store_true", help="only say how many messages that would be")

    def handle(self, **options: Any) -> None:
        if options["message"]:
            count = self.replay_one(options)
        elif options["integration"] and options["since"]:
            count = self.replay_many(options)
        else:
            raise CommandError("Name one --message, or an --integration and --since when.")
        self.stdout.write(f"{count} messages {'would be' if options['dry_run'] else 'are'} replayed")
        if options["everything"]:
            self.stderr.write("Everything is sent again: Harness FME counts twice what it has already.")

    def replay_one(self, options: dict[str, Any]) -> int:
        """At once."""
        found = replayable(InboxMessage.objects.filter(pk=options["message"]))
        if options["integration"]:
            found = found.filter(integration=options["integration"])
        message = found.defer("body").first()
        if message is None or options["dry_run"]:
            return int(message is not None)
        record_replay(message, everything=options["everything"])
        return replay(InboxMessage.objects.filter(pk=message.pk), everything=options["everything"])

    def replay_many(self, options: dict[str, Any]) -> int:
        """By an order, which the drains work off."""
        integration = SentryIntegration.objects.living().filter(pk=options["integration"]).first()
        if integration is None:
            raise CommandError(f"There is no integration {options['integration']}.")
        until = options["until"] or timezone.now()
        choice = Choice(integration.pk, until, options["since"], options["reason"] or "")
        if options["dry_run"]:
            return choice.messages.count()
        return order_replay(integration, choice, everything=options["everything"])


def moment(text: str) -> datetime:
    """A date and time; without a zone it is UTC."""
    try:
        found = parse_datetime(text) or datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} is no date and time; write it as 2026-11-23T02:00Z") from None
    return found if timezone.is_aware(found) else timezone.make_aware(found)
