"""The drains by name, and the one loop that runs them: in order, each until nothing is due."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils import timezone

from durable.models import Heartbeat
from durable.stopping import stopping

logger = logging.getLogger(__name__)

Drain = Callable[[], int]
"""Works off what is due and returns how many rows it handled; ends early when `stopping` is set."""

HEARTBEAT_EVERY = timedelta(seconds=5)

_drains: dict[str, Drain] = {}
_beaten: dict[str, datetime] = {}


def register(name: str, drain: Drain) -> None:
    """Make `drain` known as `name`; the order of registration is the order of `drain_all`."""
    _drains[name] = drain


def names() -> tuple[str, ...]:
    """Every registered drain, in order."""
    return tuple(_drains)


def run(name: str) -> int:
    """Run one drain; returns the number of rows handled. Raises KeyError for an unknown name."""
    _beat(name)
    return _drains[name]()


def drain_all() -> int:
    """Run every drain until a whole round finds nothing due; returns the number of rows handled."""
    total = 0
    while handled := sum(run(name) for name in names()):
        total += handled
        if stopping.is_set():
            break
    return total


def _beat(name: str) -> None:
    now = timezone.now()
    if (last := _beaten.get(name)) and timedelta(0) <= now - last < HEARTBEAT_EVERY:
        return
    _beaten[name] = now
    Heartbeat.objects.update_or_create(drain=name, defaults={"at": now})
