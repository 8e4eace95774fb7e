"""Both body forms, as the real Sentry sent them, give the same facts."""

import json

import pytest
from msgspec.structs import replace

from integrations.payloads import (
    Found,
    Installation,
    PayloadUnreadable,
    Source,
    guess_source,
    parse,
    read_app_envelope,
    read_event_id,
)
from tests.integrations.bodies import (
    FORMS,
    INDEX,
    PAYLOADS,
    app_with,
    body_of,
    hook_with,
    hooked,
    in_both_forms,
    parsed,
)

SERVICE_HOOK, APP = Source.SERVICE_HOOK, Source.APP
CASES = [
    pytest.param(name, source, facts[form], id=f"{name}.{form}")
    for name, facts in INDEX.items()
    for form, source in FORMS.items()
    if form in facts
]


@pytest.mark.parametrize(("name", "source", "facts"), CASES)
def test_the_facts_of_every_real_body_are_read(name, source, facts):
    exception = parsed(name, source)

    assert exception.event_id == facts["eventId"]
    assert exception.timestamp_ms == facts["timestampMs"]
    assert exception.environment == facts["environment"]
    assert exception.event_type == facts["eventType"]
    assert exception.culprit == (facts["culprit"] or None)
    assert exception.issue_id == facts["issueId"]


@pytest.mark.parametrize(("name", "source", "facts"), CASES)
def test_the_event_id_is_read_from_the_envelope_alone(name, source, facts):
    assert read_event_id(body_of(name, source), source) == facts["eventId"]


@pytest.mark.parametrize("name", in_both_forms())
def test_both_forms_of_one_event_are_the_same_exception(name):
    hook, app = parsed(name, SERVICE_HOOK), parsed(name, APP)

    assert replace(hook, source=APP, tags={}, _event=None) == replace(app, tags={}, _event=None)
    assert {**hook.tags, "user": ""} == {**app.tags, "user": ""}


def test_an_exception_is_read_whole():
    exception = parsed("django-chained-exception")

    assert (exception.exception_type, exception.exception_value) == ("RuntimeError", "checkout aborted")
    assert (exception.handled, exception.level, exception.platform) == (False, "error", "python")
    assert exception.transaction == "/checkout/{order_id}/"
    assert exception.sdk == "sentry.python.django"
    assert exception.user == {"id": "1", "email": "mary@example.com", "username": "mary"} | dict.fromkeys(
        ("ip_address", "name", "data")
    )
    assert exception.extra == {"sys.argv": ["shopsite.py"]}
    assert exception.lookup("contexts.runtime.name") == Found("CPython", "contexts.runtime.name")
    assert exception.project_slug == "back-end"
    assert exception.url == (
        "https://sentry.example.com/organizations/acme-gmbh/issues/25/events/188cfdf2781d423591ffa47f87ea1d90/"
    )


@pytest.mark.parametrize(
    ("name", "event_type"), [("python-message", "default"), ("csp-report", "csp"), ("seed-staging", "error")]
)
def test_only_type_error_is_an_exception(name, event_type):
    exception = parsed(name)

    assert exception.event_type == event_type
    assert exception.is_exception == (event_type == "error")


def test_a_transaction_is_no_exception():
    body = (PAYLOADS / "transaction.error-created.synthetic.json").read_bytes()

    assert not parse(body, APP).is_exception


@pytest.mark.parametrize(
    ("digits", "milliseconds"),
    [
        ("1795399566.022", 1795399566022),  # as a float times 1000 it would be …021.9
        ("1795399566.0229999", 1795399566022),
        ("1795399566.9999999999999999999999999999999", 1795399566999),
        ("1795399659", 1795399659000),
        ("1795399659.5", 1795399659500),
        ("1.795399659e9", 1795399659000),
        ("17953995660229e-4", 1795399566022),
        ('"2026-11-23T02:06:06.022999Z"', 1795399566022),
        ('"2026-11-23T02:06:06"', 1795399566000),
        ('"2026-11-23T04:06:06.022+02:00"', 1795399566022),
    ],
)
def test_the_time_is_cut_to_the_millisecond(digits, milliseconds):
    body = app_with(timestamp=0).replace(b'"timestamp": 0', b'"timestamp": ' + digits.encode())

    assert parse(body, APP).timestamp_ms == milliseconds


@pytest.mark.parametrize(
    "bad",
    [None, True, "yesterday", "1969-12-31", -1, 1795399566022, 1e300, float("nan"), [], {}, "9" * 30, 10**30],
)
def test_an_unreadable_time_gives_way_to_the_time_of_receipt(bad):
    assert hooked(dateCreated=bad, dateReceived="2026-11-23T02:06:06Z").timestamp_ms == 1795399566000


def test_an_event_without_any_time_is_unreadable():
    with pytest.raises(PayloadUnreadable, match="no readable time"):
        hooked(dateCreated=None)


@pytest.mark.parametrize("source", Source)
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_object_is_refused(body, source):
    with pytest.raises(PayloadUnreadable):
        read_event_id(body, source)
    with pytest.raises(PayloadUnreadable):
        parse(body, source)
    if source is APP:
        with pytest.raises(PayloadUnreadable):
            read_app_envelope(body)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("378CE23CB89148DCAE48B0F6E5AA6454", "378ce23cb89148dcae48b0f6e5aa6454"),
        ("378ce23c-b891-48dc-ae48-b0f6e5aa6454", None),
        ("378ce23cb89148dcae48b0f6e5aa645", None),
        ("378ce23cb89148dcae48b0f6e5aa6454\n", None),
        ("٣" * 32, None),
        (12345678901234567890123456789012, None),
        (None, None),
    ],
)
def test_an_event_id_is_32_hex_digits(sent, read):
    assert read_event_id(hook_with(eventID=sent), SERVICE_HOOK) == read
    assert read_event_id(app_with(event_id=sent), APP) == read


def test_what_is_no_object_counts_as_an_empty_one():
    exception = hooked(contexts=5, context=["a"], user="ada")

    assert (exception.contexts, exception.extra, exception.user) == ({}, {}, None)


def test_a_lone_surrogate_hides_neither_the_event_id_nor_the_rest():
    body = hook_with(title="broken \ud83d emoji", environment="staging", context={"n": float("nan")})

    assert read_event_id(body, SERVICE_HOOK) == "ab" * 16
    exception = parse(body, SERVICE_HOOK)
    assert (exception.title, exception.environment) == ("broken \ufffd emoji", "staging")


def test_a_lone_surrogate_hides_nothing_of_an_installation_either():
    body = (PAYLOADS / "installation-created.json").read_bytes().replace(b"Ada Admin", rb"Ada \ud83d")

    assert read_app_envelope(body).installation.organization == "acme-gmbh"
    assert guess_source(body) is APP


def test_the_event_of_an_alert_is_read_like_an_error():
    body = app_with(environment="staging").replace(b'"error": {', b'"event": {')

    assert read_event_id(body, APP) == "ab" * 16
    assert parse(body, APP).environment == "staging"


def test_bodies_about_something_else_have_no_event_id():
    body = (PAYLOADS / "seed-staging.issue-created.json").read_bytes()

    assert read_event_id(body, APP) is None
    assert read_app_envelope(body).resource == "issue"


@pytest.mark.parametrize("folder", ["", "current"])
def test_an_installation_is_read_with_its_code(folder):
    envelope = read_app_envelope((PAYLOADS / folder / "installation-created.json").read_bytes())

    assert (envelope.action, envelope.resource) == ("created", "installation")
    assert envelope.installation == Installation(
        uuid="9b776487-8f30-4857-8e42-14e2f2c02532",
        status="pending",
        organization="acme-gmbh",
        app="harness-fme",
        code="6f835fb7c46845bcb283ca79eb54442f",
    )
    assert "6f835fb7c46845bcb283ca79eb54442f" not in repr(envelope)


def test_a_deleted_installation_has_no_code():
    envelope = read_app_envelope((PAYLOADS / "installation-deleted.json").read_bytes())

    assert (envelope.action, envelope.installation_uuid) == (
        "deleted",
        "9b776487-8f30-4857-8e42-14e2f2c02532",
    )
    assert envelope.installation.code is None


def test_an_error_names_its_project_only_in_its_addresses():
    error = read_app_envelope(body_of("seed-staging", APP)).error

    assert error.event_id == "378ce23cb89148dcae48b0f6e5aa6454"
    assert (error.project_id, error.organization, error.project) == ("2", "acme-gmbh", "front-end")


def test_an_error_without_addresses_belongs_to_no_known_project():
    error = read_app_envelope(app_with(url=None, web_url="https://elsewhere.example.com/")).error

    assert (error.project_id, error.organization, error.project) == (None, None, None)


@pytest.mark.parametrize("tags", [{"a.b": "1"}, [["a.b", "1"]], [{"key": "a.b", "value": "1"}]])
def test_tags_are_a_map_whichever_way_they_come(tags):
    assert hooked(tags=tags).tags == {"a.b": "1"}


def test_tags_that_are_none_are_left_out():
    assert hooked(tags=[None, 1, "x", [], ["a"], [1, "b"], {"key": 1}, ["ok", "yes"]]).tags == {"ok": "yes"}


@pytest.mark.parametrize("address", ["javascript:alert(1)", "/organizations/", 5, None])
def test_only_web_addresses_become_links(address):
    assert hooked(url=address).url is None


def test_a_missing_link_is_derived_from_the_issue():
    body = json.loads(hook_with())
    body["group"]["url"] = "https://sentry.example.com/organizations/acme/issues/34/"

    url = parse(json.dumps(body).encode(), SERVICE_HOOK).url
    assert url == f"https://sentry.example.com/organizations/acme/issues/34/events/{'ab' * 16}/"


@pytest.mark.parametrize(
    ("mechanism", "tag", "handled"),
    [
        ({"handled": False}, "yes", False),
        ({"handled": None}, "no", False),
        (None, "yes", True),
        (None, "?", None),
    ],
)
def test_handled_is_what_the_raised_exception_says_then_the_tag(mechanism, tag, handled):
    raised = {
        "type": "exception",
        "data": {"values": [{"type": "Cause"}, {"type": "E", "mechanism": mechanism}]},
    }

    exception = hooked(entries=[raised], tags=[["handled", tag]])
    assert (exception.exception_type, exception.handled) == ("E", handled)


def test_the_form_of_a_pasted_body_is_recognised():
    assert guess_source(body_of("seed-staging", APP)) is APP
    assert guess_source(body_of("seed-staging", SERVICE_HOOK)) is SERVICE_HOOK
    assert guess_source(b"not json") is SERVICE_HOOK


DEPTHS = [b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000]


@pytest.mark.parametrize("deep", DEPTHS, ids=["lists", "objects"])
@pytest.mark.parametrize("source", [SERVICE_HOOK, APP])
def test_nesting_deeper_than_any_parser_goes_does_not_hide_the_event_id(source, deep):
    body = (hook_with if source is SERVICE_HOOK else app_with)(extra={"deep": "DEEP"})
    body = body.replace(b'"DEEP"', b'[{"eventID": "%s"}, %s]' % (b"f" * 32, deep))

    assert read_event_id(body, source) == read_event_id(hook_with(), SERVICE_HOOK)


def test_nesting_deeper_than_any_parser_goes_does_not_hide_whose_an_error_is():
    body = app_with(extra={"deep": "DEEP"}).replace(b'"DEEP"', DEPTHS[0])

    assert read_app_envelope(body) == read_app_envelope(app_with(extra={"deep": "DEEP"}))


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000 + b"]" * 100_000,  # no object
        b'{"event": {"eventID": "%s", "x": ' % (b"a" * 32) + b"[" * 100_000,  # cut short
        b'{"event": {"eventID": "%s", "x": %s}' % (b"a" * 32, DEPTHS[0]),  # one bracket short
        b'{"event": {"eventID": "%s' % (b"a" * 32) + b'\\"' * 1_000_000,  # a text without an end
    ],
)
def test_what_is_no_json_above_the_depths_is_refused(body):
    with pytest.raises(PayloadUnreadable):
        read_event_id(body, SERVICE_HOOK)
