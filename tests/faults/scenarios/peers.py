"""FME failing in every way, for one environment, beside another that is well."""

import time
from collections.abc import Callable

from tests.faults.fme import Answer, Batch, Intake
from tests.faults.load import Load
from tests.faults.payloads import Event
from tests.faults.run import Run, Source, arrives
from tests.faults.servers import wait_until
from webhooks.models import OutboxEvent

FAILING, WELL = "staging", "production"
POISON_EVERY = 1000
DELAY_SECONDS = 5.0


def answers(status: int, **headers: str) -> Callable[[Intake], None]:
    """An environment that answers every batch like that."""

    def fail(intake: Intake) -> None:
        intake.answer = lambda batch: (
            status,
            {name.replace("_", "-"): value for name, value in headers.items()},
        )

    return fail


def is_slow(intake: Intake) -> None:
    """Takes longer than anybody waits, and takes the batch in the end."""
    intake.seconds = 30.0


def is_half_open(intake: Intake) -> None:
    """The connection stands and nothing ever comes."""
    intake.seconds = 3600.0


def cuts_before(intake: Intake) -> None:
    """The connection breaks before the batch is read."""
    intake.cuts_before_reading = True


def cuts_after(intake: Intake) -> None:
    """The batch is accepted, and the connection breaks instead of an answer."""
    intake.accepts_silently = True


def passes_on(intake: Intake) -> None:
    """The batch is accepted, and a gateway in between gives up before the answer is there."""
    intake.accepts_silently, intake.gateway_status = True, 504


WAYS: dict[str, Callable[[Intake], None]] = {
    "FME answers 500": answers(500),
    "FME answers 503": answers(503),
    "FME answers 429, Retry-After": answers(429, Retry_After="2"),
    "FME answers 401": answers(401),
    "FME slow, 30 s": is_slow,
    "FME half open": is_half_open,
    "FME drops before reading": cuts_before,
    "FME drops after reading": cuts_after,
    "FME takes, a gateway answers 504": passes_on,
}


def failing(run: Run) -> None:
    """Every way at once, each for an environment of its own; then all is well again and everything arrives."""
    stack = run.stack(*run.world.usual)
    sources = {way: run.source(FAILING, WELL) for way in WAYS}
    for way, source in sources.items():
        WAYS[way](source.intake(FAILING))
    loads = {
        way: source.load(stack, run.count, run.dice, rate=30 if run.is_short else 25, threads=2)
        for way, source in sources.items()
    }
    for load in loads.values():
        load.wait(300)
    for way, load in loads.items():
        well_beside(sources[way], load)
    time.sleep(run.seconds(short=3, full=20))
    for source in sources.values():
        heal(source.intake(FAILING))
    for way, load in loads.items():
        run.settle(sources[way], load, seconds=120, scenario=way)


def well_beside(source: Source, load: Load) -> None:
    """What goes to the environment that is well has arrived, although the other one fails."""
    wanted = {event for event in load.accepted if event.environment == WELL}
    wait_until(
        lambda: not wanted - set(source.accepted()), DELAY_SECONDS, "the other environment is not delayed"
    )


def heal(intake: Intake) -> None:
    """All is well from now on."""
    intake.answer, intake.seconds = lambda batch: (202, {}), 0.0
    intake.accepts_silently = intake.cuts_before_reading = False
    intake.gateway_status = 0


def poison(run: Run) -> None:
    """One event in a thousand makes FME refuse its whole batch: the rest arrives, the poison is named."""
    stack = run.stack(*run.world.usual)
    source = run.source(FAILING, WELL)
    poisonous: set[Event] = set()

    def refuse_poison(batch: Batch) -> Answer:
        return (400, {}) if poisonous & set(batch) else (202, {})

    source.intake(FAILING).answer = refuse_poison
    load = source.load(stack, run.count, run.dice, rate=100)
    candidates = [message.event for message in load.messages if message.event.environment == FAILING]
    poisonous.update(run.dice.sample(candidates[len(candidates) // 2 :], max(1, run.count // POISON_EVERY)))
    load.wait(120)
    run.settle(source, load, seconds=60, without_events=poisonous, note=f"{len(poisonous)} poisoned")
    dead = OutboxEvent.objects.filter(environment=source.environment_ids[FAILING], delivery__state="dead")
    named = {(event.message.event_id, event.key) for event in dead.select_related("message", "delivery")}
    assert named == {(event.event_id, event.key) for event in poisonous}, "the poison is not named"
    assert all("refused" in event.last_error for event in dead)


def out_for_an_hour(run: Run) -> None:
    """FME is away, and comes back an hour later by the clock of the worker: everything is due at once."""
    stack = run.stack("web", "drain")
    source = run.source(FAILING, WELL)
    source.intake(FAILING).answer = lambda batch: (503, {})
    load = source.load(stack, run.count, run.dice, rate=100).wait(120)
    well_beside(source, load)
    stack.stop("drain")
    for hour in (0.5, 1.0):
        stack.start("moved", FAULT_CLOCK_SECONDS=str(hour * 3600))
        time.sleep(run.seconds(short=3, full=8))
        stack.stop("moved")
    before = source.intake(FAILING).posts
    heal(source.intake(FAILING))
    stack.start("moved", FAULT_CLOCK_SECONDS=str(2 * 3600 + 60))
    try:
        run.settle(source, load, seconds=30, note=f"{before} probes in the hour")
    finally:
        stack.kill("moved")
        stack.start("drain")
    assert before < 60, f"{before} POSTs while FME was away: not held but hammered"


def clock_jumps(run: Run) -> None:
    """A worker works for a while with a clock that is a year ahead, and dies; then the clock is right again."""
    stack = run.stack("web")
    source = run.source(FAILING, WELL)
    for name in source.environments:
        source.intake(name).answer = lambda batch: (503, {})
    stack.start("moved", FAULT_CLOCK_SECONDS=str(365 * 86400))
    load = source.load(stack, run.count, run.dice, rate=100).wait(60)
    run.pause(1.0, 2.0)
    stack.kill("moved")
    for name in source.environments:
        heal(source.intake(name))
    stack.start("drain")
    try:
        run.settle(source, load, seconds=45)
    finally:
        stack.kill("drain")
    assert arrives(source, load.accepted, 1)
