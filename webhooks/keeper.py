"""The keeper: one thread per web process that takes the spool in again while the database is well."""

import logging
import os
import threading
import time
from pathlib import Path

from django.conf import settings
from django.db import InterfaceError, OperationalError

from webhooks import spool as files
from webhooks.accept import accept_again
from webhooks.spool import spool
from webhooks.writer import StoreUnavailable

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0

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
            take_in_file(file)
        except StoreUnavailable:
            break
        count += 1
    if count:
        logger.warning("Took in %d spooled requests.", count)
    return count


def take_in_file(file: Path) -> None:
    """Store one spooled request, then remove its file; raises StoreUnavailable and then leaves it."""
    try:
        outcome = accept_again(files.read(file))
    except StoreUnavailable:
        raise
    except (OperationalError, InterfaceError) as error:  # the database is away, wherever that was noticed
        raise StoreUnavailable(type(error).__name__) from error
    except Exception:  # damaged, or a bug of ours: it must neither be lost nor hold up the others
        logger.exception("A spooled request could not be taken in.")
        spool.set_aside(file)
        return
    if outcome.status >= 400:
        logger.warning("A spooled request was refused on taking it in: %s", outcome.reason)
    file.unlink()


def _run() -> None:
    while True:
        try:
            take_in()
        except Exception:
            logger.exception("The spool could not be taken in; trying again.")
        time.sleep(PAUSE_SECONDS)
