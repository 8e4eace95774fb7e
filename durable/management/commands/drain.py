"""`manage.py drain`: work off everything due now; `--follow` goes on until SIGTERM or SIGINT."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from durable.drains import drain_all, follow
from durable.stopping import stop_on_signals


class Command(BaseCommand):
    help = "Drains everything that is due now, then ends. --follow polls until SIGTERM or SIGINT."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--follow", action="store_true", help="poll every second until told to stop")

    def handle(self, **options: Any) -> None:
        stop_on_signals()
        if options["follow"]:
            follow()
        else:
            drain_all()
