"""Chores: work that is due once a day, with beat or without; a row each, like all that must not be lost."""

import logging
import traceback
from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from durable.models import Chore
from durable.stopping import stopping
from durable.working import again_at

logger = logging.getLogger(__name__)

EVERY = timedelta(days=1)
LEASE_SECONDS = 3600.0
"""A chore may take long; a worker that dies over it delays it by an hour at the most."""

Work = Callable[[], object]

_chores: dict[str, Work] = {}


def register(name: str, work: Work) -> None:
    """Have `work` done daily under `name`; `work` may be done twice and has to be harmless then."""
    _chores[name] = work


def drain_chores() -> int:
    """Do what is due; returns how many chores were."""
    for name in _chores.keys() - set(Chore.objects.values_list("name", flat=True)):
        Chore.objects.get_or_create(name=name)
    handled = 0
    ours = Chore.objects.filter(name__in=list(_chores))
    ours.bring_back(EVERY)
    while not stopping.is_set() and (claimed := ours.claim(limit=1, lease_seconds=LEASE_SECONDS)):
        do(claimed[0])
        handled += 1
    return handled


def do(chore: Chore) -> None:
    """One chore: again in a day; soon when it failed; at once when the process had to stop in the middle."""
    try:
        result = _chores[chore.name]()
    except Exception:
        logger.exception("The chore %s failed; it is tried again.", chore.name)
        chore.retry(again_at(chore.attempts), traceback.format_exc())
        return
    logger.info("Done: %s (%s).", chore.name, result)
    chore.reschedule(timezone.now() + (timedelta() if stopping.is_set() else EVERY))
