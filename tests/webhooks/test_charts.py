"""The scale of the charts: no number of messages may break a page."""

from webhooks.pages.charts import nice_top


def test_every_number_has_an_end_of_the_axis_above_it_with_whole_quarters() -> None:
    tops = {highest: nice_top(highest) for highest in [*range(2_000), 9_999, 90_001, 999_999]}
    assert [highest for highest, top in tops.items() if top < highest or top % 4] == []


def test_the_axis_ends_close_above_the_highest_number() -> None:
    assert [nice_top(highest) for highest in (0, 4, 5, 9, 10, 41, 99, 101)] == [4, 4, 8, 12, 12, 44, 100, 120]
