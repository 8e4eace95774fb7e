"""Accept a webhook: prove it is genuine, store it durably, once. The only thing between Sentry and the disk.

Sentry does not look at the status of a service hook's answer, so what is not accepted here is gone. An answer of 202
means: committed, or on disk in the spool.
"""

import logging
import re
import time
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError

from durable.wake import wake
from integrations import announcements
from integrations.models import SentryIntegration
from integrations.payloads.envelopes import (
    AppEnvelope,
    PayloadUnreadable,
    Source,
    read_app_envelope,
    read_event_id,
)
from webhooks import hook_secrets
from webhooks.counters import count
from webhooks.hook_secrets import KnownHook
from webhooks.message_rows import NewMessage
from webhooks.models import InboxMessage
from webhooks.outcome import Outcome
from webhooks.signature import verify
from webhooks.spool import RawRequest, SpoolFull, spool
from webhooks.totals import DUPLICATES
from webhooks.writer import StoreUnavailable, writer

logger = logging.getLogger(__name__)

UNVERIFIED_MESSAGES = 1000
"""Messages one hook may keep before its secret is known: a second of a burst, not a way to fill the database."""


SIGNATURE = re.compile(r"[0-9a-f]{64}")
"""A signature's form; whatever else stands in the header was not written by Sentry."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """One for all steps of a request: each of them may ask the database, and Sentry waits for their sum."""

    at: float

    @classmethod
    def of(cls, request: RawRequest) -> "Deadline":
        """From now on, as long as Sentry's patience with this kind of webhook allows."""
        seconds = settings.APP_DEADLINE_SECONDS if request.address is None else settings.HOOK_DEADLINE_SECONDS
        return cls(time.monotonic() + seconds)

    @property
    def seconds_left(self) -> float:
        """Never negative."""
        return max(0.0, self.at - time.monotonic())


def accept(request: RawRequest) -> Outcome:
    """Take one webhook, into the spool while the database is away; never raises for anything a sender can do."""
    try:
        return accept_again(request)
    except StoreUnavailable:
        return keep(request)
    except Exception:  # a mistake of ours must not cost a message: the keeper sets it aside for a person
        logger.exception("A webhook could not be taken; it goes to the spool.")
        return keep(request)


def accept_again(request: RawRequest) -> Outcome:
    """Take one webhook into the database only; raises StoreUnavailable."""
    deadline = Deadline.of(request)
    try:
        return take_app(request, deadline) if request.address is None else take_hook(request, deadline)
    except PayloadUnreadable:
        return Outcome.UNREADABLE


def keep(request: RawRequest) -> Outcome:
    """Spool a request that the database cannot take now; what can be checked without it still is."""
    if not SIGNATURE.fullmatch(request.signature):
        return Outcome.BAD_SIGNATURE
    is_verified = is_from_sentry(request) if request.address is None else is_from_hook(request)
    if is_verified is False:
        return Outcome.BAD_SIGNATURE
    if request.address is not None and not has_event_id(request.body):
        return Outcome.UNREADABLE
    try:
        spool.keep(request, is_verified=bool(is_verified))
    except SpoolFull as error:
        logger.error("Nothing can be stored: the database is away and %s", error)
        return Outcome.FULL
    return Outcome.SPOOLED


def take_hook(request: RawRequest, deadline: Deadline) -> Outcome:
    """A service hook's delivery: known address, right signature, an event id; then stored."""
    assert request.address is not None
    hook = find_hook(request.address, deadline)
    if hook is None:
        return Outcome.UNKNOWN_HOOK
    if hook.integration_id is None or not hook.takes(request.received_at):
        return Outcome.IGNORED
    is_genuine = request.is_verified or prove(request, hook.secret, deadline)
    if is_genuine is False:
        return Outcome.BAD_SIGNATURE
    event_id = read_event_id(request.body, Source.SERVICE_HOOK)
    if event_id is None:
        return Outcome.UNREADABLE
    if not is_genuine and not has_room_unverified(hook.integration_id, deadline):
        return Outcome.NO_ROOM
    return store(
        NewMessage(
            integration_id=hook.integration_id,
            event_id=event_id,
            source=Source.SERVICE_HOOK,
            received_at=request.received_at,
            body=request.body,
            hook_address=request.address,
            unverified_signature="" if is_genuine else request.signature,
        ),
        deadline,
    )


def take_app(request: RawRequest, deadline: Deadline) -> Outcome:
    """The app's webhook: signed with a client secret; installations and exceptions are stored, the rest is not ours."""
    if not settings.SENTRY_CLIENT_SECRETS:
        return Outcome.NO_SECRET
    if not request.is_verified and not is_from_sentry(request):
        return Outcome.BAD_SIGNATURE
    envelope = read_app_envelope(request.body)
    if request.resource == "installation":
        return take_installation(envelope, request, deadline)
    if request.resource == "error" and envelope.action == "created":
        return take_error(envelope, request, deadline)
    return Outcome.NOTHING_TO_DO


def take_installation(envelope: AppEnvelope, request: RawRequest, deadline: Deadline) -> Outcome:
    """`installation.created` leaves a code to exchange, `installation.deleted` stops its integrations."""
    installation = envelope.installation
    if installation is None or not (found := installation.uuid or envelope.installation_uuid):
        return Outcome.UNREADABLE
    uuid, organization, code = UUID(found), installation.organization or "", installation.code
    if envelope.action == "created":
        writer.call(
            lambda: announcements.announce(uuid, organization, code, at=request.received_at),
            deadline_seconds=deadline.seconds_left,
        )
    elif envelope.action == "deleted":
        writer.call(
            lambda: announcements.forget(uuid, at=request.received_at),
            deadline_seconds=deadline.seconds_left,
        )
    else:
        return Outcome.NOTHING_TO_DO
    wake("installations", "hooks")
    return Outcome.STORED


def take_error(envelope: AppEnvelope, request: RawRequest, deadline: Deadline) -> Outcome:
    """`error.created`: one message for each integration of that installation and Sentry project."""
    error = envelope.error
    if error is None or error.event_id is None:
        return Outcome.UNREADABLE
    uuid, project = envelope.installation_uuid, error.project
    if uuid is None or project is None:
        return Outcome.NOTHING_TO_DO
    found = writer.call(
        lambda: list(
            SentryIntegration.objects.living_at(request.received_at)
            .filter(installation__uuid=uuid, project_slug=project)
            .values_list("pk", flat=True)
        ),
        deadline_seconds=deadline.seconds_left,
    )
    for integration_id in found:
        store(
            NewMessage(
                integration_id=integration_id,
                event_id=error.event_id,
                source=Source.APP,
                received_at=request.received_at,
                body=request.body,
            ),
            deadline,
        )
    return Outcome.STORED if found else Outcome.NOTHING_TO_DO


def store(message: NewMessage, deadline: Deadline) -> Outcome:
    """Commit one message; one that was stored already is as good. Raises StoreUnavailable."""
    try:
        is_new = writer.store(message, deadline_seconds=deadline.seconds_left)
    except IntegrityError:  # its integration was purged between the look-up and now
        return Outcome.IGNORED
    if not is_new:
        count(DUPLICATES)
    wake("inbox")
    return Outcome.STORED


def is_from_sentry(request: RawRequest) -> bool:
    """Whether one of our client secrets signed it: while a secret is rotated, two are right."""
    return any(verify(request.body, secret, request.signature) for secret in settings.SENTRY_CLIENT_SECRETS)


def has_event_id(body: bytes) -> bool:
    """Whether a service hook's body can be stored at all."""
    try:
        return read_event_id(body, Source.SERVICE_HOOK) is not None
    except PayloadUnreadable:
        return False


def is_from_hook(request: RawRequest) -> bool | None:
    """Whether the hook's secret signed it, as far as this process knows the secret; None when it does not.

    What was read long ago proves a signature, and refuses none: the hook may have been made anew since.
    """
    assert request.address is not None
    hook = hook_secrets.cache.stale(request.address)
    if not (hook and hook.secret):
        return None
    if verify(request.body, hook.secret, request.signature):
        return True
    return False if hook_secrets.cache.fresh(request.address) else None


def find_hook(address: UUID, deadline: Deadline) -> KnownHook | None:
    """The hook of `address`, from the cache or the database. Raises StoreUnavailable."""
    if entry := hook_secrets.cache.fresh(address):
        return entry.hook
    return read_hook(address, deadline)


def read_hook(address: UUID, deadline: Deadline) -> KnownHook | None:
    """The hook of `address` from the database, remembered. Raises StoreUnavailable."""
    hook = writer.call(lambda: hook_secrets.read_hook(address), deadline_seconds=deadline.seconds_left)
    return hook_secrets.cache.keep(address, hook)


def prove(request: RawRequest, secret: str, deadline: Deadline) -> bool | None:
    """Whether `secret` signed it; None while there is no secret to tell by.

    A mismatch looks once for a newer secret before it is one: a hook that is made anew has another.
    """
    assert request.address is not None
    if not SIGNATURE.fullmatch(request.signature):
        return False
    if secret and verify(request.body, secret, request.signature):
        return True
    if not secret or not hook_secrets.cache.may_reread(request.address):
        return False if secret else None
    newer = read_hook(request.address, deadline)
    if newer is None:
        return False
    return verify(request.body, newer.secret, request.signature) if newer.secret else None


def has_room_unverified(integration_id: int, deadline: Deadline) -> bool:
    """Whether another message may wait for its hook's secret."""
    waiting = InboxMessage.objects.filter(integration=integration_id, state="pending").exclude(
        unverified_signature=""
    )
    count = writer.call(lambda: waiting[:UNVERIFIED_MESSAGES].count(), deadline_seconds=deadline.seconds_left)
    return count < UNVERIFIED_MESSAGES
