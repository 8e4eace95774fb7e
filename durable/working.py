"""Working off rows one by one, for work that calls a peer: one claim, one row, one outcome."""

import logging
import random
import traceback
from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from durable.models import DurableQuerySet, Row
from durable.retry import decide
from durable.stopping import stopping

logger = logging.getLogger(__name__)


def work_off(rows: DurableQuerySet[Row], handle: Callable[[Row], None]) -> int:
    """Claim and `handle` one due row after the other until none is due or the process stops; returns how many.

    `handle` ends the claim. What it raises is a mistake of ours: recorded in the row, which comes again until
    it is dead, and never in the way of the next row.
    """
    handled = 0
    rows.bring_back()
    while not stopping.is_set() and (claimed := rows.claim(limit=1, lease_seconds=settings.LEASE_SECONDS)):
        row = claimed[0]
        try:
            handle(row)
        except (OperationalError, InterfaceError):
            raise  # the database is away, which is no fault of the row
        except ImproperlyConfigured as error:  # nor is a setting, and only a person can put it right
            logger.error("Working off %s %s waits for a setting: %s", type(row).__name__, row.pk, error)
            row.retry(again_at(row.attempts), str(error))
        except Exception:
            logger.exception("Working off %s %s failed.", type(row).__name__, row.pk)
            row.fault(traceback.format_exc(), again_at(row.attempts))
        handled += 1
    return handled


def again_at(attempt: int, *, retry_after_seconds: float | None = None) -> datetime:
    """When to try again after failed attempt number `attempt`, by the clock and the dice of this process."""
    dice = random.random()  # noqa: S311 - spreads retries, guards nothing
    return decide(attempt, now=timezone.now(), dice=dice, retry_after_seconds=retry_after_seconds).at
