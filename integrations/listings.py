"""What Sentry lists for an installation, read for the forms: its organization's projects, a project's environments.

A convenience, so it gives up early: a few retries for what may heal by itself, then the next form that is opened asks
again. Answers are bounded here and checked in `sentry`; what is kept is what somebody could choose from.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.conf import settings
from django.utils import timezone

from durable.working import again_at, work_off
from integrations import remedies
from integrations.hooks import ClaimLost
from integrations.installations import renew_after_401, token_for
from integrations.models import SentryListing
from integrations.peers import PeerError
from integrations.sentry import SentryClient

logger = logging.getLogger(__name__)

MOST_PROJECTS = 300
MOST_ENVIRONMENTS = 200
"""More names than anybody looks through; each form that is opened carries them."""

MOST_PAGES = 12
"""Twice as many as MOST_PROJECTS fill: for an organization whose pages hold little that can be used."""

TRIES = 5
"""About half a minute: longer than somebody waits for a suggestion, and long enough for a code to be exchanged."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Names:
    """Each name with its words, in the order to show them, and whether there were more."""

    pairs: list[tuple[str, str]]
    is_cut: bool


def drain_listings() -> int:
    """Read every listing that is due from Sentry. Returns how many were handled."""
    return work_off(SentryListing.objects.all(), _settle)


def _settle(listing: SentryListing) -> None:
    try:
        names = _environments(listing) if listing.project_slug else _projects(listing)
    except ClaimLost:
        logger.info("The claim on %s was lost; whoever holds it goes on.", listing)
    except PeerError as error:
        _put_off(listing, error)
    else:
        listing.finish(names=names.pairs, is_cut=names.is_cut, read_at=timezone.now())


def _put_off(listing: SentryListing, error: PeerError) -> None:
    """Again soon, a few times; what Sentry refuses is forgotten, since it is no longer ours to show."""
    if error.permanent:
        logger.info("%s: %s", listing, error)
        listing.bury(str(error), names=[], is_cut=False)
    elif listing.attempts < TRIES:
        listing.retry(again_at(listing.attempts, retry_after_seconds=error.retry_after_seconds), str(error))
    else:
        listing.bury(str(error))


def _projects(listing: SentryListing) -> Names:
    """By slug, as Sentry pages them; a very large organization is read only as far as it can be shown."""
    found: dict[str, str] = {}
    cursor = ""
    for _ in range(MOST_PAGES):
        projects, cursor = _ask(listing, lambda sentry, at=cursor: sentry.page_of_projects(at))  # type: ignore[misc]
        found |= projects
        if not cursor or len(found) > MOST_PROJECTS:
            break
    return Names(list(found.items())[:MOST_PROJECTS], is_cut=bool(cursor) or len(found) > MOST_PROJECTS)


def _environments(listing: SentryListing) -> Names:
    """By name; of too many the oldest, because `production` was there before the previews of each branch."""
    found = _ask(listing, lambda sentry: sentry.list_environments())
    oldest = sorted(found, key=lambda environment: environment.number)[:MOST_ENVIRONMENTS]
    names = sorted({environment.name for environment in oldest}, key=str.casefold)
    return Names([(name, "") for name in names], is_cut=len(found) > MOST_ENVIRONMENTS)


def _ask(listing: SentryListing, call: Callable[[SentryClient], _T]) -> _T:
    """One call under a live claim, with a good token."""
    token = token_for(listing.installation)
    try:
        return _under_claim(listing, call, token)
    except PeerError as error:
        if error.status != 401:
            raise
    return _under_claim(listing, call, renew_after_401(listing.installation, token))


def _under_claim(listing: SentryListing, call: Callable[[SentryClient], _T], token: str) -> _T:
    if not listing.renew(settings.LEASE_SECONDS):
        raise ClaimLost
    organization, project_slug = listing.organization, listing.project_slug
    try:
        return call(SentryClient(organization, project_slug, token))
    except PeerError as error:
        words = remedies.for_listing(
            error.status, str(error), organization=organization, project_slug=project_slug
        )
        raise error.in_words(words) from error
