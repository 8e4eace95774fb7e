"""The benchmark's own arithmetic, and how it is written down."""

import json

import pytest

from benchmarks.page import with_table
from benchmarks.results import Goal, Result, Spread, ratios, short, table

FASTER = Result("speed", Spread(90, 80, 100), "1/s", "the floor", Spread(1.2, 0.9, 1.3), Goal("≥", 1.0))


def test_the_median_stands_between_the_smallest_and_the_largest():
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)


def test_ratios_are_formed_within_a_round():
    assert ratios([10, 1, 30], [10, 2, 10]) == Spread(1.0, 0.5, 3.0)


def test_a_round_without_its_partner_has_no_ratio():
    with pytest.raises(ValueError, match="shorter"):
        ratios([1, 2], [1])


@pytest.mark.parametrize(
    ("goal", "value", "is_met"),
    [
        (Goal("≥", 1), 1.0, True),
        (Goal("≥", 1), 0.99, False),
        (Goal("≤", 1), 1.0, True),
        (Goal("≤", 1), 1.01, False),
    ],
)
def test_the_bound_itself_meets_a_goal(goal, value, is_met):
    assert goal.is_met_by(value) is is_met


def test_a_goal_is_about_the_ratio_where_there_is_one():
    alone = Result("speed", Spread(90, 80, 100), "1/s", goal=Goal("≥", 100))

    assert (FASTER.is_met, alone.is_met) == (True, False)


def test_a_line_of_json_says_all_there_is():
    line = json.loads(FASTER.as_json())

    assert line | {"note": None} == line
    assert (line["name"], line["value"], line["unit"]) == ("speed", 90, "1/s")
    assert (line["ratio_to"], line["ratio"], line["goal"], line["met"]) == ("the floor", 1.2, "≥ 1", True)


def test_a_missed_goal_stands_out_in_the_table():
    missed = Result("speed", Spread(90, 80, 100), "1/s", goal=Goal("≥", 100))

    assert table([missed]).splitlines()[-1] == "| speed | 90 (80–100) 1/s |  | ≥ 100 | **no** |  |"


@pytest.mark.parametrize(
    ("value", "text"), [(12345.6, "12,346"), (3.0, "3"), (0.1234, "0.123"), (0.00012, "1.2e-04")]
)
def test_figures_keep_three_digits(value, text):
    assert short(value) == text


def test_only_what_stands_between_the_marks_is_replaced():
    page = "before\n<!-- measured: begin -->\nold\n<!-- measured: end -->\nafter"

    assert with_table(page, "new") == "before\n<!-- measured: begin -->\nnew\n<!-- measured: end -->\nafter"


def test_a_page_without_the_marks_is_left_alone():
    with pytest.raises(ValueError, match="no place"):
        with_table("words", "new")
