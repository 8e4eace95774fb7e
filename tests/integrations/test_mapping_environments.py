"""Names of Sentry environments, as typed and as sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.mapping import check_environment_name
from integrations.mapping.environments import near_miss


@pytest.mark.parametrize(
    "name", ["staging", "Pré-Prod EU West", " padded ", "nonesuch", "x" * 64, "a\\b", "生産"]
)
def test_a_name_that_sentry_can_send_is_taken(name):
    assert check_environment_name(name) is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "Enter the name"),
        (" \t", "Enter the name"),
        ("prod/eu", "slash"),
        ("prod\neu", "line break"),
        ("prod\reu", "line break"),
        ("x" * 65, "64 characters; this has 65"),
        ("none", "no environment"),
        (" None ", "no environment"),
    ],
)
def test_a_name_that_never_arrives_is_refused_with_the_reason(name, reason):
    assert reason in str(check_environment_name(name))


@pytest.mark.parametrize(
    ("sent", "typed", "words"),
    [
        ("Staging", "staging", "Sentry sends “Staging”, the mapping says “staging”: letter case counts."),
        ("EU West", "EUWest", "Sentry sends “EU West”, the mapping says “EUWest”: blanks count."),
        ("staging", "staging", None),
        ("staging", "production", None),
    ],
)
def test_a_near_miss_is_told_in_words(sent, typed, words):
    assert near_miss(sent, typed) == words


@given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None)))
def test_any_names_are_compared_and_checked_without_a_fault(sent, typed):
    near_miss(sent, typed)
    assert check_environment_name(typed) != ""
