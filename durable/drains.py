"""The drains by name, and what runs them: once until nothing is due, or side by side until told to stop."""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, close_old_connections, connection
from django.utils import timezone

from durable.freezing import freeze_what_is_loaded
from durable.models import Heartbeat
from durable.stopping import stopping

logger = logging.getLogger(__name__)

Drain = Callable[[], int]
"""Works off what is due and returns how many rows it handled; ends early when `stopping` is set."""

POLL_SECONDS = 1.0
HEARTBEAT_EVERY = timedelta(seconds=5)

_drains: dict[str, Drain] = {}
_nudges: defaultdict[str, threading.Event] = defaultdict(threading.Event)
_heard_at = 0.0
_beaten: dict[str, datetime] = {}


def register(name: str, drain: Drain) -> None:
    """Make `drain` known as `name`; the order of registration is the order of `drain_all`."""
    _drains[name] = drain


def names() -> tuple[str, ...]:
    """Every registered drain, in order."""
    return tuple(_drains)


def run(name: str) -> int:
    """Run one drain; returns the number of rows handled. Raises KeyError for an unknown name."""
    beat(name)
    return _drains[name]()


def drain_all() -> int:
    """Run every drain until a whole round finds nothing due; returns the number of rows handled."""
    total = 0
    while handled := sum(run(name) for name in names()):
        total += handled
        if stopping.is_set():
            break
    return total


def follow() -> None:
    """Poll until `stopping` is set."""
    freeze_what_is_loaded()
    _side_by_side(lambda: True)


def stand_in(silence_seconds: float) -> None:
    """Poll as `follow` does while no bell was `heard` for so long; until `stopping` is set.

    For a worker whose broker is away, or has forgotten it: what is due does not wait for a bell.
    """
    heard()
    while not stopping.wait(POLL_SECONDS):
        is_silent = time.monotonic() - _heard_at > silence_seconds
        if is_silent:
            logger.warning("No bell for %d s: looking for work without the broker.", silence_seconds)
            _side_by_side(lambda: time.monotonic() - _heard_at > silence_seconds)
        if is_silent and not stopping.is_set():
            logger.warning("The bell rings again.")


def heard() -> None:
    """A bell has rung in this process."""
    global _heard_at
    _heard_at = time.monotonic()


def nudge(*names: str) -> None:
    """Have the drains that this process polls look for work now: what one leaves to another does not wait a poll."""
    for name in names:
        _nudges[name].set()


def _side_by_side(is_wanted: Callable[[], bool]) -> None:
    """Poll while `is_wanted`: a thread per drain, so that a peer that hangs holds up nobody else's work."""
    threads = [
        threading.Thread(target=_poll, args=(name, is_wanted), name=f"drain-{name}") for name in names()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _poll(name: str, is_wanted: Callable[[], bool]) -> None:
    while is_wanted() and not stopping.is_set():
        try:
            close_old_connections()
            run(name)
        except (OperationalError, InterfaceError) as error:  # the database is away: the rows stay due
            words = str(error).splitlines()[:1]
            logger.warning(
                "The drain of %s waits for the database (%s): %s", name, type(error).__name__, words
            )
            connection.close()
        except Exception:  # a bug: the rows stay due, the other drains go on
            logger.exception("The drain of %s broke off; it goes on in a second.", name)
            connection.close()
        if _nudges[name].wait(POLL_SECONDS):
            _nudges[name].clear()
    connection.close()


def beat(name: str) -> None:
    """Note that this drain is alive, every few seconds; one that works for long says so on its way."""
    now = timezone.now()
    if (last := _beaten.get(name)) and timedelta(0) <= now - last < HEARTBEAT_EVERY:
        return
    _beaten[name] = now
    Heartbeat.objects.update_or_create(drain=name, defaults={"at": now})
