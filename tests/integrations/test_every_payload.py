"""Every recorded webhook body of Sentry, translated, against events derived by hand from the papers.

The expected files under fixtures/expected were read out of the bodies with plain JSON paths, never with the
product's code. Each holds cases: the common rules below, and rules of its own where the body makes them
interesting. What was decided about facts that the two body forms state in different places:

- level, release, transaction, logger and the environment of a service hook are its tags of those names;
- dist, platform, title, culprit are the event's own; `sdk` is the SDK's name without its version;
- `url` is `web_url` in the app form, `event.url` in the service hook form; both are the same page;
- `issue_id` is `issue_id` in the app form, `event.groupID` in the service hook form;
- `exception_type`, `exception_value`, `handled` come from the last exception (`handled` else from its tag);
- `project` and `organization` are the slugs of the rules, whatever project the body names;
- the timestamp is `timestamp` in the app form, `event.dateCreated` in the service hook form, cut to ms;
- an empty text (`logger: ""`, `culprit: ""`) and null count as absent, `<unknown>` is a title like any other;
- installation and issue messages hold no event at all: their envelope is understood, nothing is translated;
- an unresolved identity and an absent culprit are skipped with their reasons also when no event is left.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from integrations.mapping import EnvironmentRule, IdentityRule, Rules, translate
from integrations.payloads import Source, parse, read_app_envelope, read_event_id
from webhooks.signature import verify

FIXTURES = Path(__file__).parents[1] / "fixtures"
PAYLOADS, EXPECTED = FIXTURES / "payloads", FIXTURES / "expected"

COMMON: dict[str, Any] = {
    "environments": [["staging", 1, "Staging"], ["production", 2, "Production"]],
    "identities": [["data.error.user.id", "user"], ["data.error.user.orgId", "org"]],
    "wants_culprit": True,
}
COMMON_FACTS: dict[str, Any] = {
    "issue_id": "34",
    "project": "front-end",
    "organization": "acme-gmbh",
    "title": "Error: Test error",
    "culprit": "?(/checkout.html)",
    "level": "error",
    "platform": "javascript",
    "release": "web@2.0.1",
    "exception_type": "Error",
    "exception_value": "Test error",
    "handled": True,
    "sdk": "sentry.javascript.browser",
}
ISSUE = "https://sentry.example.com/organizations/acme-gmbh/issues/34/"
STAGING = COMMON_FACTS | {
    "event_id": "378ce23cb89148dcae48b0f6e5aa6454",
    "sentry_environment": "staging",
    "url": f"{ISSUE}events/378ce23cb89148dcae48b0f6e5aa6454/",
}
PRODUCTION = COMMON_FACTS | {
    "event_id": "d7752cac37664cc9b642709ad9c20cba",
    "sentry_environment": "production",
    "url": f"{ISSUE}events/d7752cac37664cc9b642709ad9c20cba/",
}
TWO_TRAFFIC_TYPES = COMMON_FACTS | {
    "event_id": "b5ae22f6e5a24d11aebb5af1f9704b74",
    "sentry_environment": "production",
    "url": f"{ISSUE}events/b5ae22f6e5a24d11aebb5af1f9704b74/",
}


def track(
    name: str, traffic_type: str, environment: str, key: str, timestamp: int, properties: dict[str, Any]
) -> dict[str, Any]:
    return {
        "eventTypeId": name,
        "trafficTypeName": traffic_type,
        "environmentName": environment,
        "key": key,
        "timestamp": timestamp,
        "value": None,
        "source": "Sentry",
        "properties": properties,
    }


PLAIN, CULPRIT = "sentry_exception", "sentry_exception.checkout.html"
SEEDS: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "seed-staging": (
        [
            track(PLAIN, "user", "Staging", "42", 1795399566022, STAGING),
            track(CULPRIT, "user", "Staging", "42", 1795399566022, STAGING),
        ],
        ["identity_missing"],
    ),
    "seed-production": (
        [
            track(PLAIN, "user", "Production", "42", 1795399566883, PRODUCTION),
            track(CULPRIT, "user", "Production", "42", 1795399566883, PRODUCTION),
        ],
        ["identity_missing"],
    ),
    "seed-multi-traffic-type": (
        [
            track(PLAIN, "org", "Production", "55", 1795399567579, TWO_TRAFFIC_TYPES),
            track(CULPRIT, "org", "Production", "55", 1795399567579, TWO_TRAFFIC_TYPES),
            track(PLAIN, "user", "Production", "42", 1795399567579, TWO_TRAFFIC_TYPES),
            track(CULPRIT, "user", "Production", "42", 1795399567579, TWO_TRAFFIC_TYPES),
        ],
        [],
    ),
}
CULPRITS = [
    ("?(/checkout.html)", "checkout.html"),
    ("onCheckoutClick(/checkout.html)", "onCheckoutClick_checkout.html"),
    ("send(mailer)", "send_mailer"),
    ("__main__ in boom", "main___in_boom"),  # the blank between "__" and "in" is the third "_"
    ("shop.views in checkout", "shop.views_in_checkout"),
    ("/checkout/{order_id}/", "checkout_order_id"),
    ("  padded \n\t culprit  ", "padded_culprit"),
    ("-.-_middle_-.-", "middle"),
    ("a --- b", "a_---_b"),
    ("GET /a?b=c&d", "GET_a_b_c_d"),
    ("7", "7"),
    ("left → right", "left_right"),  # an arrow is no letter: nothing was lost
    ("naïve", "na_ve-f86fd89d"),
    ("/api/Zürich/orders", "api_Z_rich_orders-e1d262d0"),
    ("café (été)", "caf_t-21afd9a6"),
    ("ключ", "-1de36a32"),
    ("订单", "-3d5436ea"),
    ("???", "-a03b221c"),
    ("_._-", "-729ed63f"),
    # 46 characters fit beside "sentry_exception.", the 47th does not: 37, "-", and 8 of the digest
    ("checkout.views in a_function_of_29_charactersx", "checkout.views_in_a_function_of_29_charactersx"),
    ("checkout.views in a_function_of_29_charactersxy", "checkout.views_in_a_function_of_29_ch-72c3d3bc"),
]


def rules_of(case: dict[str, Any]) -> Rules:
    chosen = COMMON | case
    return Rules(
        environments=tuple(EnvironmentRule(*row) for row in chosen["environments"]),
        identities=tuple(IdentityRule(*row) for row in chosen["identities"]),
        wants_culprit=chosen["wants_culprit"],
        organization="acme-gmbh",
        project="front-end",
    )


def outcome(body: bytes, source: Source, rules: Rules) -> tuple[list[dict[str, Any]], list[str]]:
    translation = translate(parse(body, source), rules)
    events = [event.as_dict() for event in translation.events]
    return in_order(events), sorted(str(skip.code) for skip in translation.skips)


def in_order(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = ("environmentName", "trafficTypeName", "key", "eventTypeId")
    return sorted(events, key=lambda event: [event[name] for name in names])


def source_of(name: str) -> Source:
    return Source.SERVICE_HOOK if ".service-hook-" in name else Source.APP


def bodies() -> list[str]:
    return [
        name for name in json_files(PAYLOADS) if not name.endswith(".headers.json") and name != "index.json"
    ]


def json_files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.json"))


def cases(holding: str) -> list[Any]:
    return [
        pytest.param(name, case, id=f"{name.removesuffix('.json')}: {case['name']}")
        for name in json_files(EXPECTED)
        for case in json.loads((EXPECTED / name).read_bytes())
        if holding in case
    ]


@pytest.mark.parametrize(("name", "case"), cases("events"))
def test_payload_becomes_exactly_the_expected_events(name: str, case: dict[str, Any]) -> None:
    events, skips = outcome((PAYLOADS / name).read_bytes(), source_of(name), rules_of(case))

    assert events == in_order(case["events"])
    assert skips == sorted(case["skips"])


@pytest.mark.parametrize(("name", "case"), cases("envelope"))
def test_message_without_an_event_is_understood(name: str, case: dict[str, Any]) -> None:
    body = (PAYLOADS / name).read_bytes()

    assert asdict(read_app_envelope(body)) == case["envelope"]
    assert read_event_id(body, Source.APP) is None


@pytest.mark.parametrize("form", ["{}.error-created", "{}.service-hook-v0", "current/{}.error-created"])
@pytest.mark.parametrize("seed", SEEDS)
def test_seed_example_becomes_the_events_of_the_product_document(seed: str, form: str) -> None:
    name = f"{form.format(seed)}.json"

    assert outcome((PAYLOADS / name).read_bytes(), source_of(name), rules_of({})) == SEEDS[seed]


@pytest.mark.parametrize(("culprit", "expected"), CULPRITS)
def test_culprit_gives_its_event_type(culprit: str, expected: str) -> None:
    payload = json.loads((PAYLOADS / "seed-staging.error-created.json").read_bytes())
    payload["data"]["error"]["culprit"] = culprit

    events, _ = outcome(json.dumps(payload).encode(), Source.APP, rules_of({}))

    assert [event["eventTypeId"] for event in events] == [PLAIN, f"{PLAIN}.{expected}"]


def test_long_texts_are_cut_to_what_a_property_holds() -> None:
    payload = json.loads((PAYLOADS / "seed-staging.service-hook-v0.json").read_bytes())
    payload["event"]["title"] = payload["event"]["culprit"] = "é" + 299 * "x"

    events, _ = outcome(json.dumps(payload).encode(), Source.SERVICE_HOOK, rules_of({}))

    cut = STAGING | {"title": "é" + 255 * "x", "culprit": "é" + 255 * "x"}
    assert [event["properties"] for event in events] == [cut, cut]


def test_every_payload_has_an_expectation_and_every_expectation_its_payload() -> None:
    assert len(bodies()) == 101
    assert bodies() == json_files(EXPECTED)


@pytest.mark.parametrize("name", bodies())
def test_recorded_signature_verifies_over_the_recorded_bytes(name: str) -> None:
    body = (PAYLOADS / name).read_bytes()
    headers = json.loads((PAYLOADS / name.replace(".json", ".headers.json")).read_bytes())
    signature = headers.get("X-ServiceHook-Signature") or headers["Sentry-Hook-Signature"]

    assert verify(body, "test-secret", signature)
    assert not verify(body + b" ", "test-secret", signature)
