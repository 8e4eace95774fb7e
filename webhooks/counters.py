"""What a web process counts: sums in memory, which its keeper writes to the database every few seconds.

Counting reaches no database: a forged request must cause no write, and a genuine one must not wait for it. So every
process tells the same afterwards, and a restart begins nothing anew. A process that is killed takes the sums of its
last seconds with it, and a write whose answer comes too late may be counted twice: numbers to watch, never what they
count.
"""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Generic, TypeVar

from django.conf import settings

from webhooks import totals
from webhooks.totals import Named
from webhooks.writer import writer

MOST_KEYS = 1000
"""How many sums are held; a further one is not counted."""

Key = TypeVar("Key")


class Sums(Generic[Key]):
    """How often by key, as far as it is not written; `store` adds it to what the database has."""

    def __init__(self, store: Callable[[Counter[Key]], None]) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._sums: Counter[Key] = Counter()

    def add(self, key: Key, count: int = 1) -> None:
        """Count; costs less than a microsecond."""
        with self._lock:
            if key in self._sums or len(self._sums) < MOST_KEYS:
                self._sums[key] += count

    def write(self) -> None:
        """Have the writer store the sums; they stay when that fails, which raises: StoreUnavailable mostly."""
        with self._lock:
            sums, self._sums = self._sums, Counter()
        if not sums:
            return
        try:
            writer.call(lambda: self._store(sums), deadline_seconds=settings.HOOK_DEADLINE_SECONDS)
        except Exception:
            for key, number in sums.items():
                self.add(key, number)
            raise


sums: Sums[Named] = Sums(totals.add)
"""What Prometheus shows of all web processes together."""


def count(name: str, label: str = "") -> None:
    """Count once for Prometheus."""
    sums.add((name, label))
