"""When to try again: a pure decision from the attempt's number, the peer's wish and the clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST_SECONDS = 1.0
"""The first retry comes after about a second: most failures are a restart or a dropped connection."""

CAP_SECONDS = 3600.0
"""No wait is longer than an hour, so that a peer that is back is noticed within one."""

JITTER = 0.5
"""A wait is shortened by up to this share, so that many rows do not come back at once."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again at `at`."""

    at: datetime


def wait_seconds(attempt: int, *, dice: float) -> float:
    """Seconds to wait after failed attempt number `attempt` (from 1); `dice` in [0, 1) spreads the waits."""
    doubled = FIRST_SECONDS * 2.0 ** min(max(attempt, 1) - 1, 20)
    return min(doubled, CAP_SECONDS) * (1 - JITTER * dice)


def decide(attempt: int, *, now: datetime, dice: float, retry_after_seconds: float | None = None) -> Retry:
    """The next date after failed attempt number `attempt`.

    `retry_after_seconds` is the peer's own wish (Retry-After, a rate limit's reset): never come earlier than that,
    and never later than the cap because of it.
    """
    wait = wait_seconds(attempt, dice=dice)
    wished = min(max(retry_after_seconds or 0.0, 0.0), CAP_SECONDS)
    return Retry(now + timedelta(seconds=max(wait, wished)))
