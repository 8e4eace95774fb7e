"""A row that is work: its states, its four verbs, and the claim that makes a crash harmless.

A claim is one UPDATE that sets a token and a lease: it moves `due_at`, or, where rows are many, a column that no index
knows. There is no "running" state: a worker that dies leaves a row that becomes due again by itself. Every verb that
ends a claim is conditional on the token, so a worker that outlived its lease changes nothing.
"""

from datetime import datetime, timedelta
from typing import Any, Self, TypeVar
from uuid import uuid4

from django.db import connection, models, transaction
from django.db.models import F, Q
from django.utils import timezone

FAULT_LIMIT = 5
"""How often handling a row may raise in our own code before the row is dead with its traceback."""

FARTHEST = timedelta(days=1)
"""Nothing is put off for longer: retries wait an hour at most, and the longest wait is for a token to be renewed."""

CLOCKS_APART = timedelta(minutes=1)
"""How far the clock of whoever stored a row may be ahead of ours before its first date is not believed."""

LONGEST_LEASE = timedelta(hours=1)
"""A lease that ends later was written by a clock that was wrong, and holds nothing."""

ERROR_CHARACTERS = 2000
"""What `last_error` keeps: enough for a peer's words or the end of a traceback, never a whole page."""


class State(models.TextChoices):
    PENDING = "pending", "Pending"
    DONE = "done", "Done"
    DEAD = "dead", "Dead"


Row = TypeVar("Row", bound="DurableRow")


class DurableQuerySet(models.QuerySet[Row]):
    """The verbs of many rows: `due`, `claim`, `arm`."""

    def due(self, now: datetime | None = None) -> Self:
        """Pending rows whose time has come, and that nobody holds."""
        return self.filter(state=State.PENDING, due_at__lte=now or timezone.now())

    def bring_back(self, farthest: timedelta = FARTHEST) -> int:
        """Rows dated further ahead than anything is ever put off were dated by a clock that was wrong: due now."""
        now = timezone.now()
        return self.filter(state=State.PENDING, due_at__gt=now + farthest).update(due_at=now)

    def claim(self, *, limit: int, lease_seconds: float) -> list[Row]:
        """Take up to `limit` due rows, oldest first, for `lease_seconds`; an empty list may be a lost race."""
        return self._take(self.due().order_by("due_at", "pk"), limit=limit, lease_seconds=lease_seconds)

    def claim_now(self, pk: int, *, lease_seconds: float) -> Row | None:
        """Take one pending row whether it is due or not, unless a live claim holds it."""
        free = Q(claim=None) | Q(due_at__lte=timezone.now())
        taken = self._take(
            self.filter(free, pk=pk, state=State.PENDING), limit=1, lease_seconds=lease_seconds
        )
        return taken[0] if taken else None

    def _take(self, rows: Self, *, limit: int, lease_seconds: float) -> list[Row]:
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True, of=("self",))
        token, until = uuid4(), timezone.now() + timedelta(seconds=lease_seconds)
        with transaction.atomic():
            keys = list(rows.values_list("pk", flat=True)[:limit])
            chosen = type(self)(self.model).filter(pk__in=keys)
            chosen.update(claim=token, due_at=until, attempts=F("attempts") + 1)
            return list(chosen.order_by("pk"))

    def arm(self, **changes: Any) -> int:
        """Make rows due now with a fresh count; a worker in the middle of one finishes nothing."""
        return self.update(
            state=State.PENDING,
            due_at=timezone.now(),
            attempts=0,
            faults=0,
            claim=None,
            last_error="",
            **changes,
        )


class DurableRow(models.Model):
    """What must survive a crash. `due_at` is when to look at the row next; `claim` is who looks at it now."""

    state = models.CharField(max_length=8, choices=State, default=State.PENDING, editable=False)
    due_at = models.DateTimeField(default=timezone.now, editable=False)
    attempts = models.PositiveIntegerField(default=0, editable=False)
    faults = models.PositiveSmallIntegerField(default=0, editable=False)
    claim = models.UUIDField(null=True, editable=False)
    last_error = models.TextField(blank=True, default="", editable=False)

    objects = DurableQuerySet.as_manager()

    class Meta:
        abstract = True
        indexes = [models.Index(fields=["due_at", "id"], condition=Q(state="pending"), name="%(class)s_due")]

    def finish(self, **changes: Any) -> bool:
        """Done. False when the claim was lost, and then nothing was changed; so for the verbs below."""
        return self._settle(state=State.DONE, last_error="", **changes)

    def retry(self, at: datetime, error: str, **changes: Any) -> bool:
        """Try again at `at`, because of `error`."""
        return self._settle(due_at=at, last_error=error[:ERROR_CHARACTERS], **changes)

    def reschedule(self, at: datetime, **changes: Any) -> bool:
        """All is well; look again at `at`, with a fresh count of attempts."""
        return self._settle(due_at=at, attempts=0, faults=0, last_error="", **changes)

    def bury(self, error: str, **changes: Any) -> bool:
        """Dead: can never succeed as things are; `error` says why and what to do."""
        return self._settle(state=State.DEAD, last_error=error[:ERROR_CHARACTERS], **changes)

    def fault(self, traceback: str, at: datetime) -> bool:
        """Handling raised in our own code: again at `at`, dead after FAULT_LIMIT times."""
        if self.faults + 1 >= FAULT_LIMIT:
            return self.bury(traceback[-ERROR_CHARACTERS:], faults=F("faults") + 1)
        return self.retry(at, traceback[-ERROR_CHARACTERS:], faults=F("faults") + 1)

    def renew(self, lease_seconds: float) -> bool:
        """Hold the claim for another `lease_seconds`; False when it was lost."""
        until = timezone.now() + timedelta(seconds=lease_seconds)
        return bool(self._held().update(due_at=until))

    def _held(self) -> "DurableQuerySet[DurableRow]":
        return type(self)._default_manager.filter(pk=self.pk, claim=self.claim, state=State.PENDING)

    def _settle(self, **changes: Any) -> bool:
        changed = bool(self.claim and self._held().update(claim=None, **changes))
        if changed:
            self.refresh_from_db(fields=["claim", *changes])
        return changed


class LeasedQuerySet(DurableQuerySet[Row]):
    """Rows whose lease stands in a column of its own, and which are due from the first."""

    def bring_back(self, farthest: timedelta = FARTHEST) -> int:
        """Also rows that nobody has tried yet: only a clock ahead of ours dates one of those in the future."""
        now = timezone.now()
        ahead = self.filter(state=State.PENDING, due_at__gt=now + CLOCKS_APART)
        return ahead.filter(Q(attempts=0) | Q(due_at__gt=now + farthest)).update(due_at=now)

    def due(self, now: datetime | None = None) -> Self:
        now = now or timezone.now()
        is_over = Q(leased_until__lte=now) | Q(leased_until__gt=now + LONGEST_LEASE)
        return super().due(now).filter(Q(leased_until=None) | is_over)

    def arm(self, **changes: Any) -> int:
        return super().arm(leased_until=None, **changes)


class LeasedRow(DurableRow):
    """One of so many rows that a claim must not cost an entry in each of their indexes.

    Claimed in plain SQL: the claim sets `leased_until`, and `due_at` stays. PostgreSQL then writes the new version of
    the row beside the old one (HOT), if the table's pages have room for that.
    """

    leased_until = models.DateTimeField(null=True, editable=False)

    objects = LeasedQuerySet.as_manager()  # type: ignore[misc]  # django-stubs takes it for a variable of the instance

    class Meta(DurableRow.Meta):
        abstract = True

    def _settle(self, **changes: Any) -> bool:
        return super()._settle(leased_until=None, **changes)


class Chore(DurableRow):
    """Something to do once a day; see `durable.chores`."""

    name = models.CharField(max_length=40, unique=True)

    def __str__(self) -> str:
        return self.name


class Heartbeat(models.Model):
    """When a drain last looked for work, so that a stopped worker is noticed."""

    drain = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.drain} at {self.at:%Y-%m-%d %H:%M:%S}"
