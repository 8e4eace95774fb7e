"""FME's catalogue mirrored here: projects, environments, traffic types.

Everything is read before anything is written, so that a page that fails changes nothing; what FME no longer
lists is marked and never deleted from under a mapping.
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from durable.models import DurableRow, State
from durable.stopping import stopping
from durable.working import again_at, work_off
from integrations import fme
from integrations.models import CatalogueRefresh, CatalogueRow, Environment, Project, TrafficType
from integrations.peers import PeerError

logger = logging.getLogger(__name__)

REFRESH_EVERY = timedelta(hours=24)
ASK_AGAIN = timedelta(hours=1)
"""After a refusal: a key may have been given its rights meanwhile."""

LOOK_FOR_KEY_EVERY = timedelta(minutes=1)
"""Without an Admin API key nothing is asked; this only notices a key that was set since."""

THE_ONE = 1
NAME_LENGTH = 255

_Row = TypeVar("_Row", Environment, TrafficType)


class Interrupted(PeerError):
    """The claim was lost in the middle, or the process stops: nothing was written."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What FME listed."""

    projects: int
    environments: int
    traffic_types: int


@dataclass(frozen=True, slots=True)
class ProjectListing:
    """One project with everything in it, as FME listed it."""

    project: fme.Named
    environments: tuple[fme.RemoteEnvironment, ...]
    traffic_types: tuple[fme.Named, ...]


def drain_catalogue() -> int:
    """Refresh when the nightly hour or somebody's click has made it due."""
    CatalogueRefresh.objects.get_or_create(pk=THE_ONE)
    return work_off(CatalogueRefresh.objects.all(), _settle_refresh)


def refresh_now() -> Counts:
    """Refresh at once, after whoever is refreshing already. Raises PeerError, which the row tells as well."""
    refresh = _claim_refresh()
    try:
        return _refresh(refresh)
    except PeerError as error:
        put_off(refresh, error)
        raise


def _claim_refresh() -> CatalogueRefresh:
    CatalogueRefresh.objects.get_or_create(pk=THE_ONE)
    CatalogueRefresh.objects.filter(pk=THE_ONE).exclude(state=State.PENDING).arm()
    deadline = time.monotonic() + 2 * settings.LEASE_SECONDS
    while time.monotonic() < deadline:
        if claimed := CatalogueRefresh.objects.claim_now(THE_ONE, lease_seconds=settings.LEASE_SECONDS):
            return claimed
        time.sleep(0.2)
    raise PeerError("Another process has been refreshing the catalogue for a long time. Try again later.")


def _settle_refresh(refresh: CatalogueRefresh) -> None:
    try:
        _refresh(refresh)
    except Interrupted as reason:
        logger.info("The catalogue's refresh was interrupted: %s", reason)
    except PeerError as error:
        logger.warning("The catalogue was not refreshed: %s", error)
        put_off(refresh, error)


def _refresh(refresh: CatalogueRefresh) -> Counts:
    lease = _Lease(refresh)
    client = fme.FmeClient(before=lease.hold, pause=lease.pause)
    listings = [_read(project, client) for project in _unique(client.projects())]
    now = timezone.now()
    with transaction.atomic():
        lease.hold()  # also the lock that lets one refresh write at a time
        counts = _write(listings, now)
        refresh.reschedule(now + REFRESH_EVERY, refreshed_at=now)
    return counts


@dataclass(frozen=True, slots=True)
class _Lease:
    """The claim on the refresh, held from call to call: a large account is read for longer than one lease."""

    refresh: CatalogueRefresh

    def hold(self) -> None:
        """Renew; raises Interrupted when another worker took over or the process stops."""
        if stopping.is_set() or not self.refresh.renew(settings.LEASE_SECONDS):
            raise Interrupted("Refreshing stopped before everything was read; nothing was changed.")

    def pause(self, seconds: float) -> bool:
        """Wait for FME's rate limit here if that is short: from the start again, a large account would never end."""
        return seconds <= settings.LEASE_SECONDS / 2 and not stopping.wait(seconds)


def _read(project: fme.Named, client: fme.FmeClient) -> ProjectListing:
    environments = {environment.id: environment for environment in client.environments(project.id)}
    traffic_types = _unique(client.traffic_types(project.id))
    return ProjectListing(project, tuple(environments.values()), tuple(traffic_types))


def put_off(row: DurableRow, error: PeerError) -> None:
    """Ask FME again later: soon when it is in trouble, in an hour when it refused."""
    now = timezone.now()
    if not settings.FME_ADMIN_API_KEY:
        row.retry(now + LOOK_FOR_KEY_EVERY, str(error), attempts=0)
    elif error.permanent:
        row.retry(now + ASK_AGAIN, str(error))
    else:
        row.retry(again_at(row.attempts, retry_after_seconds=error.retry_after_seconds), str(error))


def _write(listings: list[ProjectListing], now: datetime) -> Counts:
    Project.objects.bulk_create(
        [Project(fme_id=one.project.id, name=one.project.name[:NAME_LENGTH]) for one in listings],
        update_conflicts=True,
        unique_fields=["fme_id"],
        update_fields=["name", "gone_at"],
    )
    keys = dict(Project.objects.values_list("fme_id", "pk"))
    environments = [
        Environment(
            project_id=keys[one.project.id],
            fme_id=item.id,
            name=item.name[:NAME_LENGTH],
            is_production=item.is_production,
        )
        for one in listings
        for item in one.environments
    ]
    traffic_types = [
        TrafficType(project_id=keys[one.project.id], fme_id=item.id, name=item.name[:NAME_LENGTH])
        for one in listings
        for item in one.traffic_types
    ]
    _store(Environment, environments, ["name", "gone_at", "is_production"], now)
    _store(TrafficType, traffic_types, ["name", "gone_at"], now)
    _mark_gone(Project, {keys[one.project.id] for one in listings}, now)
    return Counts(len(listings), len(environments), len(traffic_types))


def _store(model: type[_Row], rows: list[_Row], update_fields: list[str], now: datetime) -> None:
    model.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["project", "fme_id"],
        update_fields=update_fields,
        batch_size=500,
    )
    listed = {(row.project_id, row.fme_id) for row in rows}
    known = model.objects.values_list("pk", "project_id", "fme_id")
    _mark_gone(model, {pk for pk, project_id, fme_id in known if (project_id, fme_id) in listed}, now)


def _mark_gone(model: type[CatalogueRow], listed: set[int], now: datetime) -> None:
    """Mark what is present here and not `listed`; usually nothing, so the list of keys is short."""
    present = model._default_manager.filter(gone_at=None)
    gone = [pk for pk in present.values_list("pk", flat=True) if pk not in listed]
    for start in range(0, len(gone), 500):
        present.filter(pk__in=gone[start : start + 500]).update(gone_at=now)


def _unique(items: Iterable[fme.Named]) -> list[fme.Named]:
    """Once each: a list that changes between two pages may show an item twice."""
    return list({item.id: item for item in items}.values())
