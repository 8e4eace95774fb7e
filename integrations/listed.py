"""What a form may suggest of Sentry's names: what is stored is shown at once, what has grown old is asked for.

Rows only: the network belongs to the drain in `listings`. Nothing is said about an installation that the person may
not use for the project, not even that it exists.
"""

from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone

from durable.models import State
from durable.wake import wake
from integrations.integration_forms import IntegrationForms
from integrations.models import SentryInstallation, SentryListing
from integrations.remedies import UNINSTALLED
from integrations.validation import clean_installation_id, clean_slug

FRESH = timedelta(minutes=10)
"""A listing this old is read again when a form asks for it."""

AGAIN = timedelta(minutes=1)
"""The same for one that was refused, or lacks the project that was typed: it may have been put right, or be new."""

BUDGET = 10
"""Listings of one installation that are asked for within AGAIN: typing does not become a request per keystroke."""

KEPT = timedelta(days=30)
"""A listing that no form asked for in so long goes when the installation gets another one."""

LOOK = timedelta(seconds=30)
"""For how long after asking a form looks for the answer by itself."""

NOT_READ = (
    "What Sentry lists could not be read because of a mistake in this app; its log says more. Type the name."
)

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """Names with their words, a line for each field where there is something to say, and whether more is coming."""

    organizations: Pairs = ()
    projects: Pairs = ()
    environments: tuple[str, ...] = ()
    projects_note: str = ""
    environments_note: str = ""
    is_coming: bool = False


def look_up(forms: IntegrationForms) -> Listed:
    """What Sentry lists for the installation in the form as it is typed; asks for what is missing or old."""
    installation = _installation(forms)
    if installation is None:
        return Listed(organizations=_organizations(forms.installations))
    if installation.deleted_at:
        return Listed(projects_note=UNINSTALLED)
    projects = _projects(installation, _slug(forms, "organization"))
    if projects is None:
        return Listed()
    environments = _environments(projects, _slug(forms, "project_slug"), _stored_slug(forms))
    rows = [row for row in (projects, environments) if row]
    return Listed(
        organizations=_organizations([installation]),
        projects=tuple((slug, name) for slug, name in projects.names),
        environments=tuple(name for name, _ in environments.names) if environments else (),
        projects_note=_unknown(projects, _slug(forms, "project_slug")) or _note(projects),
        environments_note=_note(environments) if environments else "",
        is_coming=any(_is_coming(row) for row in rows),
    )


def _installation(forms: IntegrationForms) -> SentryInstallation | None:
    """The one whose ID is typed, if the person may use it here."""
    try:
        uuid = clean_installation_id(str(forms.connection["installation_id"].value() or ""))
    except ValidationError:
        return None
    return forms.connection.access.installations(forms.project).filter(uuid=uuid).first()


def _slug(forms: IntegrationForms, name: str) -> str:
    """What is typed, as it would be stored; empty as long as it is no slug."""
    try:
        return clean_slug(
            str(forms.connection[name].value() or ""),
            of="organization" if name == "organization" else "project",
        )
    except ValidationError:
        return ""


def _stored_slug(forms: IntegrationForms) -> str:
    return forms.integration.project_slug if forms.integration else ""


def _organizations(installations: list[SentryInstallation]) -> Pairs:
    known = {row.organization for row in installations if row.organization}
    return tuple((slug, "Where the app is installed") for slug in sorted(known))


def _projects(installation: SentryInstallation, typed: str) -> SentryListing | None:
    """Of the organization that announced the installation; of the one that is typed when Sentry refuses that one.

    An installation belongs to one organization, but its slug may have been changed at Sentry since.
    """
    listing = None
    for organization in dict.fromkeys(filter(None, (installation.organization, typed))):
        listing = _asked(installation, organization) or listing
        if listing and listing.state != State.DEAD:
            break
    return listing


def _environments(projects: SentryListing, slug: str, stored_slug: str) -> SentryListing | None:
    """Of the project that is typed, once it is known to be one: half a slug is asked for only if nobody can tell."""
    if not slug:
        return None
    if _is_complete(projects) and slug not in dict(projects.names):
        _asked(projects.installation, projects.organization, fresh=AGAIN)
        return None
    if projects.state == State.PENDING and projects.read_at is None and slug != stored_slug:
        return None
    return _asked(projects.installation, projects.organization, slug)


def _asked(
    installation: SentryInstallation, organization: str, slug: str = "", *, fresh: timedelta = FRESH
) -> SentryListing | None:
    """The listing as it is stored; due from now on if it is old. None when too many were asked for just now."""
    now = timezone.now()
    place: dict[str, Any] = {"installation": installation, "organization": organization, "project_slug": slug}
    stored = SentryListing.objects.filter(**place).first()
    if stored and (stored.state == State.PENDING or stored.asked_at > now - _age(stored, fresh)):
        return stored
    if installation.listings.filter(asked_at__gt=now - AGAIN).count() >= BUDGET:
        return stored
    if stored is None:
        installation.listings.filter(asked_at__lt=now - KEPT).delete()
    listing, is_new = SentryListing.objects.get_or_create(**place)
    if not is_new:
        SentryListing.objects.filter(pk=listing.pk).exclude(state=State.PENDING).arm(asked_at=now)
        listing.refresh_from_db()
    wake("listings")
    return listing


def _age(listing: SentryListing, fresh: timedelta) -> timedelta:
    return AGAIN if listing.state == State.DEAD else fresh


def _is_complete(projects: SentryListing) -> bool:
    return projects.state != State.DEAD and projects.read_at is not None and not projects.is_cut


def _unknown(projects: SentryListing, slug: str) -> str:
    if not slug or projects.state != State.DONE or not _is_complete(projects) or slug in dict(projects.names):
        return ""
    slugs = [known for known, _ in projects.names]
    near = [known for known in slugs if known.startswith(slug)] or get_close_matches(slug, slugs)
    hint = f" Did you mean “{near[0]}”?" if near else ""
    return f"Sentry lists no project “{slug}” in {projects.organization}.{hint}"


def _note(listing: SentryListing) -> str:
    if listing.faults:
        return NOT_READ
    if listing.last_error:
        return listing.last_error
    if _is_coming(listing) and listing.read_at is None:
        return (
            "Sentry is asked for its environments…"
            if listing.project_slug
            else "Sentry is asked for its projects…"
        )
    if listing.is_cut and listing.project_slug:
        return f"Sentry lists more environments than the {len(listing.names)} that are suggested."
    if listing.is_cut:
        return f"Sentry lists more projects than the {len(listing.names)} that are suggested."
    return ""


def _is_coming(listing: SentryListing) -> bool:
    return listing.state == State.PENDING and listing.asked_at > timezone.now() - LOOK
