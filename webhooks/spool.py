"""What could not be stored, on disk: bounded, fsynced, taken in again when the database is back.

Each web process writes into a folder of its own inside SPOOL_DIR and holds a lock on it; a folder whose lock is free
belonged to a process that is gone and is taken over. One file per request: a line of JSON, then the raw body. A file
is removed only after its row is committed; a file that cannot be read is set aside, never deleted.
"""

import fcntl
import json
import logging
import os
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings
from django.utils import timezone

from webhooks.counters import count
from webhooks.totals import SET_ASIDE

logger = logging.getLogger(__name__)

UNVERIFIED_SHARE = 10
"""At most one part in this many of the spool may hold requests that could not be verified yet."""

SUFFIX, UNVERIFIED, ASIDE = ".request", ".unverified.request", "set-aside"
FOLDER_TRIES = 10

FULL_SECONDS = 30.0
"""How long a refusal is told of: longer than a balancer takes from one probe to the next."""
RECOUNT_SECONDS = 1.0


class SpoolFull(Exception):
    """The spool's bound is reached, or the disk took nothing more."""


class Unreadable(Exception):
    """A spooled file is damaged."""


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A webhook as it arrived; `address` is None for the app's webhook."""

    address: UUID | None
    signature: str
    body: bytes = field(repr=False)
    resource: str = ""
    received_at: datetime = field(default_factory=timezone.now)
    is_verified: bool = False
    """Its signature was checked before it was spooled, maybe with a secret that is no longer the current one."""


class Spool:
    """This process's folder, and the size of all folders together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._owner = 0
        self._counted_at = 0.0
        self._refused_at: float | None = None
        self._bytes = {SUFFIX: 0, UNVERIFIED: 0}

    def keep(self, request: RawRequest, *, is_verified: bool) -> None:
        """Write `request` so that it survives a crash; raises SpoolFull. Returns when it is on the disk."""
        text = _as_bytes(request)
        suffix = SUFFIX if is_verified else UNVERIFIED
        try:
            with self._lock:
                self._make_room(len(text), suffix)
                folder = self._own_folder()
            _write_through(folder, f"{time.time_ns():020d}-{uuid4().hex}", suffix, text)
        except OSError as error:
            self._refused_at = time.monotonic()
            raise SpoolFull(f"the disk took nothing more: {error.strerror}") from error

    def waiting(self) -> Iterator[Path]:
        """Files to take in: of this process, and of processes that are gone.

        In no order, so that one that cannot be taken in is not met first each time and holds up no other.
        """
        for folder in self._folders_to_empty():
            files = list(folder.glob(f"*{SUFFIX}"))
            random.shuffle(files)
            yield from files

    @property
    def is_full(self) -> bool:
        """Whether it had no room for a request lately; a smaller one may still have found some."""
        return self._refused_at is not None and time.monotonic() - self._refused_at < FULL_SECONDS

    def set_aside(self, file: Path) -> None:
        """Move a file that cannot be read out of the way, for a person to look at."""
        aside = _root() / ASIDE
        aside.mkdir(mode=0o700, exist_ok=True)
        file.rename(aside / file.name)
        count(SET_ASIDE)
        logger.error("A spooled request could not be read and was set aside: %s", file.name)

    def sizes(self) -> tuple[int, int]:
        """Files and bytes that wait in all folders of this host; not what was set aside."""
        sizes = [_size(file) for file in _root().glob(f"*/*{SUFFIX}") if file.parent.name != ASIDE]
        return len(sizes), sum(sizes)

    def _make_room(self, size: int, suffix: str) -> None:
        if time.monotonic() - self._counted_at > RECOUNT_SECONDS:
            self._recount()
        if sum(self._bytes.values()) + size > settings.SPOOL_MAX_BYTES:
            self._refused_at = time.monotonic()
            raise SpoolFull("SPOOL_MAX_BYTES is reached")
        if (
            suffix == UNVERIFIED
            and self._bytes[UNVERIFIED] + size > settings.SPOOL_MAX_BYTES // UNVERIFIED_SHARE
        ):
            raise SpoolFull("too many requests could not be verified")
        self._bytes[suffix] += size

    def _recount(self) -> None:
        self._bytes = {SUFFIX: 0, UNVERIFIED: 0}
        self._counted_at = time.monotonic()
        for file in _root().glob(f"*/*{SUFFIX}"):
            suffix = UNVERIFIED if file.name.endswith(UNVERIFIED) else SUFFIX
            if file.parent.name != ASIDE:  # what waits for a person must not keep others out
                self._bytes[suffix] += _size(file)

    def _own_folder(self) -> Path:
        if self._folder is None or self._owner != os.getpid() or not self._folder.exists():
            self._folder = _new_folder()
            self._owner = os.getpid()
        return self._folder

    def _folders_to_empty(self) -> list[Path]:
        folders = [folder for folder in sorted(_root().iterdir()) if folder.is_dir() and folder.name != ASIDE]
        with self._lock:  # a folder that a request is just making is not an orphan
            return [folder for folder in folders if folder == self._folder or self._may_adopt(folder)]

    def _may_adopt(self, folder: Path) -> bool:
        """`_adopt`, and False for a folder of another user, copied from another host for example."""
        try:
            return self._adopt(folder)
        except OSError as error:
            logger.error("A spool folder cannot be taken over: %s", error)
            return False

    def _adopt(self, folder: Path) -> bool:
        """Take over the folder of a process that is gone; an empty one is removed.

        What that process was writing when it ended was never answered for; it is kept for a person to look at.
        """
        if folder not in held and not _hold(folder):
            return False
        for file in folder.iterdir():
            if not file.name.endswith(SUFFIX):
                self.set_aside(file)
        if next(folder.glob(f"*{SUFFIX}"), None) is not None:
            return True
        _release(folder)
        return False


spool = Spool()

held: dict[Path, int] = {}
"""The locks of this process: folder and open descriptor."""


def read(file: Path) -> RawRequest:
    """The request in `file`; raises Unreadable."""
    try:
        head, body = file.read_bytes().split(b"\n", 1)
        facts = json.loads(head)
        if facts["length"] != len(body):
            raise Unreadable("cut short")
        return RawRequest(
            address=UUID(facts["address"]) if facts["address"] else None,
            signature=facts["signature"],
            resource=facts["resource"],
            received_at=datetime.fromisoformat(facts["received_at"]),
            body=body,
            is_verified=not file.name.endswith(UNVERIFIED),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Unreadable(str(error)) from error


def _as_bytes(request: RawRequest) -> bytes:
    facts = {
        "address": str(request.address) if request.address else None,
        "signature": request.signature,
        "resource": request.resource,
        "received_at": request.received_at.isoformat(),
        "length": len(request.body),
    }
    return json.dumps(facts).encode() + b"\n" + request.body


def _write_through(folder: Path, name: str, suffix: str, text: bytes) -> None:
    """Write, fsync, rename, fsync the folder: after this a power cut loses nothing. On an error nothing stays."""
    part = folder / name
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        part.rename(folder / f"{name}{suffix}")
    except OSError:
        part.unlink(missing_ok=True)
        raise
    _sync(folder)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0  # taken in meanwhile


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _root() -> Path:
    root = Path(settings.SPOOL_DIR)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return root


def _new_folder() -> Path:
    """A folder of this process, locked; another process may take it for an orphan before the lock is on it."""
    for _ in range(FOLDER_TRIES):
        folder = _root() / f"{os.getpid()}-{uuid4().hex[:8]}"
        folder.mkdir(mode=0o700)
        if _hold(folder):
            _sync(_root())
            return folder
    raise OSError("no folder of this process stays its own")


def _hold(folder: Path) -> bool:
    """Lock `folder` for this process; the lock ends with the process, however that ends."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return False  # removed meanwhile by the process that found it empty
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return False
    if not folder.exists():  # removed between opening and locking
        os.close(descriptor)
        return False
    held[folder] = descriptor
    return True


def _release(folder: Path) -> None:
    """Remove a folder that was taken over and is empty now; nobody else writes into it."""
    try:
        folder.rmdir()
    except OSError as error:
        logger.warning("An empty spool folder stays: %s", error)
    finally:
        os.close(held.pop(folder))
