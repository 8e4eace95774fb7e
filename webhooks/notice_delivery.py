"""The drain `notices`: one notice, one mail or one signed POST, at least once, for a day at the longest."""

import json
import logging
import time
from datetime import timedelta
from functools import partial
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from durable.patience import patiently
from durable.working import again_at, work_off
from integrations import outside
from integrations.peers import PeerError
from webhooks import notice_mail
from webhooks.models import Notice, NoticeReceiver
from webhooks.notices import as_text, waiting_for
from webhooks.signature import sign_standard

logger = logging.getLogger(__name__)

GIVE_UP_AFTER: Final = timedelta(days=1)
"""Older news is on the page of problems; nobody should be woken by it."""


def drain_notices() -> int:
    """Deliver the notices that are due. Returns how many were handled."""
    return work_off(Notice.objects.all(), _settle)


def _settle(notice: Notice) -> None:
    if notice.last_error and _is_old(notice):
        _give_up(notice, f"Given up after a day. {notice.last_error}")
        return
    receiver = NoticeReceiver.objects.filter(pk=notice.receiver_id).first()
    if receiver is None:
        return  # removed meanwhile, and its notices with it
    notice.receiver = receiver
    try:
        _send(notice)
    except PeerError as error:
        _record_failure(notice, error)
    else:
        patiently(partial(_record_delivery, notice))  # it is not sent twice because the database is away


def _send(notice: Notice) -> None:
    """Raises PeerError."""
    if notice.receiver.kind == NoticeReceiver.Kind.EMAIL:
        notice_mail.send(notice)
    else:
        post(notice)


def post(notice: Notice) -> None:
    """POST a notice, signed as Standard Webhooks says; the same id each time, so that a repeat is known as one."""
    body, timestamp = body_of(notice), int(time.time())
    signature = sign_standard(body, notice.receiver.secret, message_id=str(notice.uuid), timestamp=timestamp)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": str(notice.uuid),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature,
    }
    outside.post(notice.receiver.address, body, headers)


def body_of(notice: Notice) -> bytes:
    """What is posted; docs/notices.md describes it."""
    named = ("kind", "title", "subject", "integration", "project", "count", "first_seen_at", "url")
    return json.dumps(
        {
            "type": notice.kind,
            "timestamp": as_text(notice.made_at),
            "problems": [{name: problem[name] for name in named} for problem in notice.content],
            "unlisted": notice.unlisted,
        },
        ensure_ascii=False,
    ).encode()


def _is_old(notice: Notice) -> bool:
    return notice.made_at < timezone.now() - GIVE_UP_AFTER


@transaction.atomic
def _record_delivery(notice: Notice) -> None:
    now = timezone.now()
    if notice.finish(delivered_at=now, content=[]):
        _receiver(notice).update(delivered_at=now, last_error="")
        waiting_for(notice.receiver_id).update(due_at=now)


@transaction.atomic
def _record_failure(notice: Notice, error: PeerError) -> None:
    """Given up when it is permanent. Else again later, with all that waits: a receiver is asked once, not once each."""
    if error.permanent or _is_old(notice):
        _give_up(notice, str(error))
        return
    at = again_at(notice.attempts, retry_after_seconds=error.retry_after_seconds)
    if notice.retry(at, str(error)):
        _receiver(notice).update(last_error=notice.last_error)
        waiting_for(notice.receiver_id).filter(due_at__lt=at).update(due_at=at, last_error=notice.last_error)


@transaction.atomic
def _give_up(notice: Notice, reason: str) -> None:
    logger.warning("The notice %s is given up: %s", notice.uuid, reason)
    if notice.bury(reason, content=[]):
        _receiver(notice).update(last_error=notice.last_error)


def _receiver(notice: Notice) -> QuerySet[NoticeReceiver]:
    """By `update`: what the drain notes is no change that somebody made, and stays out of the audit log."""
    return NoticeReceiver.objects.filter(pk=notice.receiver_id)
