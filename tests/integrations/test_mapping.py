"""From an exception and rules to track events, on real bodies; the product document's examples written out."""

import dataclasses

import pytest

from integrations.mapping import EnvironmentRule, IdentityRule, SkipCode, translate
from integrations.payloads import Source
from tests.integrations.bodies import ORG, PRODUCTION, STAGING, USER, hooked, parsed, rules

EVENTS_PAGE = "https://sentry.example.com/organizations/acme-gmbh/issues/34/events"


def wire(exception, configured):
    return [event.as_dict() for event in translate(exception, configured).events]


def skips(exception, configured):
    return [(skip.code, skip.detail) for skip in translate(exception, configured).skips]


@pytest.mark.parametrize("source", Source)
def test_example_one_an_exception_in_staging_becomes_one_event_of_the_user(source):
    assert wire(parsed("seed-staging", source), rules(STAGING, PRODUCTION, USER)) == [
        {
            "eventTypeId": "sentry_exception",
            "trafficTypeName": "user",
            "environmentName": "Staging",
            "key": "42",
            "timestamp": 1795399566022,
            "value": None,
            "source": "Sentry",
            "properties": {
                "event_id": "378ce23cb89148dcae48b0f6e5aa6454",
                "issue_id": "34",
                "project": "front-end",
                "organization": "acme-gmbh",
                "sentry_environment": "staging",
                "title": "Error: Test error",
                "culprit": "?(/checkout.html)",
                "level": "error",
                "platform": "javascript",
                "release": "web@2.0.1",
                "exception_type": "Error",
                "exception_value": "Test error",
                "handled": True,
                "sdk": "sentry.javascript.browser",
                "url": f"{EVENTS_PAGE}/378ce23cb89148dcae48b0f6e5aa6454/",
            },
        }
    ]


@pytest.mark.parametrize("source", Source)
def test_example_two_an_exception_in_production_goes_to_production(source):
    assert wire(parsed("seed-production", source), rules(STAGING, PRODUCTION, USER)) == [
        {
            "eventTypeId": "sentry_exception",
            "trafficTypeName": "user",
            "environmentName": "Production",
            "key": "42",
            "timestamp": 1795399566883,
            "value": None,
            "source": "Sentry",
            "properties": {
                "event_id": "d7752cac37664cc9b642709ad9c20cba",
                "issue_id": "34",
                "project": "front-end",
                "organization": "acme-gmbh",
                "sentry_environment": "production",
                "title": "Error: Test error",
                "culprit": "?(/checkout.html)",
                "level": "error",
                "platform": "javascript",
                "release": "web@2.0.1",
                "exception_type": "Error",
                "exception_value": "Test error",
                "handled": True,
                "sdk": "sentry.javascript.browser",
                "url": f"{EVENTS_PAGE}/d7752cac37664cc9b642709ad9c20cba/",
            },
        }
    ]


@pytest.mark.parametrize("source", Source)
def test_example_three_two_traffic_types_become_two_events(source):
    user = {
        "eventTypeId": "sentry_exception",
        "trafficTypeName": "user",
        "environmentName": "Production",
        "key": "42",
        "timestamp": 1795399567579,
        "value": None,
        "source": "Sentry",
        "properties": {
            "event_id": "b5ae22f6e5a24d11aebb5af1f9704b74",
            "issue_id": "34",
            "project": "front-end",
            "organization": "acme-gmbh",
            "sentry_environment": "production",
            "title": "Error: Test error",
            "culprit": "?(/checkout.html)",
            "level": "error",
            "platform": "javascript",
            "release": "web@2.0.1",
            "exception_type": "Error",
            "exception_value": "Test error",
            "handled": True,
            "sdk": "sentry.javascript.browser",
            "url": f"{EVENTS_PAGE}/b5ae22f6e5a24d11aebb5af1f9704b74/",
        },
    }

    exception = parsed("seed-multi-traffic-type", source)
    assert wire(exception, rules(PRODUCTION, USER, ORG)) == [
        user,
        user | {"trafficTypeName": "org", "key": "55"},
    ]


def test_the_fields_stand_on_the_wire_in_the_contracts_order():
    (event,) = translate(parsed("seed-staging"), rules()).events

    assert event.json.startswith(
        '{"eventTypeId":"sentry_exception","trafficTypeName":"user","environmentName":"Staging","key":"42",'
        '"timestamp":1795399566022,"value":null,"source":"Sentry","properties":{"event_id":"378ce23c'
    )


def test_environments_then_identities_then_plain_before_culprit_is_the_order():
    twin = EnvironmentRule("production", 3, "Mirror")
    configured = rules(twin, STAGING, PRODUCTION, ORG, USER, wants_culprit=True)

    events = translate(parsed("seed-multi-traffic-type"), configured).events
    assert [(event.environment_name, event.key, event.event_type) for event in events] == [
        ("Mirror", "55", "sentry_exception"),
        ("Mirror", "55", "sentry_exception.checkout.html"),
        ("Mirror", "42", "sentry_exception"),
        ("Mirror", "42", "sentry_exception.checkout.html"),
        ("Production", "55", "sentry_exception"),
        ("Production", "55", "sentry_exception.checkout.html"),
        ("Production", "42", "sentry_exception"),
        ("Production", "42", "sentry_exception.checkout.html"),
    ]


def test_a_culprit_event_differs_from_the_plain_one_by_its_type_alone():
    plain, culprit = wire(parsed("seed-staging"), rules(wants_culprit=True))

    assert culprit == plain | {"eventTypeId": "sentry_exception.checkout.html"}


def test_the_same_environment_traffic_type_and_key_comes_once():
    again, other = IdentityRule("user.id", "USER"), IdentityRule("tags.user", "user")
    configured = rules(PRODUCTION, PRODUCTION, USER, again, other)

    events = translate(parsed("seed-multi-traffic-type"), configured).events
    assert [(event.traffic_type, event.key) for event in events] == [("user", "42"), ("user", "id:42")]


def test_a_message_is_no_exception():
    assert skips(parsed("python-message"), rules(wants_culprit=True)) == [
        (
            SkipCode.NOT_AN_EXCEPTION,
            "The event is a message (type “default”), not an exception (type “error”).",
        )
    ]


@pytest.mark.parametrize(
    "name", ["no-environment-legacy-sdk", "environment-none-word", "environment-with-slash"]
)
@pytest.mark.parametrize("source", Source)
def test_an_exception_without_environment_is_skipped(name, source):
    assert skips(parsed(name, source), rules()) == [
        (SkipCode.ENVIRONMENT_MISSING, "The event names no environment.")
    ]


def test_environments_match_exactly_and_the_reason_names_a_near_miss():
    assert skips(parsed("browser11-message"), rules()) == [
        (
            SkipCode.ENVIRONMENT_UNMAPPED,
            "Sentry sends “Staging”, the mapping says “staging”: letter case counts.",
        )
    ]
    assert skips(parsed("seed-staging"), rules(PRODUCTION)) == [
        (SkipCode.ENVIRONMENT_UNMAPPED, "No row maps the environment “staging”.")
    ]


def test_an_identity_that_is_missing_is_skipped_once_however_many_environments_match():
    twin = EnvironmentRule("staging", 3, "Mirror")
    translation = translate(parsed("seed-staging"), rules(STAGING, twin, USER, ORG))

    assert [event.key for event in translation.events] == ["42", "42"]
    assert [(skip.code, skip.detail) for skip in translation.skips] == [
        (SkipCode.IDENTITY_MISSING, "Nothing stands at data.error.user.orgId.")
    ]


def test_a_missing_culprit_is_said_once_and_only_after_an_environment_matched():
    exception = parsed("culprit-missing")

    assert skips(exception, rules(wants_culprit=True)) == [
        (SkipCode.CULPRIT_MISSING, "Sentry names no culprit for this exception.")
    ]
    assert [code for code, _ in skips(exception, rules(STAGING, wants_culprit=True))] == [
        SkipCode.ENVIRONMENT_UNMAPPED
    ]


@pytest.mark.parametrize("code", [SkipCode.INTEGRATION_PAUSED, SkipCode.UNINSTALLED])
def test_a_stopped_integration_gives_one_reason_and_nothing_else(code):
    stopped = dataclasses.replace(rules(wants_culprit=True), stopped_by=code)
    translation = translate(parsed("python-message"), stopped)

    assert translation.events == ()
    assert [skip.code for skip in translation.skips] == [code]


def test_properties_are_cut_to_256_characters_and_never_null():
    exception = hooked(
        title="t" * 300, culprit="", environment="staging", user={"id": "1"}, tags=[["logger", " "]]
    )

    (event,) = wire(exception, rules())
    assert event["properties"] == {
        "event_id": "ab" * 16,
        "project": "front-end",
        "organization": "acme-gmbh",
        "sentry_environment": "staging",
        "title": "t" * 256,
    }


def test_what_utf_8_or_the_database_cannot_hold_never_reaches_an_event():
    odd = dataclasses.replace(
        rules(EnvironmentRule("staging", 1, "St\ud800"), IdentityRule("user.id", "us\x00")),
        organization="o\ud800",
        project="p\x00",
    )
    exception = hooked(title="a\ud800\x00b\nc", environment="staging", user={"id": "1"})

    (event,) = wire(exception, odd)
    assert (event["environmentName"], event["trafficTypeName"]) == ("St\ufffd", "us\ufffd")
    assert event["properties"]["title"] == "a\ufffd\ufffdb\nc"
    assert (event["properties"]["organization"], event["properties"]["project"]) == ("o\ufffd", "p\ufffd")


def test_no_data_of_the_user_is_among_the_properties():
    (event,) = translate(
        parsed("environment-unicode-spaces"), rules(EnvironmentRule("Pré-Prod EU West", 1, "E"))
    ).events

    assert "zoe@example.com" not in event.json
    assert event.json.count("u-901") == 1
