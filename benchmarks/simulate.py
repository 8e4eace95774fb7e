"""How long the queues get, and how long an exception waits, while a burst of ten times the steady rate goes by.

A fluid model, a step at a time: what arrives is accepted up to what the web processes bear (Sentry's senders keep the
rest waiting; service hooks are given up after five seconds), translated by the inbox's workers, delivered by the
outbox's. Each stage is as fast as it was measured. Pure; a table for RATE a second, with so many processes and cores:

    python -m benchmarks.simulate RATE WEB_PROCESSES WORKERS DATABASE_CORES
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

BURST = 10
STEP_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Plant:
    """What a deployment bears: messages accepted, messages translated and events delivered in a second."""

    accepts: float
    translates: float
    delivers: float
    events_per_message: float = 4.0


@dataclass(frozen=True, slots=True)
class Moment:
    """The queues at one second: messages not yet accepted, messages in the inbox, events in the outbox."""

    second: float
    waiting: float
    inbox: float
    outbox: float

    def delay_seconds(self, plant: Plant) -> float:
        """How long what arrives now will take: each queue at the speed of its stage."""
        return self.waiting / plant.accepts + self.inbox / plant.translates + self.outbox / plant.delivers


def simulate(
    plant: Plant, rate: float, *, burst_seconds: float = 60.0, before: float = 10.0, until: float = 3600.0
) -> Iterator[Moment]:
    """Every tenth of a second from steady `rate` through a burst of ten times that, until all queues are empty."""
    waiting = inbox = outbox = second = 0.0
    while second < until:
        is_burst = before <= second < before + burst_seconds
        waiting += rate * (BURST if is_burst else 1) * STEP_SECONDS
        accepted = min(waiting, plant.accepts * STEP_SECONDS)
        translated = min(inbox + accepted, plant.translates * STEP_SECONDS)
        made = translated * plant.events_per_message
        delivered = min(outbox + made, plant.delivers * STEP_SECONDS)
        waiting, inbox, outbox = waiting - accepted, inbox + accepted - translated, outbox + made - delivered
        second = round(second + STEP_SECONDS, 6)
        yield Moment(second, waiting, inbox, outbox)
        if second > before + burst_seconds and waiting + inbox + outbox < 1e-6:
            return


@dataclass(frozen=True, slots=True)
class Story:
    """The most of everything during one burst, and how many seconds after it the queues were empty again."""

    waiting: float
    inbox: float
    outbox: float
    delay_seconds: float
    empty_after_seconds: float

    @property
    def loses_nothing(self) -> bool:
        """Whether no sender waited longer than Sentry's five seconds."""
        return self.waiting == 0.0


def story(plant: Plant, rate: float, *, burst_seconds: float = 60.0, before: float = 10.0) -> Story:
    """The simulation in five figures."""
    moments = list(simulate(plant, rate, burst_seconds=burst_seconds, before=before))
    return Story(
        waiting=max(round(moment.waiting, 3) for moment in moments),
        inbox=max(moment.inbox for moment in moments),
        outbox=max(moment.outbox for moment in moments),
        delay_seconds=max(moment.delay_seconds(plant) for moment in moments),
        empty_after_seconds=max(0.0, moments[-1].second - before - burst_seconds),
    )


@dataclass(frozen=True, slots=True)
class Costs:
    """Microseconds of one process by the clock; `database_us` is PostgreSQL's CPU time for a message in all stages."""

    accept_us: float
    translate_us: float
    deliver_us: float
    database_us: float
    events: float = 4.0


MEASURED = Costs(accept_us=410, translate_us=320, deliver_us=12, database_us=400)
"""Rounded from `docs/performance.md`; of a burst, with a receiver that answers at once."""


def plant(web: int, workers: int, database_cores: int, costs: Costs = MEASURED) -> Plant:
    """What so many processes bear on so large a database.

    A worker does both stages: it is given the share of its time that keeps them in step. What the database cannot
    bear slows them down alike.
    """
    share = costs.translate_us / (costs.translate_us + costs.events * costs.deliver_us)
    wanted = workers * share * 1e6 / costs.translate_us
    translates = min(wanted, database_cores * 1e6 / costs.database_us)
    return Plant(web * 1e6 / costs.accept_us, translates, translates * costs.events, costs.events)


def main(rate: float, web: int, workers: int, database_cores: int) -> None:
    """One line for each ten seconds."""
    bears = plant(web, workers, database_cores)
    print("second  waiting    inbox   outbox  delay")
    for number, moment in enumerate(simulate(bears, rate)):
        if number % 100 == 0:
            delay = moment.delay_seconds(bears)
            print(
                f"{moment.second:6.0f} {moment.waiting:8.0f} {moment.inbox:8.0f} {moment.outbox:8.0f} {delay:6.1f}"
            )


if __name__ == "__main__":
    main(float(sys.argv[1]), *map(int, sys.argv[2:5]))
