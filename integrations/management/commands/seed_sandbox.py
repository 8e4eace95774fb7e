"""Make everything ready for a first try against the sandbox, and say how to begin."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from integrations.peers import PeerError
from integrations.sandboxing import Tour, prepare, wait_for_web

BANNER = """
  Sentry → Harness FME is ready.

    open          {public_url}/
    log in as     {tour.username}
    password      {tour.password}

    the form      Sentry Installation ID   {tour.installation_id}
                  Sentry Organization      {tour.organization}
                  Sentry Project Slug      {tour.project_slug}

    the sandbox   {sandbox_url}/
    Sentry DSN    {tour.dsn}

  Ctrl-C ends everything.
"""


class Command(BaseCommand):
    """Waits for the sandbox and the web server, which start at the same time; may be run again."""

    help = "Prepare login, catalogue and SDK keys for a try against the sandbox (development only)."

    def handle(self, *args: Any, **options: Any) -> None:
        if not (settings.SANDBOX and settings.DEBUG):
            raise CommandError("The sandbox is for development only: it needs SANDBOX and DEBUG on.")
        try:
            tour = prepare()
            wait_for_web()
        except PeerError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(_banner(tour))


def _banner(tour: Tour) -> str:
    return BANNER.format(tour=tour, public_url=settings.PUBLIC_URL, sandbox_url=settings.SANDBOX_URL)
