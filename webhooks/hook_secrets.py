"""What the accept path knows of service hooks: cached for a minute, usable while the database is away."""

import logging
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from integrations.fields import UnreadableSecret
from integrations.models import ServiceHook

logger = logging.getLogger(__name__)

FRESH_SECONDS = 60.0
UNKNOWN_SECONDS = 5.0
"""How long an address that was not found is believed to be nobody's: a scan must not reach the database each time."""

REREAD_SECONDS = 5.0
"""How often a wrong signature may make us look for a newer secret."""

KNOWN_ADDRESSES = 10_000


@dataclass(frozen=True, slots=True)
class KnownHook:
    """A hook as the accept path needs it; `secret` is empty while Sentry's has not been stored yet."""

    integration_id: int | None
    secret: str = field(repr=False)
    ends_at: datetime | None = None
    """When it takes no more messages; None while it is wanted."""

    def takes(self, received_at: datetime) -> bool:
        """Whether a delivery of that moment is stored; one from the spool may have come in long ago."""
        return self.ends_at is None or received_at < self.ends_at


@dataclass(frozen=True, slots=True)
class Entry:
    """What the database said of an address, and when by the monotonic clock; None is nobody's."""

    hook: KnownHook | None
    read_at: float

    def is_fresh(self, now: float) -> bool:
        """Whether it may be used without asking the database."""
        return now - self.read_at < (FRESH_SECONDS if self.hook else UNKNOWN_SECONDS)


class HookCache:
    """Hooks by address, with the monotonic second at which each was read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[UUID, Entry] = {}

    def fresh(self, address: UUID) -> Entry | None:
        """What was read of `address` lately."""
        entry = self._entries.get(address)
        return entry if entry and entry.is_fresh(time.monotonic()) else None

    def stale(self, address: UUID) -> KnownHook | None:
        """Whatever was last read of `address`, however old: for while the database is away."""
        entry = self._entries.get(address)
        return entry.hook if entry else None

    def keep(self, address: UUID, hook: KnownHook | None) -> KnownHook | None:
        """Remember what the database said of `address`."""
        with self._lock:
            if len(self._entries) >= KNOWN_ADDRESSES:
                self._entries.clear()
            self._entries[address] = Entry(hook, time.monotonic())
        return hook

    def may_reread(self, address: UUID) -> bool:
        """Whether a mismatch is worth another look: not more often than every REREAD_SECONDS."""
        entry = self._entries.get(address)
        return entry is None or time.monotonic() - entry.read_at > REREAD_SECONDS

    def clear(self) -> None:
        """Forget everything: for tests."""
        self._entries.clear()


cache = HookCache()


def read_hook(address: UUID) -> KnownHook | None:
    """The hook of `address` from the database; None for an address that was never issued.

    A secret that cannot be read is like one that is not known yet: what comes in waits for it.
    """
    hook = ServiceHook.objects.select_related("integration").filter(address=address).first()
    if hook is None:
        return None
    try:
        secret = hook.secret
    except UnreadableSecret as error:
        logger.error("Messages of hook %s wait: %s", address, error)
        secret = ""
    ends = (hook.ends_at, hook.integration.deleted_at if hook.integration else None)
    return KnownHook(hook.integration_id, secret, min(filter(None, ends), default=None))
