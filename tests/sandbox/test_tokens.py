"""Token exchange: what works once, what dies at once, and the way back after a lost answer."""

import http.client
from typing import Any

import pytest

from tests.sandbox.app import HOOKS, App
from tests.sandbox_process import SandboxProcess


def test_a_refresh_kills_both_old_tokens_at_once(app: App) -> None:
    old = app.token
    status, pair = app.refresh(app.refresh_token)

    assert status == 201
    assert app.call("GET", HOOKS, token=old) == (401, {"detail": "Invalid token"})
    assert app.refresh(app.refresh_token) == (403, {"error": "Unauthorized"})
    assert app.call("GET", HOOKS, token=pair["token"])[0] == 200


def test_a_code_past_ten_minutes_is_refused(sandbox: SandboxProcess, app: App) -> None:
    new = sandbox.control("install", deliver=False)
    sandbox.control("expire", uuid=new["uuid"], what="code")
    sandbox.control("settings", sentry_release="2026")
    app.path = f"/api/0/sentry-app-installations/{new['uuid']}/"

    answer = app.grant(grant_type="authorization_code", code=new["code"])

    assert answer == (401, {"detail": "Grant has already expired"})


def test_a_code_of_another_installation_is_refused(sandbox: SandboxProcess, app: App) -> None:
    new = sandbox.control("install", deliver=False)

    assert app.grant(grant_type="authorization_code", code=new["code"]) == (403, {"error": "Unauthorized"})


def test_a_lost_refresh_answer_is_repaired_by_an_assertion(sandbox: SandboxProcess, app: App) -> None:
    sandbox.fail("sentry_api", "lose_answer", operation="token", contains="refresh_token", times=1)

    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        app.refresh(app.refresh_token)
    assert app.refresh(app.refresh_token)[0] == 403
    status, pair = app.assertion()

    assert status == 201
    assert app.call("GET", HOOKS, token=pair["token"])[0] == 200


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"secret": "another"}, "Could not validate JWT"),
        ({"iss": "another"}, "Could not validate JWT"),
        ({"exp": 1}, "JWT has expired"),
    ],
)
def test_a_wrong_assertion_gets_401(app: App, changes: dict[str, Any], words: str) -> None:
    assert app.assertion(**changes) == (401, {"detail": words})


def test_an_assertion_works_once(app: App) -> None:
    assert app.assertion(jti="the-same")[0] == 201
    assert app.assertion(jti="the-same")[0] == 401


def test_an_assertion_needs_an_installation_that_once_had_a_token(sandbox: SandboxProcess, app: App) -> None:
    new = sandbox.control("install", deliver=False)
    app.path = f"/api/0/sentry-app-installations/{new['uuid']}/"

    assert app.assertion() == (401, {"detail": "Installation does not have a token"})


def test_a_token_of_a_removed_installation_is_invalid(sandbox: SandboxProcess, app: App) -> None:
    sandbox.control("uninstall", deliver=False)

    assert app.call("GET", HOOKS) == (401, {"detail": "Invalid token"})
