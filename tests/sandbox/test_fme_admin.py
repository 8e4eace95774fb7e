"""FME's Admin API: both kinds of key, pages, SDK keys shown once, limits."""

from typing import Any

import pytest

from tests.sandbox.app import EVENT, send_events
from tests.sandbox_process import SandboxProcess

BASE = "/internal/api/v2"


def admin(sandbox: SandboxProcess, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    return sandbox.request(method, BASE + path, body, headers={"x-api-key": sandbox.admin_api_key})


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Bearer sandbox-admin-key"}, 200),
        ({"x-api-key": "sandbox-admin-key"}, 200),
        ({"Authorization": "bearer sandbox-admin-key"}, 401),
        ({"x-api-key": "another"}, 401),
        ({}, 401),
    ],
)
def test_a_key_comes_as_bearer_or_x_api_key(
    sandbox: SandboxProcess, headers: dict[str, str], status: int
) -> None:
    assert sandbox.request("GET", f"{BASE}/workspaces", headers=headers)[0] == status


def test_workspaces_come_in_pages(sandbox: SandboxProcess) -> None:
    pages = [admin(sandbox, "GET", f"/workspaces?limit=1&offset={offset}")[1] for offset in range(3)]

    assert [[row["name"] for row in page["objects"]] for page in pages] == [["Webshop"], ["Mobile app"], []]
    assert {(page["limit"], page["totalCount"]) for page in pages} == {(1, 2)}


def test_an_unknown_workspace_is_404(sandbox: SandboxProcess) -> None:
    assert admin(sandbox, "GET", "/environments/ws/unknown")[0] == 404
    assert admin(sandbox, "GET", "/trafficTypes/ws/unknown")[0] == 404


def test_a_created_key_is_shown_once_works_and_is_listed_by_name(sandbox: SandboxProcess) -> None:
    workspace = sandbox.state()["workspaces"][0]
    environment = workspace["environments"][0]["id"]
    body = {
        "name": "Sentry 7",
        "apiKeyType": "server_side",
        "environments": [{"type": "environment", "id": environment}],
    }

    status, made = admin(
        sandbox, "POST", "/apiKeys", body | {"workspace": {"type": "workspace", "id": workspace["id"]}}
    )

    listed = admin(sandbox, "GET", f"/environments/ws/{workspace['id']}")[1][0]["apiTokens"]
    assert status == 200
    assert send_events(sandbox, EVENT, key=made["key"])[0] == 202
    assert [token["name"] for token in listed] == ["Staging server-side", "Sentry 7"]
    assert made["key"] not in str(listed)


def test_a_deleted_key_is_refused(sandbox: SandboxProcess) -> None:
    key = sandbox.state()["workspaces"][0]["environments"][0]["sdk_key"]

    assert admin(sandbox, "DELETE", f"/apiKeys/{key}")[0] == 200
    assert send_events(sandbox, EVENT, key=key)[0] == 401


@pytest.mark.parametrize("environments", [[], [{"id": "a"}, {"id": "b"}], "text"])
def test_a_key_needs_a_single_environment(sandbox: SandboxProcess, environments: object) -> None:
    body = {"name": "x", "apiKeyType": "server_side", "environments": environments, "workspace": {"id": "w"}}

    assert admin(sandbox, "POST", "/apiKeys", body)[0] == 400


def test_beyond_the_limit_both_reset_headers_say_how_long(sandbox: SandboxProcess) -> None:
    sandbox.control("settings", fme_rate_limit={"limit": 1, "window": 3600})

    statuses = [admin(sandbox, "GET", "/workspaces")[0] for _ in range(2)]

    assert statuses == [200, 429]
    assert 0 < int(sandbox.last_headers["X-RateLimit-Reset-Seconds-Org"]) <= 3600
    assert sandbox.last_headers["X-RateLimit-Remaining-IP"] == "0"


def test_the_catalogue_changes_by_control(sandbox: SandboxProcess) -> None:
    workspace = sandbox.state()["workspaces"][0]
    sandbox.control("catalogue", add="environment", workspace="Webshop", name="Canary")
    sandbox.control("catalogue", remove="traffic_type", id=workspace["traffic_types"][1]["id"])
    sandbox.control("catalogue", rename="workspace", id=workspace["id"], name="Shop")

    environments = admin(sandbox, "GET", f"/environments/ws/{workspace['id']}")[1]
    types = admin(sandbox, "GET", f"/trafficTypes/ws/{workspace['id']}")[1]
    assert [row["name"] for row in environments] == ["Staging", "Production", "Canary"]
    assert [row["name"] for row in types] == ["user"]
    assert admin(sandbox, "GET", "/workspaces?name=Shop")[1]["totalCount"] == 1
