"""Repeated failures, grouped: found from the hourly counts and from states that last, open until gone.

Found by a drain once a minute, in a constant number of queries; pages read the rows it leaves.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Count as Counted
from django.db.models import Max, Min, QuerySet, Sum
from django.utils import timezone

from durable.models import State
from integrations.announcements import problem_of
from integrations.models import SentryIntegration
from integrations.roles import Access
from webhooks import notices
from webhooks.models import HourlyCount, InboxMessage, OutboxEvent, Problem, ProblemScan
from webhooks.problem_words import BY_PATH, FROM_SKIPS
from webhooks.rollups import BETWEEN, EVER, Count, hour_of
from webhooks.silence import QUIET_FOR, quiet_since

EVERY = timedelta(minutes=1)
DAY = timedelta(hours=24)
REPEATED: Final = 3
"""So often in a day is a problem; once is an accident."""

PROBES_BEFORE_A_PROBLEM: Final = 2
"""A held environment whose first probe succeeds was an accident too."""

Identity = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """A failure as it stands now."""

    integration_id: int
    kind: str
    subject: str
    count: int
    last_seen_at: datetime
    first_seen_at: datetime
    detail: str = ""

    @property
    def identity(self) -> Identity:
        """What makes it the same problem as before."""
        return self.integration_id, self.kind, self.subject


def drain_problems() -> int:
    """Look for problems when it is time to. Returns 0: looking is not work that leaves more to do."""
    ProblemScan.objects.bring_back()
    claimed = ProblemScan.objects.claim(limit=1, lease_seconds=settings.LEASE_SECONDS)
    if not claimed:
        if not ProblemScan.objects.exists():
            ProblemScan.objects.get_or_create(pk=1)
        return 0
    look(timezone.now())
    claimed[0].reschedule(timezone.now() + EVERY)
    return 0


def look(now: datetime) -> None:
    """Open what is new, refresh what is still there, close what is gone; whoever wants to know of the new is told.

    One look at a time: two at once would both take the same problem for new, and tell of it twice.
    """
    integrations = list(
        SentryIntegration.objects.living()
        .select_related("project", "installation")
        .prefetch_related("hooks", "environment_mappings__environment", "identity_mappings__traffic_type")
    )
    findings = {finding.identity: finding for finding in find(integrations, now)}
    with transaction.atomic():
        ProblemScan.objects.get_or_create(pk=1)
        ProblemScan.objects.select_for_update().get(pk=1)
        known = {
            (row.integration_id, row.kind, row.subject): row for row in Problem.objects.select_for_update()
        }
        returned = {identity for identity, row in known.items() if row.gone_at and identity in findings}
        created = [_row(finding) for identity, finding in findings.items() if identity not in known]
        Problem.objects.bulk_create(created, ignore_conflicts=True)
        changed = list(_changes(known, findings, now))
        Problem.objects.bulk_update(
            changed,
            ["count", "detail", "first_seen_at", "last_seen_at", "gone_at", "muted_at"],
            batch_size=500,
        )
        opened = created + [known[identity] for identity in returned]
        notices.tell(opened, {integration.pk: integration for integration in integrations})


def find(integrations: Iterable[SentryIntegration], now: datetime) -> Iterator[Finding]:
    """Every failure that is a problem at this moment."""
    living = {integration.pk: integration for integration in integrations}
    yield from _from_skips(living, now)
    yield from _from_environments(living, now)
    for integration in living.values():
        yield from _from_sentry(integration, now)
    yield from _from_dead(living, now)
    for integration, last_at in quiet_since(living, now):
        words = f"The last message came on {last_at:%d %B %Y} at {last_at:%H:%M} UTC."
        days = (now - last_at).days
        yield Finding(integration.pk, "silent", "", days, now, last_at + QUIET_FOR, words)


def count_open(access: Access, integration: SentryIntegration | None = None) -> int:
    """How many are open that this person may see."""
    rows = Problem.objects.open().filter(integration__in=access.integrations())
    return (rows.filter(integration=integration) if integration else rows).count()


def visible(access: Access) -> QuerySet[Problem]:
    """Problems this person may see."""
    return Problem.objects.filter(integration__in=access.integrations())


def _row(finding: Finding) -> Problem:
    return Problem(
        integration_id=finding.integration_id, kind=finding.kind, subject=finding.subject, count=finding.count,
        detail=finding.detail, first_seen_at=finding.first_seen_at, last_seen_at=finding.last_seen_at,
    )  # fmt: skip


def _changes(
    known: dict[Identity, Problem], findings: dict[Identity, Finding], now: datetime
) -> Iterator[Problem]:
    for identity, row in known.items():
        finding = findings.get(identity)
        if finding is None:
            if row.gone_at is None:
                row.gone_at = now
                yield row
            continue
        if row.gone_at is not None:  # it is back: a problem of its own, which nobody has muted yet
            row.gone_at, row.muted_at, row.first_seen_at = None, None, finding.first_seen_at
        row.count, row.detail, row.last_seen_at = finding.count, finding.detail, finding.last_seen_at
        yield row


def _from_skips(living: dict[int, SentryIntegration], now: datetime) -> Iterator[Finding]:
    rows = (
        HourlyCount.objects.filter(integration__in=living, name=Count.SKIPPED, hour__gte=hour_of(now - DAY))
        .exclude(hour=EVER)
        .values_list("integration_id", "label")
        .annotate(total=Sum("count"), first=Min("hour"), last=Max("last_at"), note=Max("note"))
    )
    for pk, label, total, first, last, note in rows:
        code, _, subject = label.partition(BETWEEN)
        if code in FROM_SKIPS and total >= REPEATED and _is_still_so(living[pk], code, subject):
            yield Finding(pk, code, subject[:250], total, last, first, note)


def _is_still_so(integration: SentryIntegration, code: str, subject: str) -> bool:
    """Whether the mapping has not been corrected since."""
    if code == "environment_unmapped":
        return all(row.sentry_environment != subject for row in integration.environment_mappings.all())
    if code in BY_PATH:
        return any(row.path == subject for row in integration.identity_mappings.all())
    return True


def _from_environments(living: dict[int, SentryIntegration], now: datetime) -> Iterator[Finding]:
    mapped = {
        (integration.pk, row.environment_id): row.environment
        for integration in living.values()
        for row in integration.environment_mappings.all()
    }
    stuck = {env.pk for env in mapped.values() if env.gone_at or not env.has_sdk_key or env.is_held}
    waiting: Counter[tuple[int, int]] = Counter()
    events = OutboxEvent.objects.filter(
        delivery__state=State.PENDING, delivery__environment__in=stuck
    ).order_by()
    for pair in events.values_list("message__integration_id", "environment_id")[:1000]:
        waiting[pair] += 1
    for (pk, environment_id), environment in mapped.items():
        count = waiting[(pk, environment_id)]
        if environment.gone_at:
            yield Finding(pk, "environment_gone", environment.name, count, now, environment.gone_at)
        elif not environment.has_sdk_key and count:
            yield Finding(pk, "key_missing", environment.name, count, now, now)
        elif environment.is_held and environment.hold_attempts >= PROBES_BEFORE_A_PROBLEM:
            is_key = "SDK key" in environment.hold_reason
            kind = "key_refused" if is_key else "fme_failing"
            yield Finding(pk, kind, environment.name, count, now, now, environment.hold_reason)


def _from_sentry(integration: SentryIntegration, now: datetime) -> Iterator[Finding]:
    if integration.installation.deleted_at:
        since = integration.installation.deleted_at
        yield Finding(integration.pk, "uninstalled", "", 1, now, since, problem_of(integration.installation))
        return
    if integration.installation.state == State.DEAD:
        yield Finding(integration.pk, "connection_lost", "", 1, now, now, integration.installation.last_error)
    hook = integration.hook
    if hook and hook.state == State.DEAD:
        yield Finding(integration.pk, "hook_failed", "", 1, now, now, hook.last_error)


def _from_dead(living: dict[int, SentryIntegration], now: datetime) -> Iterator[Finding]:
    rows = (
        HourlyCount.objects.filter(integration__in=living, name=Count.DEAD, hour__gte=hour_of(now - DAY))
        .exclude(hour=EVER)
        .values_list("integration_id")
        .annotate(total=Sum("count"), last=Max("last_at"))
        .filter(total__gt=0)  # what was sent again is taken out of the count
    )
    for pk, total, last in rows:
        yield Finding(pk, "events_failed", "", total, last, last)
    dead = InboxMessage.objects.filter(integration__in=living, state=State.DEAD).order_by()
    for pk, total, last in dead.values_list("integration_id").annotate(
        total=Counted("pk"), last=Max("received_at")
    ):
        yield Finding(pk, "messages_failed", "", total, last, last)
