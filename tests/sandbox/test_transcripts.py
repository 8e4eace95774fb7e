"""The stand-in of Sentry against what a real Sentry server answered to the same requests."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox_process import SandboxProcess

FIXTURE = Path(__file__).parent.parent / "fixtures" / "sentry" / "rest-transcripts.json"
TRANSCRIPTS: list[dict[str, Any]] = json.loads(FIXTURE.read_text())
SECRET = "sandbox-client-secret"
COMPARED_HEADERS = ("Content-Type", "WWW-Authenticate", "Allow", "Access-Control-Expose-Headers")


class Replay:
    """Sends recorded requests, with this sandbox's ids, codes and tokens in place of the recorded ones."""

    def __init__(self, sandbox: SandboxProcess) -> None:
        self.sandbox = sandbox
        state = sandbox.state()
        self.installation = state["installations"][0]
        self.token = ""
        self.refresh = ""
        self.hooks: dict[str, str] = {}
        self.ids = {
            "9b776487-8f30-4857-8e42-14e2f2c02532": self.installation["uuid"],
            "6f835fb7c46845bcb283ca79eb54442f": self.installation["grant"]["code"],
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef": "sandbox-client-id",
        }

    def send(self, entry: dict[str, Any]) -> tuple[int, Any]:
        self._prepare(entry["label"])
        request = json.dumps(entry["request"])
        for old, new in self.ids.items():
            request = request.replace(old, new)
        asked = json.loads(request.replace('"client_secret": "test-secret"', f'"client_secret": "{SECRET}"'))
        status, body = self.sandbox.request(
            asked["method"], asked["path"], asked["body"], headers=self._auth(entry["label"])
        )
        if "old refresh token" not in entry["label"]:
            self._remember(entry, body)
        return status, body

    def _prepare(self, label: str) -> None:
        if label.startswith("hooks: feature off"):
            self.sandbox.control("settings", service_hooks=False)
        elif label == "hooks: create with only project:read":
            self.sandbox.control("settings", service_hooks=True)
            self.token = self.sandbox.control("token", scopes=["project:read"])["token"]
        elif label == "hooks: create with project:write":
            self.token = self.sandbox.control("token", scopes=["project:write"])["token"]
        elif label == "expired token":
            self.token = self.sandbox.control("token", expires_in=-1)["token"]
        elif label == "list: org projects":
            self.token = self.sandbox.control("token")["token"]
            self.sandbox.control("throw", project="front-end", environment="production", release="web@2.1.0")
            for environment in ("production", "staging", "Pré-Prod EU West"):
                self.sandbox.control(
                    "throw", project="back-end", environment=environment, release="ledger@7.3.1"
                )

        elif label == "list: org projects, too large a page":
            self.token = self.sandbox.control("token", scopes=["org:read"])["token"]
        elif label == "list: org projects with only project:read":
            self.token = self.sandbox.control("token", scopes=["project:read"])["token"]
            hidden = {"project": "back-end", "name": "preview", "is_hidden": True}
            self.sandbox.control("sentry", environment=hidden)
        elif label == "list: project environments with only org:read":
            self.token = self.sandbox.control("token", scopes=["org:read"])["token"]

    def _auth(self, label: str) -> dict[str, str]:
        if "grant" in label or "without token" in label or "no token" in label:
            return {}
        if "invalid token" in label or label == "old access token after refresh":
            return {"Authorization": "Bearer " + "0" * 64}
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def _remember(self, entry: dict[str, Any], body: Any) -> None:
        recorded = entry["response"]
        if not isinstance(recorded, dict) or not isinstance(body, dict):
            return
        if "refreshToken" in recorded and "refreshToken" in body:
            self.ids[recorded["refreshToken"]] = body["refreshToken"]
            self.token = body["token"]
        if "secret" in recorded and "secret" in body:
            self.ids[recorded["id"]] = body["id"]


@pytest.mark.timeout(60)
def test_every_recorded_request_gets_the_recorded_status_and_shape(sandbox: SandboxProcess) -> None:
    replay = Replay(sandbox)
    different = []

    for entry in TRANSCRIPTS:
        status, body = replay.send(entry)
        wanted = (entry["status"], shape(entry["response"]), headers(entry["headers"]))
        found = (status, shape(body), headers(sandbox.last_headers))
        if not matches(wanted, found, entry["label"]):
            different.append((entry["label"], wanted, found))

    assert different == [], "\n".join(map(str, different))


def matches(wanted: Any, found: Any, label: str) -> bool:
    if label != "project detail":
        return bool(wanted == found)
    # A project has far more keys than a stand-in has use for; those it has are the real ones.
    return (wanted[0], wanted[2]) == (found[0], found[2]) and set(found[1]) <= set(wanted[1])


def shape(value: Any) -> Any:
    """Texts that are an answer's words stay; values that differ from server to server become their type."""
    if isinstance(value, dict):
        words = {
            "detail",
            "error",
            "error_type",
            "status",
            "url",
            "events",
            "version",
            "scopes",
            "slug",
            "isHidden",
        }
        return {
            name: part if name in words and name != "status" else shape(part) for name, part in value.items()
        }
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "null or value" if value is None or isinstance(value, str | int) else type(value).__name__


def headers(found: dict[str, str]) -> dict[str, str]:
    return {name: found[name] for name in COMPARED_HEADERS if name in found}
