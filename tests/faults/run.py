"""One scenario under way: its messages, what came of them, and the row it prints."""

import os
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from uuid import uuid4

from django.db import connection
from django.utils import timezone

from durable.models import Heartbeat
from integrations.models import SentryIntegration, ServiceHook
from tests.factories import (
    EnvironmentFactory,
    HookFactory,
    IntegrationFactory,
    ProjectFactory,
    TrafficTypeFactory,
)
from tests.faults.fme import Intake
from tests.faults.load import Load, post
from tests.faults.payloads import Event, Message, messages
from tests.faults.servers import wait_until
from tests.faults.stack import START_SECONDS, Stack
from tests.faults.world import World
from webhooks.models import Delivery, DeliveryAttempt, InboxMessage, OutboxEvent

Key = str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; lost has to be 0."""

    scenario: str
    accepted: int
    expected: int
    delivered: int
    lost: int
    duplicated: int
    ambiguous: int
    longest: float
    note: str = ""


class Source:
    """One Sentry project: a hook, its integration, and an FME environment for each Sentry environment."""

    def __init__(self, world: World, environments: tuple[str, ...]) -> None:
        self.world, self.environments = world, environments
        project = ProjectFactory(fme_id=uuid4().hex)
        rows = {
            name: EnvironmentFactory(project=project, name=name, fme_id=uuid4().hex, sdk_key=uuid4().hex)
            for name in environments
        }
        self.keys = {name: row.sdk_key for name, row in rows.items()}
        self.environment_ids = {name: row.pk for name, row in rows.items()}
        self.integration: SentryIntegration = IntegrationFactory(
            project=project, project_slug=f"shop-{uuid4().hex[:8]}", environments=rows,
            identities={"data.error.user.id": TrafficTypeFactory(project=project, name="user")},
        )  # fmt: skip
        self.hook: ServiceHook = HookFactory(integration=self.integration)
        connection.close()

    def intake(self, environment: str) -> Intake:
        """FME's side of one environment."""
        return self.world.fme.intake(self.keys[environment])

    def load(self, stack: Stack, count: int, dice: Random, *, rate: float, threads: int = 8) -> Load:
        """Start sending `count` messages."""
        made = messages(
            count,
            address=self.hook.address,
            secret=self.hook.secret,
            environments=self.environments,
            dice=dice,
        )
        return Load(stack.port, made, rate=rate, threads=threads).start()

    def forge(self, stack: Stack) -> int:
        """Deliver one message with a wrong signature; returns the status."""
        path = f"/webhooks/sentry/hooks/{self.hook.address}/"
        return post(stack.port, Message(path, b"{}", "0" * 64, Event("", "", "")))

    def accepted(self) -> Counter[Event]:
        """How often FME accepted each event."""
        return self.world.fme.accepted(list(self.keys.values()))

    def attempts(self, outcome: str) -> list[DeliveryAttempt]:
        """POSTs of this source with that outcome."""
        return list(
            DeliveryAttempt.objects.filter(environment__in=self.environment_ids.values(), outcome=outcome)
        )

    def is_settled(self) -> bool:
        """Whether nothing waits any more."""
        mine = {"state": "pending"}
        waits = InboxMessage.objects.filter(integration=self.integration, **mine).exists() or (
            Delivery.objects.filter(environment__in=self.environment_ids.values(), **mine).exists()
        )
        connection.close()
        return not waits

    def doubtful(self) -> set[Event]:
        """Events that an ambiguous attempt carried: the only ones that may arrive twice."""
        ids = {pk for attempt in self.attempts("ambiguous") for pk in attempt.event_ids}
        rows = OutboxEvent.objects.filter(pk__in=ids).values_list(
            "message__event_id", "environment__name", "key"
        )
        return {Event(*row) for row in rows.iterator()}


@dataclass
class Run:
    """What a scenario is given."""

    world: World
    name: str
    dice: Random
    without: str = ""
    rows: list[Row] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Messages to send."""
        return self.world.count

    @property
    def is_short(self) -> bool:
        return self.world.is_short

    def seconds(self, *, short: float, full: float) -> float:
        """How long something is broken."""
        return short if self.is_short else full

    def stack(self, *names: str, server: str = "granian", **settings: str) -> Stack:
        """The product's processes, on the protection this run is without."""
        before, running = timezone.now(), self.world.stack
        stack = self.world.stack_of(*names, server=server, without=self.without, **settings)
        looks = {"drain", "worker"} & set(
            names
        ) and self.without != "sweep"  # without it nobody looks unasked
        if stack is not running and looks:
            wait_until(lambda: has_worked_since(before), START_SECONDS, "a drain has looked for work")
        return stack

    def source(self, *environments: str) -> Source:
        """A Sentry project of this scenario's own."""
        return Source(self.world, environments or ("staging", "production"))

    def pause(self, least: float, most: float) -> None:
        """A random while."""
        time.sleep(self.dice.uniform(least, most))

    def in_time(self, row: Row, seconds: float) -> None:
        """Hold the longest answer against a limit; FAULTS_SLACK stretches it on a machine that is shared."""
        limit = seconds * float(os.environ.get("FAULTS_SLACK", "1"))
        assert row.longest < limit, f"the longest answer took {row.longest:.2f} s"

    def settle(
        self,
        source: Source,
        load: Load,
        *,
        seconds: float,
        without_events: Iterable[Event] = (),
        scenario: str = "",
        note: str = "",
    ) -> Row:
        """Wait for what was accepted, then write its row; AssertionError when anything is lost or sent twice for
        no reason.
        """
        expected = load.accepted - set(without_events)
        arrived = arrives(source, expected, min(seconds, 25) if self.without else seconds)
        delivered = source.accepted()
        twice = {event: times - 1 for event, times in delivered.items() if times > 1}
        row = Row(
            scenario=scenario or self.name,
            accepted=len(load.accepted),
            expected=len(expected),
            delivered=len(set(delivered) & expected),
            lost=len(expected - set(delivered)),
            duplicated=sum(twice.values()),
            ambiguous=len(source.attempts("ambiguous")),
            longest=load.longest,
            note=note,
        )
        self.rows.append(row)
        doubtful = source.doubtful()
        connection.close()
        assert not row.lost, f"{row.lost} of {row.expected} events never reached FME"
        assert arrived, "everything arrived, but rows still wait"
        assert set(delivered) <= {message.event for message in load.messages}, "FME got what nobody sent"
        assert set(twice) <= doubtful, (
            f"{len(set(twice) - doubtful)} events came twice though no POST was in doubt"
        )
        return row


def has_worked_since(moment: datetime) -> bool:
    """Whether some worker has begun."""
    found = Heartbeat.objects.filter(at__gt=moment).exists()
    connection.close()
    return found


def arrives(source: Source, expected: set[Event], seconds: float) -> bool:
    """Wait until FME has all and nothing waits any more."""
    try:
        wait_until(
            lambda: not expected - set(source.accepted()) and source.is_settled(), seconds, "all arrives"
        )
    except AssertionError:
        return False
    return True
