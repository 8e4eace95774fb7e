"""What the sandbox does without being asked: seed, send webhooks, announce the waiting installation."""

import threading
import time

from sandbox.options import options
from sandbox.seed import seed
from sandbox.sentry import messages, sender
from sandbox.sentry.events import APP_PATH
from sandbox.sentry.installations import renew_code
from sandbox.store import store

ANNOUNCE_SECONDS = 1.0


def start() -> None:
    """Fill an empty store and begin; returns at once."""
    seed()
    sender.start()
    if options().announces:
        threading.Thread(target=_announce_for_ever, name="announcer", daemon=True).start()


def announce() -> bool:
    """Tell the product of the seeded installation, unless that was done; True when nothing is left to tell.

    The product may start later than the sandbox, where Sentry would give up; so this goes on until taken.
    """
    uuid = store().value(
        "SELECT uuid FROM installations WHERE is_seed = 1 AND announced = 0 AND deleted IS NULL"
    )
    if uuid is None:
        return True
    data = {"resource": "installation", "action": "created", "installation": uuid, "code": renew_code(uuid)}
    body = messages.app_body(data)
    outcome = sender.deliver(
        "sentry_app", options().public_url + APP_PATH, sender.app_headers("installation", body), body
    )
    if outcome.status is None or not 200 <= outcome.status < 300:
        return False
    store().run("UPDATE installations SET announced = 1 WHERE uuid = ?", uuid)
    return True


def _announce_for_ever() -> None:
    while True:
        announce()
        time.sleep(ANNOUNCE_SECONDS)
