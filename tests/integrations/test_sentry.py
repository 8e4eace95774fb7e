"""What the client sends and understands: the recorded answers of a real Sentry, played back."""

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import jwt
import pytest
import responses
from responses.matchers import header_matcher, json_params_matcher, query_param_matcher

from integrations import sentry
from integrations.peers import PeerError
from integrations.sentry import RemoteEnvironment, RemoteHook, SentryClient, TokenPair

TRANSCRIPTS = json.loads(
    (Path(__file__).parent.parent / "fixtures" / "sentry" / "rest-transcripts.json").read_text()
)
BASE = "https://sentry.example.com"
UUID_ = UUID("9b776487-8f30-4857-8e42-14e2f2c02532")
HOOKS = f"{BASE}/api/0/projects/acme-gmbh/front-end/hooks/"
TOKENS = f"{BASE}/api/0/sentry-app-installations/{UUID_}/authorizations/"
CLIENT_ID = "0123456789abcdef" * 4
SECRET = "5ec7e7" * 10


@pytest.fixture(autouse=True)
def recorded_server(settings):
    settings.SENTRY_BASE_URL = BASE
    settings.SENTRY_CLIENT_ID = CLIENT_ID
    settings.SENTRY_CLIENT_SECRETS = [SECRET, "the one before"]
    with responses.RequestsMock() as server:
        yield server


def play(server, label, *matchers):
    """Answer as the real server did to the request with this label."""
    recorded = next(one for one in TRANSCRIPTS if one["label"] == label)
    path = recorded["request"]["path"].partition("?")[0]
    server.add(
        recorded["request"]["method"],
        f"{BASE}{path}",
        status=recorded["status"],
        body=json.dumps(recorded["response"]) if recorded["response"] != "" else "",
        headers={name: value for name, value in recorded["headers"].items() if name != "Content-Type"},
        match=matchers,
    )


def client():
    return SentryClient("acme-gmbh", "front-end", "t0ken")


def test_a_code_is_exchanged_with_the_first_client_secret(recorded_server):
    sent = {
        "grant_type": "authorization_code", "code": "6f83", "client_id": CLIENT_ID, "client_secret": SECRET,
    }  # fmt: skip
    play(recorded_server, "grant: success", json_params_matcher(sent))

    assert sentry.exchange(UUID_, "6f83") == TokenPair(
        "d0e214b55b3b4432a8a7c90920d4e357bacce935d29d4dc9822487fd0e47b273",
        "f8331b5674464e9695029d9e01cad6dbca6a07a7a64b472da2a55fdebc88cc92",
        datetime(2026, 11, 23, 10, 11, 11, 992887, tzinfo=UTC),
    )


def test_a_refresh_token_brings_a_new_pair(recorded_server):
    sent = {
        "grant_type": "refresh_token", "refresh_token": "f8331b", "client_id": CLIENT_ID, "client_secret": SECRET,
    }  # fmt: skip
    play(recorded_server, "refresh: success", json_params_matcher(sent))

    pair = sentry.refresh(UUID_, "f8331b")

    assert pair.token == "6790af5558ea458f9fdfd82731e54902eebfe527b2184834baa2254388494d61"
    assert pair.refresh_token == "5a5229ea691149f48108df10b204e49cd77c61f3ac3640eeaefe249f67c30183"


def test_the_signed_statement_names_the_client_and_lives_a_minute(recorded_server):
    recorded_server.post(
        TOKENS,
        status=201,
        json={"token": "new", "refreshToken": "newer", "expiresAt": None},
        match=[json_params_matcher({"grant_type": "urn:sentry:params:oauth:grant-type:jwt-bearer"})],
    )

    assert sentry.jwt_grant(UUID_).token == "new"

    statement = recorded_server.calls[0].request.headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(statement, SECRET, algorithms=["HS256"])
    assert (claims["iss"], claims["sub"], claims["exp"] - claims["iat"]) == (CLIENT_ID, CLIENT_ID, 60)
    assert claims["jti"]


def test_confirming_the_installation_tells_its_organization(recorded_server):
    play(
        recorded_server,
        "verify install: PUT installed",
        json_params_matcher({"status": "installed"}),
        header_matcher({"Authorization": "Bearer t0ken"}),
    )

    assert sentry.verify_install(UUID_, "t0ken") == "acme-gmbh"


def test_of_a_link_only_the_cursor_is_read(recorded_server):
    other = '<https://evil.example.com/?cursor=1>; rel="next"; results="true"; cursor="100:1:0"'
    first = {"id": "a", "url": "https://x/", "secret": "s", "status": "active", "events": ["event.created"]}
    recorded_server.get(
        HOOKS, json=[first], headers={"Link": other}, match=[query_param_matcher({"per_page": 100})]
    )
    recorded_server.get(
        HOOKS,
        json=[first | {"id": "b", "status": "disabled", "events": []}],
        headers={"Link": other.replace("true", "false")},
        match=[query_param_matcher({"per_page": 100, "cursor": "100:1:0"})],
    )

    assert client().list_hooks() == [
        RemoteHook("a", "https://x/", "s", ("event.created",), is_active=True),
        RemoteHook("b", "https://x/", "s", (), is_active=False),
    ]


def test_the_recorded_lists_are_understood(recorded_server):
    play(recorded_server, "hooks: list empty")
    assert client().list_hooks() == []

    play(recorded_server, "hooks: list with only project:read")
    assert [(hook.url, hook.is_as_wanted) for hook in client().list_hooks()] == [
        ("https://fme.example.com/hooks/noevents", False),
        ("https://fme.example.com/hooks/1", True),
    ]


def test_a_list_that_never_ends_is_given_up(recorded_server):
    recorded_server.get(HOOKS, json=[], headers={"Link": '<x>; rel="next"; results="true"; cursor="1:0:0"'})

    with pytest.raises(PeerError, match="without end"):
        client().list_hooks()


def test_making_and_changing_a_hook(recorded_server):
    url = "https://fme.example.com/hooks/1"
    play(
        recorded_server,
        "hooks: create duplicate url",
        json_params_matcher({"url": url, "events": ["event.created"]}),
    )
    made = client().create_hook(url)
    assert (made.id, made.is_as_wanted) == ("ed6620815a1c410dbc4a6e8c74867c97", True)

    sent = {"url": url, "events": ["event.created"], "isActive": True}
    play(recorded_server, "hooks: put url+events", json_params_matcher(sent))
    changed = client().update_hook("f2555ef2babc42f19b2443d08c5b7680", url)
    assert (changed.url, changed.is_active) == ("https://fme.example.com/hooks/2", False)


@pytest.mark.parametrize("label", ["hooks: delete", "hooks: delete again"])
def test_a_hook_is_gone_after_removing_it_once_or_twice(recorded_server, label):
    play(recorded_server, label)

    client().delete_hook("f2555ef2babc42f19b2443d08c5b7680")


def test_odd_slugs_stay_inside_their_part_of_the_address(recorded_server):
    recorded_server.get(f"{BASE}/api/0/projects/a%2Fb/..%2F%3Fc/hooks/", json=[])

    assert SentryClient("a/b", "../?c", "t0ken").list_hooks() == []


@pytest.mark.parametrize("body", ["<html>Sign in</html>", "{}", "[1]", '{"token": 5}', "null"])
def test_an_answer_of_another_kind_of_server_names_the_setting(recorded_server, body):
    recorded_server.post(TOKENS, status=201, body=body)

    with pytest.raises(PeerError, match=r"Check SENTRY_BASE_URL, https://sentry\.example\.com"):
        sentry.exchange(UUID_, "6f83")


@pytest.mark.parametrize("expires_at", [None, "tomorrow", 5])
def test_a_pair_without_a_usable_date_lives_eight_hours(recorded_server, expires_at):
    recorded_server.post(
        TOKENS, status=201, json={"token": "a", "refreshToken": "b", "expiresAt": expires_at}
    )

    life = sentry.exchange(UUID_, "6f83").expires_at - datetime.now(UTC)

    assert 7.99 < life.total_seconds() / 3600 < 8.01


def test_no_secret_shows_in_a_pair_or_a_hook():
    pair = TokenPair("t0ken", "r3fresh", datetime.now(UTC))
    hook = RemoteHook("a", "https://x/", "s3cret", (), is_active=True)

    shown = f"{pair!r} {hook!r} {client()!r}"

    assert not [secret for secret in ("t0ken", "r3fresh", "s3cret") if secret in shown]


def test_projects_are_read_by_page(recorded_server):
    play(recorded_server, "list: org projects", query_param_matcher({"per_page": 50}))

    assert client().page_of_projects() == ({"back-end": "Back End"}, "1:1:0")


def test_the_next_page_of_projects_is_asked_for_by_its_cursor(recorded_server):
    play(recorded_server, "list: org projects", query_param_matcher({"per_page": 50, "cursor": "1:1:0"}))

    assert client().page_of_projects("1:1:0")[0] == {"back-end": "Back End"}


def test_environments_are_read_with_the_number_that_tells_their_age(recorded_server):
    play(recorded_server, "list: project environments")

    found = SentryClient("acme-gmbh", "back-end", "t0ken").list_environments()

    assert found[0] == RemoteEnvironment(19, "PRODUCTION")
    assert [one.name for one in found][1:3] == ["Pré-Prod EU West", "padded env"]


def test_a_hidden_environment_is_left_out_whatever_is_asked(recorded_server):
    play(recorded_server, "list: hidden environments")

    assert SentryClient("acme-gmbh", "back-end", "t0ken").list_environments() == []


def test_a_list_that_is_refused_is_refused_in_sentrys_words(recorded_server):
    play(recorded_server, "list: org projects with only project:read")

    with pytest.raises(PeerError, match="You do not have permission") as refused:
        client().page_of_projects()
    assert (refused.value.status, refused.value.permanent) == (403, True)
