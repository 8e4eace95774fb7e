"""One writer thread per process: group commit, and the only database access of the webhook addresses.

A request hands over its row and waits; the thread stores all rows that wait in one transaction and then releases
them, so an answer always means "committed". Waiting has a deadline, because a frozen database hangs an open connection
past every timeout setting. After one missed deadline, or a database error, everything is refused at once
(StoreUnavailable) while the thread tries whether a message could be stored, a second after each try that failed; the
caller spools meanwhile.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, connection, transaction

from webhooks.message_rows import NewMessage, insert_messages, touch_inbox

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

BATCH_ROWS = 256
BATCH_BYTES = 16 * 1024 * 1024
"""What one transaction holds at most: more gains nothing and makes a failing batch dear."""

PROBE_SECONDS = 1.0


class StoreUnavailable(Exception):
    """The database refused, failed or did not answer in time; the row may or may not be stored."""


class Job:
    """A row to store or work to do, and the request that waits for its result: that of one writer, once.

    One lock: a Future's condition makes another for each wait, which was a twenty-fifth of a webhook's CPU.
    """

    __slots__ = ("_done", "_error", "_result", "work")

    def __init__(self, work: NewMessage | Callable[[], Any]) -> None:
        self.work = work
        self._result: Any = None
        self._error: Exception | None = None
        self._done = threading.Lock()
        self._done.acquire()

    def wait(self, seconds: float) -> Any:
        """The result, or its error is raised; raises TimeoutError when there is neither by then."""
        if not self._done.acquire(timeout=seconds):
            raise TimeoutError
        if self._error is None:
            return self._result
        try:
            raise self._error
        finally:
            self._error = (
                None  # it holds this frame, and with it the row, which would stay until a collection
            )

    def finish(self, result: Any) -> None:
        """Let the request go on with `result`."""
        self._result = result
        self._done.release()

    def fail(self, error: Exception) -> None:
        """Let the request go on with `error`, raised there."""
        self._error = error
        self._done.release()


class Inline:
    """The same promises in the caller's own thread and transaction: for tests."""

    def store(self, message: NewMessage, *, deadline_seconds: float) -> bool:
        """Store `message`; True when it was new."""
        return bool(guarded(lambda: insert_messages([message])))

    def call(self, work: Callable[[], Result], *, deadline_seconds: float) -> Result:
        """Run `work`; returns its result."""
        return guarded(work)


class Writer:
    """The thread, its queue, and what is known about the database's health."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Job] = SimpleQueue()
        self._start = threading.Lock()
        self._owner = 0
        self._away = threading.Event()

    @property
    def is_away(self) -> bool:
        """Whether the database missed a deadline or failed, and has not been seen well since."""
        return self._away.is_set()

    def store(self, message: NewMessage, *, deadline_seconds: float) -> bool:
        """Commit `message` together with all that wait; True when it was new.

        Raises StoreUnavailable. A row that the database will never take raises that error.
        """
        return bool(self._wait(message, deadline_seconds))

    def call(self, work: Callable[[], Result], *, deadline_seconds: float) -> Result:
        """Run `work` (its own queries and transactions) on the writer's connection; raises StoreUnavailable."""
        result: Result = self._wait(work, deadline_seconds)
        return result

    def _wait(self, work: NewMessage | Callable[[], Any], deadline_seconds: float) -> Any:
        if self.is_away:
            raise StoreUnavailable("the database is away")
        self._ensure_thread()
        job = Job(work)
        self._queue.put(job)
        try:
            return job.wait(deadline_seconds)
        except TimeoutError:
            self._away.set()
            raise StoreUnavailable(f"the database did not answer within {deadline_seconds} s") from None

    def _ensure_thread(self) -> None:
        if self._owner == os.getpid():
            return
        with self._start:
            if self._owner != os.getpid():  # first use in this process: after the fork
                self._queue = SimpleQueue()
                self._away.clear()
                threading.Thread(target=self._run, name="writer", daemon=True).start()
                self._owner = os.getpid()  # last: whoever sees it may use the queue

    def _run(self) -> None:
        while True:
            try:
                self._work_off(self._gather())
                while self.is_away:
                    self._probe()
            except Exception:  # the thread must outlive any mistake: without it nothing is ever stored again
                logger.exception("The writer stumbled; it goes on.")

    def _gather(self) -> list[Job]:
        """What waits, within the bounds of a transaction; empty after a second, to see whether the database is away."""
        try:
            jobs = [self._queue.get(timeout=PROBE_SECONDS)]
        except Empty:
            return []
        size = 0
        while len(jobs) < BATCH_ROWS and size < BATCH_BYTES:
            try:
                jobs.append(self._queue.get_nowait())
            except Empty:
                break
            work = jobs[-1].work
            size += len(work.body) if isinstance(work, NewMessage) else 0
        return jobs

    def _work_off(self, jobs: Sequence[Job]) -> None:
        rows = [(job, job.work) for job in jobs if isinstance(job.work, NewMessage)]
        for job in jobs:
            if not isinstance(job.work, NewMessage):
                self._settle(job, job.work)
        if len(rows) > 1 and self._store_together(rows):
            return
        for job, row in rows:
            self._settle(job, lambda row=row: insert_messages([row]))  # type: ignore[misc]  # mypy#8226

    def _store_together(self, rows: Sequence[tuple[Job, NewMessage]]) -> bool:
        """One transaction for all; False when it failed and each row has to be tried alone."""
        try:
            fresh = insert_messages([row for _, row in rows])
        except Exception as error:
            logger.info("A batch of %d messages is stored one by one: %s", len(rows), type(error).__name__)
            connection.close()
            return False
        for job, row in rows:
            job.finish((row.integration_id, row.event_id) in fresh)
        return True

    def _settle(self, job: Job, work: Callable[[], Any]) -> None:
        if self.is_away:
            job.fail(StoreUnavailable("the database is away"))
            return
        try:
            result = guarded(work)
        except StoreUnavailable as error:
            self._away.set()
            job.fail(error)
        except Exception as error:  # a row that will never be taken, or a bug: its own request hears of it
            job.fail(error)
        else:
            job.finish(result)

    def _probe(self) -> None:
        """Refuse what still waits, then ask the database; come back in a second while it does not answer."""
        self._refuse_waiting()
        try:
            connection.close()
            with transaction.atomic():
                touch_inbox()
        except Exception as error:  # whatever it says, it does not answer
            logger.info("The database is still away: %s", type(error).__name__)
            time.sleep(PROBE_SECONDS)
        else:
            self._away.clear()
            logger.warning("The database answers again.")

    def _refuse_waiting(self) -> None:
        while True:
            try:
                job = self._queue.get_nowait()
            except Empty:
                return
            job.fail(StoreUnavailable("the database is away"))


def guarded(work: Callable[[], Result]) -> Result:
    """Run `work`; every database error but one about the row itself becomes StoreUnavailable.

    Full, read-only, out of connections, restarting: each driver has its own class for these, and all of them mean
    "not now". A broken constraint or a value that fits no column means "never".
    """
    try:
        return work()
    except (IntegrityError, DataError):
        raise
    except (DatabaseError, InterfaceError) as error:
        connection.close()
        logger.warning("The database failed (%s): %s", type(error).__name__, str(error).splitlines()[:1])
        raise StoreUnavailable(type(error).__name__) from error


writer: Writer | Inline = Inline() if settings.WEBHOOK_WRITER == "inline" else Writer()
