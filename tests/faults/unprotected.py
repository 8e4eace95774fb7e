"""The product without one of its protections, named by FAULT_WITHOUT: the scenario that shows it has to fail.

Takes the place of `config.wsgi`, `config.celery` and `manage.py`.
"""

import os
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

from django.conf import settings

from config.celery import app
from durable import drains, retry, wake
from webhooks import courier, delivery_rows, verdict, writer
from webhooks.keeper import ensure_keeper
from webhooks.outcome import Outcome

__all__ = ["app", "application"]


def put(target: str, value: object) -> None:
    """Have `value` in the place of what is found under this name, for good."""
    patch(target, value).start()


def believe_dates() -> None:
    """No date of a row and no lease is too far ahead."""
    put("durable.models.DurableQuerySet.bring_back", lambda *arguments, **named: 0)
    for place in ("durable.models", "webhooks.sql"):
        put(f"{place}.LONGEST_LEASE", timedelta(days=10**4))


def without_leases() -> None:
    """A claim is for ever: what a dead worker held is never looked at again."""
    settings.LEASE_SECONDS = 10**6
    believe_dates()


def without_finishing() -> None:
    """SIGTERM ends a process where it stands."""
    put("signal.signal", lambda number, handler: None)


def without_commit() -> None:
    """Answer first, store when there is time."""
    honest = writer.writer.store

    def later(message: Any, *, deadline_seconds: float) -> bool:
        threading.Timer(0.3, honest, args=(message,), kwargs={"deadline_seconds": 60}).start()
        return True

    put("webhooks.writer.writer.store", later)


def without_sweep() -> None:
    """Only the bell wakes workers, and not after it once failed."""
    app.conf.beat_schedule = {}
    drains.stand_in = lambda silence_seconds: None
    wake.QUIET_SECONDS = 10**6


def without_bell_thread() -> None:
    """The request publishes by itself."""
    put("durable.wake.bell.ring", lambda *names: wake.bell._publish(set(names)))


def without_patience() -> None:
    """An outcome is written down once."""
    put("webhooks.courier.patiently", lambda write: write())


def without_deadline() -> None:
    """A request waits for the database as long as it takes."""
    settings.HOOK_DEADLINE_SECONDS = 600


def without_spool() -> None:
    """What the database does not take is refused."""
    put("webhooks.accept.keep", lambda request: Outcome.FULL)


def without_bound() -> None:
    """The spool takes whatever comes."""
    put("webhooks.spool.Spool._make_room", lambda self, size, suffix: None)


def without_ambiguity() -> None:
    """A lost answer is taken for a good one."""
    honest = courier.Courier.hold

    def hope(self: Any, attempt: Any, batch: Any, reason: str, outcome: Any, **named: Any) -> None:
        if outcome == "ambiguous":
            self.finish(attempt, batch)
        else:
            honest(self, attempt, batch, reason, outcome, **named)

    put("webhooks.courier.Courier.hold", hope)


def without_halving() -> None:
    """A refused batch is tried again as it is."""
    put(
        "webhooks.courier.judge",
        lambda status: verdict.Verdict.DELIVERED if status < 300 else verdict.Verdict.HOLD,
    )


def without_cap() -> None:
    """Waits grow without end, and nobody takes a date in the far future for a mistake."""
    without_bringing_back()
    retry.FIRST_SECONDS, retry.CAP_SECONDS = 10**6, 10**9


def without_bringing_back() -> None:
    """A date is believed, whatever clock wrote it."""
    believe_dates()
    put("integrations.holding.bring_back", lambda *arguments: 0)


def without_adopting() -> None:
    """A hook is made without looking for one that is there."""
    put("integrations.hooks._ours", lambda hook, remote: [])


def without_claims() -> None:
    """A claim holds nothing: everybody takes what is due."""
    honest = delivery_rows.claim_deliveries

    def claim_nothing(token: Any, *, now: Any, until: Any, **named: Any) -> Any:
        return honest(token, now=now, until=now - timedelta(seconds=1), **named)

    put("webhooks.outbox.claim_deliveries", claim_nothing)


PROTECTIONS: dict[str, Callable[[], None]] = {
    "leases": without_leases,
    "finishing on SIGTERM": without_finishing,
    "commit before the answer": without_commit,
    "sweep": without_sweep,
    "bell thread": without_bell_thread,
    "patient outcomes": without_patience,
    "deadline": without_deadline,
    "spool": without_spool,
    "bound of the spool": without_bound,
    "ambiguous is retried": without_ambiguity,
    "halving": without_halving,
    "cap of an hour": without_cap,
    "bringing back": without_bringing_back,
    "adopting by address": without_adopting,
    "claims": without_claims,
    "threads": lambda: None,  # fewer threads are a matter of how the server is started
}
PROTECTIONS[os.environ["FAULT_WITHOUT"]]()
ensure_keeper()

if __name__ == "__main__":
    execute_from_command_line(["manage.py", *sys.argv[1:]])
