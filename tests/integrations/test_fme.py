"""FME's intake of events as the outbox uses it, and the Admin API's odd answers."""

import pytest
import responses

from integrations.fme import FmeClient, post_events
from integrations.peers import PeerError

EVENTS = "https://events.split.io/api/events/bulk"
API = "https://api.split.io/internal/api/v2"


@pytest.fixture(autouse=True)
def fme():
    with responses.RequestsMock() as server:
        yield server


def test_a_batch_is_posted_as_it_is_with_the_environments_key(fme):
    fme.post(EVENTS, status=202)

    answer = post_events("sdk-key", b'[{"key":"\xc3\xa4"}]')

    sent = fme.calls[0].request
    assert (answer.status, answer.text, answer.retry_after_seconds) == (202, "", None)
    assert sent.headers["Authorization"] == "Bearer sdk-key"
    assert sent.headers["Content-Type"] == "application/json"
    assert sent.body == b'[{"key":"\xc3\xa4"}]'
    assert not [name for name in sent.headers if name.lower().startswith("splitsdk")]


@pytest.mark.parametrize("status", [200, 400, 401, 413, 429, 500, 503])
def test_every_status_is_an_answer_and_never_repeats_the_key(fme, status):
    fme.post(EVENTS, status=status, body="key sdk-key-0123 is odd", headers={"Retry-After": "5"})

    answer = post_events("sdk-key-0123", b"[]")

    assert (answer.status, answer.text, answer.retry_after_seconds) == (status, "key … is odd", 5.0)


def test_a_total_that_is_missing_means_reading_until_a_page_is_empty(fme):
    for offset, page in ((0, ["a", "b"]), (2, ["c"]), (3, [])):
        fme.get(
            f"{API}/workspaces",
            json={"objects": [{"id": name, "name": name} for name in page]},
            match=[responses.matchers.query_param_matcher({"limit": 200, "offset": offset})],
        )

    assert [project.id for project in FmeClient().projects()] == ["a", "b", "c"]


def test_lists_may_be_wrapped_and_keys_may_be_missing(fme):
    fme.get(f"{API}/environments/ws/a%2Fb", json={"objects": [{"id": "e", "name": "E", "production": True}]})
    fme.get(f"{API}/trafficTypes/ws/a%2Fb", json=[{"id": "t", "name": "user"}])

    (environment,) = FmeClient().environments("a/b")

    assert (environment.name, environment.is_production, environment.keys) == ("E", True, ())
    assert [traffic_type.name for traffic_type in FmeClient().traffic_types("a/b")] == ["user"]


@pytest.mark.parametrize("body", ["<html></html>", "{}", '{"objects": [5]}', '{"objects": [{"id": 5}]}'])
def test_an_answer_of_another_kind_of_server_names_the_setting(fme, body):
    fme.get(f"{API}/workspaces", body=body)

    with pytest.raises(PeerError, match=f"Check FME_API_URL, {API}"):
        list(FmeClient().projects())


@pytest.mark.parametrize("answer", [{"id": "k"}, {"key": ""}, {"key": "two words"}, {"key": "schlüssel"}])
def test_a_created_key_that_the_answer_does_not_hold_is_told(fme, answer):
    fme.post(f"{API}/apiKeys", json=answer)

    with pytest.raises(PeerError, match="holds none that a request can carry") as raised:
        FmeClient().create_sdk_key("name", project_id="p", environment_id="e")

    assert raised.value.ambiguous
