"""What an administrator is told about each row, and laws that hold for every translation."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.mapping import (
    EnvironmentRule,
    IdentityRule,
    Rules,
    SkipCode,
    explain,
    translate,
)
from integrations.payloads import Source
from tests.integrations.bodies import ORG, PRODUCTION, STAGING, USER, in_both_forms, parsed, rules

ANY_TEXT = st.text(st.characters(codec=None), max_size=30)
PATHS = st.sampled_from(
    ["data.error.user.id", "user.orgId", "tags.tenant", "user.data", "title", "user.email"]
)
ANY_RULES = st.builds(
    Rules,
    environments=st.lists(
        st.builds(
            EnvironmentRule,
            st.sampled_from(["production", "staging", "Staging"]) | ANY_TEXT,
            st.integers(1, 3),
            ANY_TEXT,
        ),
        max_size=5,
    ).map(tuple),
    identities=st.lists(
        st.builds(IdentityRule, PATHS | ANY_TEXT, st.sampled_from(["user", "User"]) | ANY_TEXT), max_size=5
    ).map(tuple),
    wants_culprit=st.booleans(),
    organization=ANY_TEXT,
    project=ANY_TEXT,
    stopped_by=st.none() | st.sampled_from([SkipCode.INTEGRATION_PAUSED, SkipCode.UNINSTALLED]),
)
ANY_EXCEPTION = st.builds(parsed, st.sampled_from(in_both_forms()[:12]), st.sampled_from(Source))


def test_every_row_is_explained_with_what_was_found_and_where():
    explanation = explain(parsed("seed-multi-traffic-type"), rules(STAGING, PRODUCTION, USER, ORG))

    assert [row.is_match for row in explanation.environments] == [False, True]
    assert [(row.value, row.kind, row.read_from, row.key) for row in explanation.identities] == [
        ("42", "a text of 2 characters", "user.id", "42"),
        (55, "a whole number", "user.data.orgId", "55"),
    ]
    assert explanation.culprit_event_type == "sentry_exception.checkout.html"


def test_a_near_miss_and_a_missing_identity_are_explained_although_nothing_is_sent():
    explanation = explain(parsed("browser11-message"), rules(STAGING, ORG))

    assert (
        explanation.environments[0].near_miss
        == "Sentry sends “Staging”, the mapping says “staging”: letter case counts."
    )
    assert explanation.identities[0].skip.code is SkipCode.IDENTITY_MISSING
    assert explanation.identities[0].read_from is None
    assert [skip.code for skip in explanation.translation.skips] == [SkipCode.ENVIRONMENT_UNMAPPED]


@settings(max_examples=200, deadline=None)
@given(ANY_EXCEPTION, ANY_RULES)
def test_every_translation_keeps_the_contract(exception, configured):
    translation = translate(exception, configured)

    assert translation == translate(exception, configured) == explain(exception, configured).translation
    rows = [(e.environment_id, e.traffic_type, e.key, e.event_type) for e in translation.events]
    assert len(rows) == len(set(rows))
    for event in translation.events:
        assert json.loads(event.json.encode()) == event.as_dict()
        assert 1 <= len(event.key) <= 250
        assert event.traffic_type == event.traffic_type.lower()
        assert all(len(value) <= 256 for value in event.properties.values() if isinstance(value, str))
    for skip in translation.skips:
        assert "\x00" not in skip.detail
        assert skip.detail.encode()


@settings(max_examples=100, deadline=None)
@given(ANY_EXCEPTION, ANY_RULES)
def test_reasons_for_the_message_stand_alone_and_rows_have_one_each(exception, configured):
    translation = translate(exception, configured)
    codes = [skip.code for skip in translation.skips]
    of_message = {code for code in codes if not code.startswith(("identity_", "culprit_"))}

    assert not of_message or (len(codes) == 1 and not translation.events)
    assert codes.count(SkipCode.CULPRIT_MISSING) <= 1
    if not of_message:
        found = {row.key for row in explain(exception, configured).identities if row.key is not None}
        skipped = sum(code.startswith("identity_") for code in codes)
        assert {event.key for event in translation.events} == found
        assert skipped == sum(row.key is None for row in explain(exception, configured).identities)
