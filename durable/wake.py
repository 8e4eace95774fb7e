"""The bell: after a commit, tell the workers that something is due; quick, coalesced, allowed to be lost.

`wake` only sets a flag. One thread per process publishes, so a broker that hangs delays nobody; whatever it loses
is found by the sweep. Without a broker `manage.py drain --follow` polls, and only the drains of one process hear of
each other.
"""

import logging
import os
import threading
import time
from functools import partial

from celery import current_app
from django.conf import settings
from django.db import connection, transaction

from durable import drains

logger = logging.getLogger(__name__)

REST_SECONDS = 0.02
"""Between two rings: what is committed within it shares one ring, and a burst cannot flood the broker."""

QUIET_SECONDS = 5.0
"""After a failed ring: the sweep finds the rows meanwhile."""


class Bell:
    """Collects the names of drains to wake and publishes them from its own thread (started after a fork)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rung = threading.Event()
        self._names: set[str] = set()
        self._owner = 0

    def ring(self, *names: str) -> None:
        """Note that `names` have work; returns at once."""
        with self._lock:
            self._names.update(names)
            if self._owner != os.getpid():
                self._owner = os.getpid()
                threading.Thread(target=self._run, name="bell", daemon=True).start()
        self._rung.set()

    def _run(self) -> None:
        while self._rung.wait():
            self._rung.clear()
            with self._lock:
                names, self._names = self._names, set()
            time.sleep(REST_SECONDS if self._publish(names) else QUIET_SECONDS)

    def _publish(self, names: set[str]) -> bool:
        try:
            for name in names:
                current_app.send_task(
                    "durable.drain", args=(name,), expires=settings.SWEEP_SECONDS, retry=False
                )
        except Exception as error:  # any broker failure: kombu's classes differ by transport
            logger.warning("The broker took no wake-up (%s); the sweep finds the rows.", type(error).__name__)
            return False
        return True


bell = Bell()


def wake(*names: str) -> None:
    """Ring for `names` once the current transaction has committed (at once outside of one); never raises.

    Outside of one the database is not touched: `on_commit` alone would open a connection in each thread that asks,
    and a webhook's thread has to have none.
    """
    ring = bell.ring if settings.CELERY_BROKER_URL else drains.nudge
    if connection.in_atomic_block:
        transaction.on_commit(partial(ring, *names), robust=True)
    else:
        ring(*names)
