"""The simulation behind the capacity page: queues grow by what comes less what is borne."""

import pytest

from benchmarks.simulate import Costs, Plant, plant, simulate, story

AMPLE = Plant(accepts=10_000, translates=10_000, delivers=40_000)


def test_what_is_borne_leaves_no_queue():
    told = story(AMPLE, 100)

    assert (told.waiting, told.inbox, told.outbox) == (0, 0, 0)
    assert told.loses_nothing


def test_the_inbox_grows_by_what_a_burst_brings_beyond_what_is_translated():
    told = story(Plant(accepts=10_000, translates=200, delivers=40_000), 100, burst_seconds=60)

    assert told.inbox == pytest.approx((1000 - 200) * 60, rel=0.01)
    assert told.delay_seconds == pytest.approx(48_000 / 200, rel=0.01)
    assert told.empty_after_seconds == pytest.approx(48_000 / (200 - 100), rel=0.01)


def test_a_burst_ends_no_sooner_than_its_slowest_stage_allows():
    bears = Plant(accepts=500, translates=300, delivers=700)
    *_, last = simulate(bears, 100, burst_seconds=10)
    arrived = 100 * last.second + 900 * 10

    assert last.waiting + last.inbox + last.outbox < 1e-6
    assert last.second * 700 / 4 >= arrived - 1  # delivered at most at the outbox's speed


def test_too_few_web_processes_lose_what_sentry_does_not_wait_for():
    assert not story(Plant(accepts=500, translates=10_000, delivers=40_000), 100).loses_nothing


COSTS = Costs(accept_us=500, translate_us=200, deliver_us=50, database_us=500)


def test_a_worker_shares_its_time_so_that_both_stages_keep_step():
    bears = plant(1, 2, 16, COSTS)

    assert bears.accepts == 2000
    assert bears.translates == pytest.approx(2 * 1e6 / (200 + 4 * 50))
    assert bears.translates * bears.events_per_message == bears.delivers


def test_more_workers_than_the_database_bears_are_of_no_use():
    assert plant(1, 100, 1, COSTS) == plant(1, 200, 1, COSTS)
    assert plant(1, 100, 1, COSTS).translates == 2000
