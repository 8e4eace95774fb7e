"""How fast one core reads real bodies and translates them: two environments, two identities, the culprit; 8 events."""

import time
from collections.abc import Iterator

from benchmarks import bodies
from benchmarks.bench import Bench
from benchmarks.results import Goal, Result, Spread
from integrations.mapping import EnvironmentRule, IdentityRule, Rules, translate
from integrations.payloads import Source, parse

RULES = Rules(
    environments=(
        EnvironmentRule("production", 1, "Prod-Default"),
        EnvironmentRule("production", 2, "Prod-Europe"),
    ),
    identities=(
        IdentityRule("data.error.user.id", "user"),
        IdentityRule("data.error.tags.level", "account"),
    ),
    wants_culprit=True,
    organization="acme",
    project="shop",
)
EVENTS = 8
SIZES = (20_000, 30_000, 200_000, 600_000)


def measure(bench: Bench) -> Iterator[Result]:
    """Payloads a second at 20 KB, and cost per byte of large bodies against that."""
    budget = bench.seconds / 5
    rates = {size: [] for size in SIZES}  # type: dict[int, list[float]]
    for _ in range(bench.rounds):
        for size in SIZES:
            rates[size].append(payloads_per_second(bodies.of_size(size), budget))
    value = Spread.of(rates[20_000])
    yield Result("mapping: 20 KB payloads per second and core", value, "1/s", goal=Goal("≥", 10_000))
    for size in SIZES[1:]:
        costs = [
            20_000 * small / (size * large) for small, large in zip(rates[20_000], rates[size], strict=True)
        ]
        yield Result(
            f"mapping: cost per byte at {size // 1000} KB", Spread.of([1e9 / (size * rate) for rate in rates[size]]),
            "ns", "20 KB", Spread.of(costs), Goal("≤", 1.25),
        )  # fmt: skip


def payloads_per_second(body: bytes, seconds: float) -> float:
    """By this thread's CPU clock, so that what else the machine does counts little."""
    assert events_of(body) == EVENTS, "the body does not match the rules"
    count, start = 0, time.thread_time()
    while (taken := time.thread_time() - start) < seconds:
        for _ in range(10):
            events_of(body)
        count += 10
    return count / taken


def events_of(body: bytes) -> int:
    """Decode, translate, and write every event as the text that is delivered."""
    return len([event.json for event in translate(parse(body, Source.SERVICE_HOOK), RULES).events])
