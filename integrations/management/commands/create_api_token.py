"""`manage.py create_api_token USERNAME`: a token for the REST API, shown once."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from knox.models import AuthToken


class Command(BaseCommand):
    """Prints nothing but the token on standard output, so that a script can take it."""

    help = "Make an API token for a person and print it; only its hash is kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, username: str, **options: Any) -> None:
        person = User.objects.filter(username=username).first()
        if person is None:
            raise CommandError(f"There is no user named {username}.")
        if not person.is_active:
            raise CommandError(f"{username} is not active, so no token of theirs would be accepted.")
        _, token = AuthToken.objects.create(person)
        self.stdout.write(token)
