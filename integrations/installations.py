"""Tokens of Sentry installations: the first one, the next one, and the way back when one is lost.

Refreshing kills both old tokens at once, so one worker does it at a time (a leased claim on the row, never an
open transaction), and the new pair is stored before it is used.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from durable.models import State
from durable.wake import wake
from durable.working import again_at, work_off
from integrations import remedies, sentry
from integrations.announcements import problem_of
from integrations.models import SentryInstallation, ServiceHook
from integrations.peers import PeerError

logger = logging.getLogger(__name__)

CODE_LIFE = timedelta(minutes=10)
"""How long Sentry takes a grant code; an older one is not tried."""

RENEW_BEFORE = timedelta(hours=1)
"""A token of eight hours is renewed when this much is left, so that an hour of trouble costs nothing."""

STILL_GOOD = timedelta(minutes=1)
"""A token with less than this left is not used any more."""

ASK_AGAIN = timedelta(hours=1)
"""An installation that Sentry has not announced is looked for this often, without limit."""

RENEWAL_TAKES = 2.0
"""Seconds after which to look again when another worker is renewing the token."""

_TOKEN_FIELDS = ("token", "refresh_token", "token_expires_at", "token_renewed_at", "code")


class Waiting(PeerError):
    """Nothing is wrong with the caller: the installation has no usable token at the moment."""


def drain_installations() -> int:
    """Exchange codes, renew tokens, confirm installations: whatever is due. Returns how many it handled."""
    return work_off(SentryInstallation.objects.all(), _settle)


def token_for(installation: SentryInstallation) -> str:
    """A token to use now, renewed when the stored one is about to expire.

    Raises Waiting when there is none yet or another worker is renewing it, PeerError when it cannot be
    renewed.
    """
    current = SentryInstallation.objects.get(pk=installation.pk)
    if current.deleted_at:
        raise PeerError(problem_of(current), permanent=True)
    if current.token_expires_at and current.token and timezone.now() < current.token_expires_at - STILL_GOOD:
        return current.token
    return _renewed(current)


def renew_after_401(installation: SentryInstallation, stale_token: str) -> str:
    """Another token than `stale_token`, which Sentry refused; perhaps one that was stored meanwhile.

    Raises as `token_for` does.
    """
    current = SentryInstallation.objects.get(pk=installation.pk)
    return token_for(current) if current.token != stale_token else _renewed(current)


def _renewed(current: SentryInstallation) -> str:
    """Renew under a claim of one's own. One that was given up is tried once more: something may have been put right."""
    if current.state == State.DEAD:
        SentryInstallation.objects.filter(pk=current.pk, state=State.DEAD).arm()
    elif not current.token:
        raise Waiting(current.last_error or remedies.WAITING)
    claimed = SentryInstallation.objects.claim_now(current.pk, lease_seconds=settings.LEASE_SECONDS)
    if claimed is None:
        raise Waiting(remedies.BEING_RENEWED, retry_after_seconds=RENEWAL_TAKES)
    try:
        if not claimed.token:
            _get_first_token(claimed)
        elif claimed.token == current.token:
            _renew(claimed)
    except PeerError as error:
        _put_off(claimed, error)
        raise
    claimed.reschedule(_next_look_at(claimed))
    return claimed.token


def _settle(installation: SentryInstallation) -> None:
    if installation.deleted_at:
        installation.finish()
        return
    try:
        if not installation.token:
            _get_first_token(installation)
        elif _renewal_of(installation) <= timezone.now():
            _renew(installation)
        if installation.verified_at is None:
            _verify(installation)
    except PeerError as error:
        _put_off(installation, error)
    else:
        installation.reschedule(_next_look_at(installation))


def _put_off(installation: SentryInstallation, error: PeerError) -> None:
    if isinstance(error, Waiting):
        installation.retry(timezone.now() + ASK_AGAIN, str(error), attempts=0)
    elif error.permanent:
        logger.warning("Installation %s is lost: %s", installation.uuid, error)
        installation.bury(str(error))
    else:
        at = again_at(installation.attempts, retry_after_seconds=error.retry_after_seconds)
        installation.retry(at, str(error))


def _get_first_token(installation: SentryInstallation) -> None:
    """From the code; else by the signed statement, which helps when the answer to an exchange was lost."""
    reason = remedies.WAITING
    if installation.code and _code_expired(installation):
        reason = remedies.CODE_EXPIRED
    elif installation.code:
        try:
            _keep(installation, sentry.exchange(installation.uuid, installation.code))
        except PeerError as error:
            reason = _refusal(error, remedies.CODE_REFUSED)
        else:
            return
    _hold(installation)
    try:
        _keep(installation, sentry.jwt_grant(installation.uuid))
    except PeerError as error:
        if not error.was_refused:
            raise
        _drop_code(installation)
        raise _without_token(installation, error, reason) from error


def _without_token(installation: SentryInstallation, error: PeerError, reason: str) -> PeerError:
    """A pasted id may still be announced; an announced one gets no second code."""
    if installation.announced_at:
        return PeerError(reason, permanent=True, status=error.status)
    return Waiting(remedies.UNKNOWN if error.status == 404 else remedies.WAITING)


def _renew(installation: SentryInstallation) -> None:
    try:
        pair = sentry.refresh(installation.uuid, installation.refresh_token)
    except PeerError as error:
        reason = _refusal(error, remedies.TOKENS_LOST)
        pair = _recover(installation, reason)
    _keep(installation, pair)


def _recover(installation: SentryInstallation, reason: str) -> sentry.TokenPair:
    """A new pair by the signed statement: the last way before installing anew."""
    logger.warning(
        "Sentry refused the refresh token of %s; asking with a signed statement.", installation.uuid
    )
    _hold(installation)
    try:
        return sentry.jwt_grant(installation.uuid)
    except PeerError as error:
        if not error.was_refused:
            raise
        raise PeerError(reason, permanent=True, status=error.status) from error


def _refusal(error: PeerError, reason: str) -> str:
    """The sentence for a grant that was refused for good; raises what may heal by itself."""
    if not error.was_refused:
        raise error
    if error.status == 401 and "client id" in str(error).lower():
        raise PeerError(remedies.CREDENTIALS, status=401) from error
    return remedies.UNKNOWN if error.status == 404 else reason


def _keep(installation: SentryInstallation, pair: sentry.TokenPair) -> None:
    """Store a pair even when the claim was lost meanwhile: it is the only one that works.

    Not over one that was stored later, and not into an installation that was deleted meanwhile.
    """
    same = SentryInstallation.objects.filter(
        pk=installation.pk, token_renewed_at=installation.token_renewed_at, deleted_at=None
    )
    same.update(
        token=pair.token,
        refresh_token=pair.refresh_token,
        token_expires_at=pair.expires_at,
        token_renewed_at=timezone.now(),
        code="",
    )
    installation.refresh_from_db(fields=_TOKEN_FIELDS)
    _release_hooks(installation)


def _hold(installation: SentryInstallation) -> None:
    """Before each further call: hold the claim for a whole lease, or leave the installation to whoever took it."""
    if not installation.renew(settings.LEASE_SECONDS):
        raise Waiting(remedies.BEING_RENEWED, retry_after_seconds=RENEWAL_TAKES)


def _release_hooks(installation: SentryInstallation) -> None:
    """Hooks that waited for a token are due at once."""
    waiting = ServiceHook.objects.filter(installation=installation, state=State.PENDING, claim=None)
    if waiting.filter(~Q(last_error="") | Q(confirmed_at=None)).update(due_at=timezone.now()):
        wake("hooks")


def _drop_code(installation: SentryInstallation) -> None:
    SentryInstallation.objects.filter(pk=installation.pk, claim=installation.claim).update(code="")


def _verify(installation: SentryInstallation) -> None:
    """Confirm the installation, which otherwise stays `pending` at Sentry; never a reason to give it up."""
    _hold(installation)
    try:
        organization = sentry.verify_install(installation.uuid, installation.token)
    except PeerError as error:
        raise PeerError(
            str(error), retry_after_seconds=error.retry_after_seconds, status=error.status
        ) from error
    installation.verified_at = timezone.now()
    installation.organization = organization or installation.organization
    installation.save(update_fields=["verified_at", "organization"])


def _code_expired(installation: SentryInstallation) -> bool:
    received_at = installation.code_received_at
    return received_at is None or timezone.now() > received_at + CODE_LIFE


def _renewal_of(installation: SentryInstallation) -> datetime:
    """When to renew: well before the token expires, and half-way through a life shorter than usual."""
    if installation.token_expires_at is None:
        return timezone.now()
    born_at = installation.token_renewed_at or installation.token_expires_at - sentry.TOKEN_LIFE
    life = max(installation.token_expires_at - born_at, timedelta(0))
    return installation.token_expires_at - min(RENEW_BEFORE, life / 2)


def _next_look_at(installation: SentryInstallation) -> datetime:
    """Never in a hurry, whatever Sentry says about a token's life."""
    return max(_renewal_of(installation), timezone.now() + STILL_GOOD)
