"""Asking the database with a deadline: probes and scrapes answer in time, whatever it does."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from django.db import close_old_connections

Answer = TypeVar("Answer")


class Asker(Generic[Answer]):
    """A thread that asks one question at a time; who asks meanwhile waits for the same answer, and no longer."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._asked: Future[Answer] | None = None
        self._asked_at = 0.0

    def ask(self, question: Callable[[], Answer], *, seconds: float) -> Answer:
        """The answer; raises what `question` raises, and TimeoutError `seconds` after it was asked.

        While one hangs no further one is asked, so that none queue up behind it: the next hears at once.
        """
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked_at = time.monotonic()
                self._asked = self._thread.submit(_on_good_connection, question)
            asked, left = self._asked, self._asked_at + seconds - time.monotonic()
        return asked.result(timeout=max(left, 0))


def _on_good_connection(question: Callable[[], Answer]) -> Answer:
    close_old_connections()
    return question()
