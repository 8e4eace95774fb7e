"""What makes a figure count: nothing that was accepted may be missing."""

import pytest

from benchmarks.check import Lost, demand_all, demand_each_once
from benchmarks.load import NotAllAnswered, read_report

REPORT = {
    "per_second": 2.0, "p50_ms": 1.0, "p99_ms": 2.0, "max_ms": 3.0, "seconds": 1.0, "other": 0, "broken": 0, "sent": 2,
}  # fmt: skip


def test_all_accepted_ids_are_found_among_others():
    assert demand_all(["a", "b"], iter(["c", "b", "a"]), "the inbox") == 2


def test_an_accepted_id_that_is_not_stored_ends_the_run():
    with pytest.raises(Lost, match=r"1 of 2 accepted are not in the inbox: \['b'\]"):
        demand_all(["a", "b"], ["a"], "the inbox")


def test_an_event_that_never_arrived_ends_the_run():
    with pytest.raises(Lost):
        demand_each_once(["a", "b"], ["a"], "the receiver")


def test_an_event_that_arrived_twice_ends_the_run():
    with pytest.raises(Lost, match="more than once"):
        demand_each_once(["a", "b"], ["a", "b", "a"], "the receiver")


def test_a_report_with_every_request_accepted_is_a_load():
    load = read_report(REPORT, frozenset({"a", "b"}))

    assert (load.per_second, load.p99_ms, load.accepted) == (2.0, 2.0, frozenset({"a", "b"}))


@pytest.mark.parametrize("changes", [{"other": 1}, {"broken": 1}, {"sent": 3}])
def test_a_report_with_any_other_answer_measures_nothing(changes):
    with pytest.raises(NotAllAnswered):
        read_report(REPORT | changes, frozenset({"a", "b"}))
