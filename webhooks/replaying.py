"""Replaying stored messages: which ones an order takes, and working the order off in batches, each message once.

Pages, API, Django admin and the command all choose and order here, and every order is in the audit log.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from auditlog.models import LogEntry
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from durable.drains import beat
from durable.models import DurableQuerySet, State
from durable.stopping import stopping
from durable.wake import wake
from durable.working import work_off
from integrations.models import SentryIntegration
from webhooks.models import InboxMessage, Replay, ReplayOrder
from webhooks.reasons import REASONS

BATCH = 500
"""Messages in one UPDATE: however many an order takes, no webhook waits for it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Messages of one integration, received from `since` (included) to `until` (not included), `reason` a skip code."""

    integration_id: int
    until: datetime
    since: datetime | None = None
    reason: str = ""

    @property
    def messages(self) -> DurableQuerySet[InboxMessage]:
        """The messages a replay takes of these, however many."""
        rows = InboxMessage.objects.filter(integration=self.integration_id, received_at__lt=self.until)
        if self.since:
            rows = rows.filter(received_at__gte=self.since)
        if self.reason:
            rows = rows.filter(reason=self.reason)
        return replayable(rows)

    def __str__(self) -> str:
        since = f"from {_day(self.since)}" if self.since else "from the first"
        why = f", {REASONS[self.reason].words}" if self.reason else ""
        return f"{since} until {_day(self.until)}{why}"


def replayable(messages: DurableQuerySet[InboxMessage]) -> DurableQuerySet[InboxMessage]:
    """Those that can be translated again: not those whose body was pruned, nor those that still wait."""
    return messages.exclude(body=None).exclude(state=State.PENDING)


def replay(messages: DurableQuerySet[InboxMessage], *, everything: bool = False) -> int:
    """Send a few stored messages through the mapping again; returns how many.

    Only what the mapping now adds is sent, unless `everything` is asked for: FME does not deduplicate.
    """
    kind = Replay.ALL if everything else Replay.ADDED
    count = replayable(messages).arm(replay=kind)
    wake("inbox")
    return count


@transaction.atomic
def order_replay(integration: SentryIntegration, choice: Choice, *, everything: bool = False) -> int:
    """Have all messages of `choice` replayed, however many and whatever crashes; returns how many that are now.

    The same order given twice, by a double click for example, is one while it is not worked off; to the microsecond the
    same for everything again is one ever after. Of an integration that was deleted nothing is replayed.
    """
    count = choice.messages.count()
    living = SentryIntegration.objects.living().filter(pk=integration.pk)
    if not count or not living.select_for_update(no_key=True).first():  # two clicks at once take turns
        return 0
    order = ReplayOrder(
        integration=integration,
        since=choice.since,
        until=choice.until,
        reason=choice.reason,
        kind=Replay.ALL if everything else Replay.ADDED,
    )
    if order.is_given:
        return count
    order.save()
    words = f"{count} messages {choice}" + (", everything again" if everything else "")
    LogEntry.objects.log_create(integration, action=LogEntry.Action.UPDATE, changes={"replay": ["", words]})
    wake("replays")
    return count


def drain_replays() -> int:
    """Work off every order; returns how many were handled."""
    return work_off(ReplayOrder.objects.all(), carry_out)


def carry_out(order: ReplayOrder) -> None:
    """Make the messages of an order due, a batch at a time; one that is stopped or crashes goes on where it was."""
    choice = Choice(order.integration_id, order.until, order.since, order.reason)
    while not stopping.is_set():
        beat("replays")
        if not order.renew(settings.LEASE_SECONDS):
            return
        if not replay_next(order, choice):
            order.finish()
            return
    order.reschedule(timezone.now())


def replay_next(order: ReplayOrder, choice: Choice) -> bool:
    """The next batch and how far the order has come, in one transaction under its claim; False when none is left."""
    with transaction.atomic():
        if not ReplayOrder.objects.select_for_update().filter(pk=order.pk, claim=order.claim).exists():
            return False  # somebody else goes on with it
        rows = choice.messages.filter(pk__gt=order.reached).order_by("pk")
        keys = list(rows.values_list("pk", flat=True)[:BATCH])
        if not keys:
            return False
        replay(InboxMessage.objects.filter(pk__in=keys), everything=order.kind == Replay.ALL)
        order.reached = keys[-1]
        order.save(update_fields=["reached"])
    return True


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
