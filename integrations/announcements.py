"""What Sentry tells about an installation: announced, uninstalled, a code for its first tokens.

Only rows change here and the bell rings; the network belongs to the drains. Webhook, redirect and pasted id
may come in any order, twice, or never: all meet in the row with the installation's uuid.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from durable.models import State
from durable.wake import wake
from integrations.models import SentryInstallation, SentryListing, ServiceHook
from integrations.remedies import UNINSTALLED, reinstalled


@transaction.atomic
def announce(uuid: UUID, organization: str, code: str | None, *, at: datetime) -> None:
    """Sentry said, signed, that the app was installed: keep the code, which is exchanged at once.

    Idempotent. A deleted installation stays deleted, and one whose token works keeps it.
    """
    installation = _locked(uuid)
    if installation.deleted_at:
        return
    row = SentryInstallation.objects.filter(pk=installation.pk)
    row.update(
        organization=organization or installation.organization,
        announced_at=installation.announced_at or at,
    )
    is_lost = installation.state == State.DEAD
    if code and (is_lost or not installation.has_token) and code != installation.code:
        row.arm(code=code, code_received_at=at, token="", refresh_token="", token_expires_at=None)
        wake("installations")
    _tell_orphans(organization, uuid)


@transaction.atomic
def offer_code(uuid: UUID, code: str, organization: str, *, at: datetime) -> None:
    """Somebody's browser brought a code, unsigned: use it only where nothing better is known.

    A wrong or late one harms nothing: not an installation with a token, not a code from the webhook, not a
    deleted one.
    """
    installation = _locked(uuid)
    if installation.deleted_at or installation.has_token or installation.has_code or not code:
        return
    SentryInstallation.objects.filter(pk=installation.pk).arm(
        code=code, code_received_at=at, organization=installation.organization or organization
    )
    wake("installations")


@transaction.atomic
def forget(uuid: UUID, *, at: datetime) -> None:
    """Sentry said, signed, that the app was uninstalled: its tokens are dead, its hooks stop, the pages say so.

    The names it listed are no longer ours to show. Also when it comes before the announcement, or twice.
    """
    installation = _locked(uuid)
    SentryInstallation.objects.filter(pk=installation.pk).update(
        state=State.DONE, claim=None, deleted_at=installation.deleted_at or at, last_error="",
        code="", token="", refresh_token="", token_expires_at=None,
    )  # fmt: skip
    SentryListing.objects.filter(installation=installation).delete()
    hooks = ServiceHook.objects.filter(installation=installation)
    hooks.filter(wanted=ServiceHook.Wanted.ABSENT).update(state=State.DONE, claim=None, last_error="")
    hooks.filter(wanted=ServiceHook.Wanted.PRESENT).update(
        state=State.DEAD, claim=None, last_error=UNINSTALLED
    )


def successor_of(installation: SentryInstallation) -> SentryInstallation | None:
    """The living installation of the same organization that came after one that is gone."""
    if not installation.organization or not (installation.deleted_at or installation.state == State.DEAD):
        return None
    living = SentryInstallation.objects.filter(organization=installation.organization, deleted_at=None)
    others = living.exclude(state=State.DEAD).exclude(pk=installation.pk)
    return others.order_by("-announced_at", "-pk").first()


def problem_of(installation: SentryInstallation) -> str:
    """What is wrong with an installation and what to do, for the pages; empty when nothing is."""
    if successor := successor_of(installation):
        return reinstalled(successor.uuid)
    return UNINSTALLED if installation.deleted_at else installation.last_error


def _locked(uuid: UUID) -> SentryInstallation:
    SentryInstallation.objects.get_or_create(uuid=uuid)
    return SentryInstallation.objects.select_for_update().get(uuid=uuid)


def _tell_orphans(organization: str, uuid: UUID) -> None:
    """Reinstalling makes a new uuid: say so where the old one is configured; nothing else is changed."""
    if not organization:
        return
    ServiceHook.objects.filter(
        wanted=ServiceHook.Wanted.PRESENT,
        installation__organization=organization,
        installation__deleted_at__isnull=False,
    ).update(last_error=reinstalled(uuid))
