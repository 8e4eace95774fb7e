"""Programs with the real Sentry SDK, and the odd ways in which others send."""

import base64
import gzip
import http.client
import json
import zlib
from typing import Any

import pytest
import sentry_sdk

from tests.sandbox.app import App
from tests.sandbox.listener import Listener
from tests.sandbox_process import SandboxProcess

EVENT = {"event_id": "c0ffee" + "0" * 26, "exception": {"values": [{"type": "Error", "value": "Test error"}]}}


def post(sandbox: SandboxProcess, path: str, body: Any, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=10)
    connection.request("POST", path, body, headers)
    response = connection.getresponse()
    content = json.loads(response.read())
    connection.close()
    return response.status, content


def auth(sandbox: SandboxProcess) -> dict[str, str]:
    return {
        "X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={sandbox.state()['projects'][0]['public_key']}"
    }


def test_an_unmodified_program_with_the_real_sdk(
    sandbox: SandboxProcess, product: Listener, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.create_hook(f"{product.url}/hook/")
    sentry_sdk.init(
        dsn=sandbox.state()["projects"][0]["dsn"], environment="staging", default_integrations=False
    )
    try:
        with sentry_sdk.new_scope() as scope:
            scope.set_user({"id": 42, "email": "john.doe@example.com", "orgId": 55})
            sentry_sdk.capture_exception(ValueError("Test error"))
        sentry_sdk.flush(5)
    finally:
        sentry_sdk.get_client().close()
        sentry_sdk.get_global_scope().set_client(None)

    event = json.loads(product.wait_for(1)[0].body)["event"]
    assert event["title"] == "ValueError: Test error"
    assert (event["user"]["id"], event["user"]["data"]) == ("42", {"orgId": 55})
    assert {"key": "environment", "value": "staging"} in event["tags"]
    assert event["sdk"]["name"] == "sentry.python"


def envelope(event: dict[str, Any]) -> bytes:
    payload = json.dumps(event).encode()
    item = json.dumps({"type": "event", "length": len(payload)}).encode()
    session = b'{"type":"session"}\n{"started":"2026-11-23T02:00:00Z"}'
    return b"\n".join([b"{}", session, item, payload, b""])


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/api/1/envelope/", envelope(EVENT), {}),
        ("/api/1/envelope/", gzip.compress(envelope(EVENT)), {"Content-Encoding": "gzip"}),
        ("/api/1/envelope/", zlib.compress(envelope(EVENT)), {"Content-Encoding": "deflate"}),
        ("/api/1/store/", json.dumps(EVENT).encode(), {}),
        ("/api/1/store/", base64.b64encode(zlib.compress(json.dumps(EVENT).encode())), {}),
        (
            "/api/1/envelope/",
            iter([envelope(EVENT)[:30], envelope(EVENT)[30:]]),
            {},
        ),
    ],
    ids=["envelope", "gzip", "deflate", "store", "store in base64", "chunks"],
)
def test_each_way_of_sending_is_taken(
    sandbox: SandboxProcess, path: str, body: Any, headers: dict[str, str]
) -> None:
    body = body if isinstance(body, bytes) else iter([envelope(EVENT)[:30], envelope(EVENT)[30:]])

    answer = post(sandbox, path, body, **auth(sandbox), **headers)

    assert answer == (200, {"id": EVENT["event_id"]})
    assert sandbox.get("trace", event_id=EVENT["event_id"])["event_type"] == "error"


def test_the_same_event_twice_is_stored_once(sandbox: SandboxProcess) -> None:
    for _ in range(2):
        post(sandbox, "/api/1/envelope/", envelope(EVENT), **auth(sandbox))

    assert sandbox.state()["counts"]["events"] == 1


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/1/envelope/?sentry_key=unknown", envelope(EVENT), 403),
        ("/api/1/envelope/", envelope(EVENT), 401),
        ("/api/1/envelope/?sentry_key=unknown", b"{broken", 400),
        ("/api/1/envelope/?sentry_key=unknown", b"{}\n5\nx", 400),
        ("/api/1/envelope/?sentry_key=unknown", b'{}\n{"type":"event"}\nx', 400),
        ("/api/1/store/?sentry_key=unknown", b"x", 403),
    ],
)
def test_what_relay_refuses_is_refused(sandbox: SandboxProcess, path: str, body: bytes, status: int) -> None:
    assert post(sandbox, path, body)[0] == status


def test_browsers_may_send_from_any_page(sandbox: SandboxProcess) -> None:
    headers = {"Origin": "https://shop.example.com", "Access-Control-Request-Method": "POST"}

    status, _ = sandbox.request("OPTIONS", "/api/1/envelope/", headers=headers)

    assert status == 200
    assert sandbox.last_headers["Access-Control-Allow-Origin"] == "*"
    assert "x-sentry-auth" in sandbox.last_headers["Access-Control-Allow-Headers"]
