"""The keeper: one thread per web process that takes the spool in again, and writes down what was counted."""

import logging
import os
import threading
import time
from pathlib import Path

from django.conf import settings
from django.db import InterfaceError, OperationalError

from webhooks import counters, refusals
from webhooks import spool as files
from webhooks.accept import accept_again
from webhooks.spool import spool
from webhooks.writer import StoreUnavailable

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
WRITE_SECONDS = 5.0
"""Between two writes of what was counted."""

_start = threading.Lock()
_owner = 0


def ensure_keeper() -> None:
    """Start this process's keeper thread once (after the fork); none where a test stores in its own thread."""
    global _owner
    if _owner == os.getpid() or settings.WEBHOOK_WRITER == "inline":
        return
    with _start:
        if _owner != os.getpid():
            _owner = os.getpid()
            threading.Thread(target=_run, name="keeper", daemon=True).start()


def take_in() -> int:
    """Take in what is spooled; returns how many files were. Stops at the first sign that the database is away."""
    count = 0
    for file in spool.waiting():
        try:
            count += take_in_file(file)
        except StoreUnavailable:
            break
        except OSError as error:  # gone, or not ours to move: the others must not wait for it
            logger.error("A spooled request stays: %s", error)
    if count:
        logger.warning("Took in %d spooled requests.", count)
    return count


def take_in_file(file: Path) -> bool:
    """Store one spooled request, then remove its file; False when it stays or is set aside.

    Raises StoreUnavailable, and OSError when the file cannot be read or removed; then it stays.
    """
    try:
        request = files.read(file)
        outcome = accept_again(request)
    except (StoreUnavailable, OSError):
        raise
    except (OperationalError, InterfaceError) as error:  # the database is away, wherever that was noticed
        raise StoreUnavailable(type(error).__name__) from error
    except Exception:  # damaged, or a bug of ours: it must neither be lost nor hold up the others
        logger.exception("A spooled request could not be taken in.")
        spool.set_aside(file)
        return False
    if outcome.may_change:
        return False
    if outcome.status >= 400:
        refusals.note(request.address, outcome)
        logger.warning("A spooled request was refused on taking it in: %s", outcome.reason)
        if request.is_verified:  # it was genuine, and answered for: a person has to see it
            spool.set_aside(file)
            return False
    file.unlink()
    return True


def write_sums() -> None:
    """Write what this process counted; what cannot be written is kept for the next time."""
    for write in (counters.sums.write, refusals.sums.write):
        try:
            write()
        except StoreUnavailable:
            logger.info("What was counted is kept until the database is back.")
        except Exception:
            logger.exception("What was counted could not be written; trying again.")


def _run() -> None:
    written_at = 0.0
    while True:
        try:
            take_in()
        except Exception:
            logger.exception("The keeper stumbled; it goes on.")
        if time.monotonic() - written_at > WRITE_SECONDS:
            written_at = time.monotonic()
            write_sums()
        time.sleep(PAUSE_SECONDS)
