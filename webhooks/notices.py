"""Who is told that problems opened: a row per receiver, made in the transaction that opens them.

No network here: the drain `notices` delivers the rows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from secrets import token_bytes
from typing import Final

from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from durable.models import State
from durable.wake import wake
from integrations.models import Project, SentryIntegration
from integrations.payloads.lenient import JsonObject
from webhooks.masking import mask_text
from webhooks.models import Notice, NoticeReceiver, Problem
from webhooks.problem_words import detail_of, fix_of, words_of
from webhooks.signature import new_standard_secret

MOST_LISTED: Final = 50
"""Problems that one notice lists; of more it says how many."""

DETAIL_CHARACTERS: Final = 300


def tell(opened: Sequence[Problem], integrations: Mapping[int, SentryIntegration]) -> None:
    """Make one notice per receiver of all that opened in this look and concerns it; in the caller's transaction."""
    receivers = list(NoticeReceiver.objects.all()) if opened else []
    made = list(_notices(receivers, opened, integrations))
    if made:
        Notice.objects.bulk_create(made)
        wake("notices")


def add_receiver(address: str, kind: str, project: Project | None) -> NoticeReceiver:
    """Have somebody told from now on; a webhook gets a secret, which is shown once."""
    secret = new_standard_secret(token_bytes(32)) if kind == NoticeReceiver.Kind.WEBHOOK else ""
    return NoticeReceiver.objects.create(address=address, kind=kind, project=project, secret=secret)


@transaction.atomic
def order_test(receiver: NoticeReceiver) -> None:
    """Have a test notice delivered now; one that waits already is not doubled."""
    if not receiver.notices.filter(kind=Notice.Kind.TEST, state=State.PENDING).exists():
        Notice.objects.create(receiver=receiver, kind=Notice.Kind.TEST)
    waiting_for(receiver.pk).update(due_at=timezone.now())
    LogEntry.objects.log_create(
        receiver, action=LogEntry.Action.UPDATE, changes={"test_notice": ["", "sent"]}
    )
    wake("notices")


@transaction.atomic
def send_again(chosen: QuerySet[Notice]) -> int:
    """Have what failed among `chosen` delivered now; returns how many notices are due.

    What a notice said is not kept once it is given up: its receiver is told of what is open now, in one notice.
    """
    now = timezone.now()
    waiting = Notice.objects.filter(pk__in=chosen.filter(state=State.PENDING), claim=None).update(due_at=now)
    given_up = chosen.filter(state=State.DEAD)
    tests = Notice.objects.filter(pk__in=given_up.filter(kind=Notice.Kind.TEST)).arm(made_at=now)
    receivers = NoticeReceiver.objects.filter(
        pk__in=given_up.filter(kind=Notice.Kind.OPENED).values("receiver")
    ).exclude(notices__kind=Notice.Kind.OPENED, notices__state=State.PENDING)
    opened = list(Problem.objects.open().select_related("integration__project").order_by("pk"))
    made = list(_notices(receivers, opened, {each.integration_id: each.integration for each in opened}))
    Notice.objects.bulk_create(made)
    wake("notices")
    return waiting + tests + len(made)


def waiting_for(receiver_id: int) -> QuerySet[Notice]:
    """What is still to be delivered to a receiver and no worker holds at this moment."""
    return Notice.objects.filter(receiver=receiver_id, state=State.PENDING, claim=None)


def register_models() -> None:
    """Record who added and removed whom; without the address and the secret, of which addresses may hold one too."""
    auditlog.register(NoticeReceiver, include_fields=["kind", "project", "added_at"])


def address_of(path: str) -> str:
    """The whole address of one of our pages, for somebody who is not on it."""
    return f"{settings.PUBLIC_URL}{path}"


def as_text(at: datetime) -> str:
    """A time as it travels."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def one_line(text: str) -> str:
    """`text` without line breaks and other characters that are not to be seen: names come from outside."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _notices(
    receivers: Iterable[NoticeReceiver],
    opened: Sequence[Problem],
    integrations: Mapping[int, SentryIntegration],
) -> Iterator[Notice]:
    for receiver in receivers:
        told = [
            problem
            for problem in opened
            if receiver.project_id in (None, integrations[problem.integration_id].project_id)
        ]
        if told:
            content = [_in_words(each, integrations[each.integration_id]) for each in told[:MOST_LISTED]]
            yield Notice(
                receiver=receiver,
                kind=Notice.Kind.OPENED,
                content=content,
                unlisted=max(len(told) - MOST_LISTED, 0),
            )


def _in_words(problem: Problem, integration: SentryIntegration) -> JsonObject:
    words, subject = words_of(problem), one_line(mask_text(problem.subject))
    return {
        "kind": problem.kind,
        "title": words.title.format(subject),
        "subject": subject,
        "meaning": words.meaning,
        "detail": one_line(detail_of(problem))[:DETAIL_CHARACTERS],
        "integration": one_line(integration.project_slug),
        "project": one_line(str(integration.project)),
        "count": problem.count,
        "first_seen_at": as_text(problem.first_seen_at),
        "fix": words.fix,
        "url": address_of(fix_of(problem) or reverse("problems")),
    }
