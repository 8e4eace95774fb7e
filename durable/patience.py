"""Writing down what only this process knows: the outcome of a call to a peer, while the database is away."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from durable.stopping import stopping

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

AGAIN_SECONDS = 0.2
"""Short: when the database is back, the outcome should be there before another worker looks for due rows."""


def patiently(write: Callable[[], Result]) -> Result:
    """Run `write`, a whole transaction, again and again while the database is away; returns its result.

    What a peer has taken is not sent twice because the database was down at the wrong moment. Nobody else can take
    the rows meanwhile, so there is no hurry; only a process that has to stop gives up, after a third of a lease. A
    commit whose answer was lost is repeated: `write` has to bear that.
    """
    told = False
    give_up_at: float | None = None
    while True:
        try:
            return write()
        except (OperationalError, InterfaceError) as error:
            connection.close()
            if stopping.is_set():
                give_up_at = give_up_at or time.monotonic() + settings.LEASE_SECONDS / 3
                if time.monotonic() > give_up_at:
                    raise
            if not told:
                logger.warning("An outcome waits for the database: %s", type(error).__name__)
            told = True
            time.sleep(AGAIN_SECONDS)
