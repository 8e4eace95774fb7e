"""Making Sentry agree with our service hooks: adopt by address or create, keep, and remove.

A crash anywhere is repaired by the next look: a hook that was made but not stored is found by its address,
and a second one with our address is removed. The same look, once an hour, finds what was changed at Sentry.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from django.conf import settings
from django.utils import timezone

from durable.models import FAULT_LIMIT, State
from durable.working import again_at, work_off
from integrations import remedies
from integrations.installations import Waiting, renew_after_401, token_for
from integrations.models import ServiceHook
from integrations.peers import PeerError
from integrations.sentry import RemoteHook, SentryClient

logger = logging.getLogger(__name__)

CHECK_EVERY = timedelta(hours=1)
"""How often a hook that is well is looked at again: somebody may have changed or removed it at Sentry."""

TRY_AGAIN_EVERY = timedelta(days=1)
"""How often a hook that Sentry refused is tried again: a plan may have changed, a project may have come back."""

LOOK_FOR_TOKEN_SECONDS = 60.0
"""A hook that waits for its installation's token is due at once when one comes; this is for a missed ring."""

_T = TypeVar("_T")


class ClaimLost(Exception):
    """Another worker has the row, or somebody saved: nothing more may be done to Sentry under this claim."""


def drain_hooks() -> int:
    """Make Sentry agree with every hook that is due. Returns how many were handled."""
    _try_refused_again()
    return work_off(ServiceHook.objects.all(), _settle)


def _try_refused_again() -> None:
    """Due once more, with its reason still shown; one that is dead of our own faults is left to a person."""
    now = timezone.now()
    ServiceHook.objects.filter(
        state=State.DEAD,
        wanted=ServiceHook.Wanted.PRESENT,
        faults__lt=FAULT_LIMIT,
        due_at__lte=now - TRY_AGAIN_EVERY,
        installation__deleted_at=None,
        integration__deleted_at=None,
    ).update(state=State.PENDING, due_at=now, attempts=0, claim=None)


def _settle(hook: ServiceHook) -> None:
    try:
        _make_present(hook) if hook.wanted == ServiceHook.Wanted.PRESENT else _make_absent(hook)
    except ClaimLost:
        logger.info("The claim on hook %s was lost; whoever holds it goes on.", hook.address)
    except Waiting as reason:
        wait = reason.retry_after_seconds or LOOK_FOR_TOKEN_SECONDS
        hook.retry(timezone.now() + timedelta(seconds=wait), str(reason), attempts=0)
    except PeerError as error:
        _put_off(hook, error)


def _put_off(hook: ServiceHook, error: PeerError) -> None:
    if error.permanent:
        logger.warning("Hook %s cannot be: %s", hook.address, error)
        hook.bury(str(error))
    else:
        hook.retry(again_at(hook.attempts, retry_after_seconds=error.retry_after_seconds), str(error))


def _make_present(hook: ServiceHook) -> None:
    project = _Project(hook)
    remote = _ours(hook, project.list())
    kept = next((one for one in remote if one.id == hook.remote_id), remote[0] if remote else None)
    if kept is None:
        if hook.remote_id:
            logger.warning("Hook %s has vanished at Sentry; making it again.", hook.address)
            _forget_secret(hook)
        kept = project.create(hook.url)
    elif not (kept.is_as_wanted and kept.url == hook.url):
        logger.info("Hook %s was changed at Sentry; putting it right.", hook.address)
        kept = project.update(kept.id, hook.url)
    _remember(hook, kept)
    complaint = _remove_twins(project, [one for one in remote if one.id != kept.id])
    now = timezone.now()
    if complaint:
        hook.retry(now + CHECK_EVERY, complaint, attempts=0, confirmed_at=now)
    else:
        hook.reschedule(now + CHECK_EVERY, confirmed_at=now)


def _forget_secret(hook: ServiceHook) -> None:
    """The next hook has another secret, and may deliver before it is stored: such messages wait for it."""
    ServiceHook.objects.filter(pk=hook.pk, claim=hook.claim).update(secret="")


def _remember(hook: ServiceHook, kept: RemoteHook) -> None:
    """Store id and secret at once; when the claim was lost, whoever has it adopts the hook by its address.

    Or has removed what there was before this one was made: then this one is to be removed too.
    """
    rows = ServiceHook.objects.filter(pk=hook.pk)
    if not rows.filter(claim=hook.claim).update(remote_id=kept.id, secret=kept.secret):
        rows.filter(wanted=ServiceHook.Wanted.ABSENT).arm(remote_id=kept.id)


def _remove_twins(project: "_Project", twins: list[RemoteHook]) -> str:
    """Remove further hooks with our address; a refusal is told but stops nothing: messages are kept once."""
    for twin in twins:
        try:
            project.delete(twin.id)
        except PeerError as error:
            return str(error)
    return ""


def _make_absent(hook: ServiceHook) -> None:
    """Remove whatever has our address; nothing can be reached once the installation is gone."""
    installation = hook.installation
    if installation is None or installation.deleted_at or not (installation.has_token or hook.remote_id):
        hook.finish()
        return
    project = _Project(hook)
    try:
        for hook_id in _to_remove(hook, project):
            project.delete(hook_id)
    except PeerError as error:
        if error.status not in remedies.REDIRECTS or not (slug := remedies.new_slug(error.body)):
            raise
        hook.retry(again_at(hook.attempts), str(error), project_slug=slug)  # the hook moved with its project
    else:
        hook.finish(remote_id="")


def _to_remove(hook: ServiceHook, project: "_Project") -> list[str]:
    try:
        return [one.id for one in _ours(hook, project.list())]
    except PeerError as error:
        if error.status == 404:
            return []  # the project is gone, and its hooks with it
        if error.status == 403 and hook.remote_id:
            return [hook.remote_id]  # Sentry guards the list by plan, removing not (source of 2026)
        raise


def _ours(hook: ServiceHook, remote: list[RemoteHook]) -> list[RemoteHook]:
    """Hooks with our address; also the one we made when PUBLIC_URL was another."""
    return [one for one in remote if one.url == hook.url or one.id == hook.remote_id]


@dataclass(frozen=True, slots=True)
class _Project:
    """The hook's project at Sentry: calls under a live claim with a good token, refusals with their remedy."""

    hook: ServiceHook

    def list(self) -> list[RemoteHook]:
        return self._call(lambda sentry: sentry.list_hooks())

    def create(self, url: str) -> RemoteHook:
        return self._call(lambda sentry: sentry.create_hook(url))

    def update(self, hook_id: str, url: str) -> RemoteHook:
        return self._call(lambda sentry: sentry.update_hook(hook_id, url))

    def delete(self, hook_id: str) -> None:
        self._call(lambda sentry: sentry.delete_hook(hook_id), removing=True)

    def _call(self, call: Callable[[SentryClient], _T], *, removing: bool = False) -> _T:
        installation = self.hook.installation
        if installation is None:
            raise PeerError(remedies.NO_INSTALLATION, permanent=True)
        token = token_for(installation)
        try:
            return self._under_claim(call, token)
        except PeerError as error:
            if error.status != 401:
                raise error.in_words(self._sentence(error, removing=removing)) from error
        token = renew_after_401(installation, token)
        try:
            return self._under_claim(call, token)
        except PeerError as error:
            raise error.in_words(self._sentence(error, removing=removing)) from error

    def _under_claim(self, call: Callable[[SentryClient], _T], token: str) -> _T:
        if not self.hook.renew(settings.LEASE_SECONDS):
            raise ClaimLost
        return call(SentryClient(self.hook.organization, self.hook.project_slug, token))

    def _sentence(self, error: PeerError, *, removing: bool) -> str:
        hook, words = self.hook, str(error)
        if removing and error.status == 403:
            return remedies.for_refused_removal(words)
        installed_in = hook.installation.organization if hook.installation else ""
        if error.status == 404 and installed_in and installed_in != hook.organization:
            return remedies.for_other_organization(installed_in, hook.organization)
        return remedies.for_hook(
            error.status,
            error.body,
            words,
            organization=hook.organization,
            project_slug=hook.project_slug,
            url=hook.url,
        )
