"""When to try again: never sooner than the peer wishes, never later than an hour."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable.retry import CAP_SECONDS, decide, wait_seconds

NOW = datetime(2026, 11, 23, 2, 6, tzinfo=UTC)
DICE = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 1), (2, 2), (3, 4), (12, 2048), (13, 3600), (10**9, 3600)]
)
def test_waits_double_from_a_second_to_an_hour(attempt, seconds):
    assert wait_seconds(attempt, dice=0.0) == seconds


@given(st.integers(-5, 10**6), DICE)
def test_chance_takes_away_half_at_the_most(attempt, dice):
    longest = wait_seconds(attempt, dice=0.0)

    assert longest / 2 <= wait_seconds(attempt, dice=dice) <= longest <= CAP_SECONDS


@given(st.integers(1, 40), DICE, st.none() | st.floats(-10, 10**9))
def test_a_peers_wish_is_honoured_up_to_the_cap(attempt, dice, wish):
    at = decide(attempt, now=NOW, dice=dice, retry_after_seconds=wish).at

    assert at >= NOW + timedelta(seconds=min(wish or 0, CAP_SECONDS))
    assert NOW < at <= NOW + timedelta(seconds=CAP_SECONDS)


def test_a_wish_shorter_than_the_wait_changes_nothing():
    assert decide(5, now=NOW, dice=0.0, retry_after_seconds=3).at == NOW + timedelta(seconds=16)
