"""Places in the log: written into addresses, and read from whatever stands there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.pages.log import EPOCH, LAST_MICROSECOND, MICROSECOND, Cursor


@given(st.integers(0, LAST_MICROSECOND), st.integers(1, 10**18 - 1))
def test_a_place_is_read_as_it_was_written(passed, pk):
    place = Cursor(EPOCH + passed * MICROSECOND, pk)

    assert Cursor.parse(str(place)) == place


@pytest.mark.parametrize(
    "text", ["", "-", "1", "1-", "-1", "a-1", "1-²", "1-2-3", f"{LAST_MICROSECOND + 1}-1"]
)
def test_what_is_no_place_is_none(text):
    assert Cursor.parse(text) is None


@given(st.text())
def test_any_text_is_a_place_or_none(text):
    assert Cursor.parse(text) is None or str(Cursor.parse(text))
