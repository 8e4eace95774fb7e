"""What an app does at Sentry, in the fewest words: plain requests, no code of the product."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from typing import Any

from tests.sandbox_process import SandboxProcess

HOOKS = "/api/0/projects/acme-gmbh/front-end/hooks/"
EVENT = {
    "eventTypeId": "sentry_exception",
    "trafficTypeName": "user",
    "key": "42",
    "timestamp": 1795399567579,
    "value": None,
    "properties": {"event_id": "b5ae22f6e5a24d11aebb5af1f9704b74", "handled": True},
}


class App:
    """An installed app: `token` is its access token."""

    def __init__(self, sandbox: SandboxProcess) -> None:
        self.sandbox = sandbox
        self.installation = sandbox.state()["installations"][0]
        self.path = f"/api/0/sentry-app-installations/{self.installation['uuid']}/"
        status, pair = self.exchange()
        assert status == 201, pair
        self.token, self.refresh_token = pair["token"], pair["refreshToken"]
        self.call("PUT", self.path, {"status": "installed"})

    def exchange(self, **changes: Any) -> tuple[int, Any]:
        """The first exchange of the installation's code."""
        return self.grant(grant_type="authorization_code", code=self.installation["grant"]["code"], **changes)

    def refresh(self, token: str) -> tuple[int, Any]:
        return self.grant(grant_type="refresh_token", refresh_token=token)

    def grant(self, **body: Any) -> tuple[int, Any]:
        client = {"client_id": self.sandbox.client_id, "client_secret": self.sandbox.client_secret}
        return self.sandbox.request("POST", self.path + "authorizations/", client | body)

    def assertion(self, **changes: Any) -> tuple[int, Any]:
        """The JWT grant; `secret` and claims may be changed."""
        secret = changes.pop("secret", self.sandbox.client_secret)
        now = int(time.time())
        me = self.sandbox.client_id
        claims = {"iss": me, "sub": me, "iat": now, "exp": now + 60, "jti": uuid.uuid4().hex} | changes
        body = {"grant_type": "urn:sentry:params:oauth:grant-type:jwt-bearer"}
        headers = {"Authorization": f"Bearer {_jwt(claims, secret)}"}
        return self.sandbox.request("POST", self.path + "authorizations/", body, headers=headers)

    def call(self, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, Any]:
        return self.sandbox.request(
            method, path, body, headers={"Authorization": f"Bearer {token or self.token}"}
        )

    def create_hook(self, url: str) -> dict[str, Any]:
        status, hook = self.call("POST", HOOKS, {"url": url, "events": ["event.created"]})
        assert status == 201, hook
        found: dict[str, Any] = hook
        return found


def sdk_key(sandbox: SandboxProcess, environment: str = "Staging") -> str:
    """The SDK key of an environment of the first FME project."""
    environments = sandbox.state()["workspaces"][0]["environments"]
    return str(next(row["sdk_key"] for row in environments if row["name"] == environment))


def send_events(sandbox: SandboxProcess, *events: Any, key: str = "") -> tuple[int, Any]:
    """One bulk call."""
    headers = {"Authorization": f"Bearer {key or sdk_key(sandbox)}"}
    return sandbox.request("POST", "/api/events/bulk", list(events), headers=headers)


def _jwt(claims: dict[str, Any], secret: str) -> str:
    parts = [_pack(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signature = hmac.new(secret.encode(), ".".join(parts).encode(), hashlib.sha256).digest()
    return ".".join([*parts, _pack(signature)])


def _pack(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
