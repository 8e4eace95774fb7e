"""`manage.py demo_data`: a month of invented traffic to look at."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand

from integrations.models import Membership, Project
from integrations.peers import PeerError
from integrations.sandboxing import introduce
from webhooks import demo

PEOPLE = {
    "mina": Membership.Role.ACCOUNT_ADMIN,
    "jonas": Membership.Role.PROJECT_ADMIN,
    "lea": Membership.Role.VIEWER,
}


class Command(BaseCommand):
    help = (
        "Fills the database with a month of invented traffic: integrations, messages, track events, problems."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=30)
        parser.add_argument("--share", type=float, default=1.0, help="1 is about 5,000 messages a month")
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument(
            "--password", default="", help="for the logins mina, jonas and lea; without it they get none"
        )

    def handle(self, **options: Any) -> None:
        demo.remove()
        integrations = demo.configure()
        self._people(options["password"])
        count = demo.flow(integrations, days=options["days"], share=options["share"], seed=options["seed"])
        self._introduce()
        demo.open_up()
        self.stdout.write(f"{count} messages of {len(integrations)} integrations")

    def _introduce(self) -> None:
        """Beside a sandbox, it knows all of it; without one, hooks and keys are refused when they are used."""
        try:
            if settings.SANDBOX:
                introduce(Project.objects.filter(fme_id__startswith="demo-"))
        except PeerError as error:
            self.stderr.write(
                f"{error} Hooks and SDK keys of the demonstration work only with a sandbox that was told of them: "
                "start `make run`, then run this again."
            )

    def _people(self, password: str) -> None:
        shop = Project.objects.get(fme_id="demo-shop")
        for name, role in PEOPLE.items():
            user, is_new = User.objects.get_or_create(username=name)
            if password or is_new:
                user.set_password(password or None)
                user.save()
            project = None if role == Membership.Role.ACCOUNT_ADMIN else shop
            Membership.objects.get_or_create(user=user, project=project, defaults={"role": role})
