"""Webhooks as they arrive at the product: signed, repeated by Sentry's rules, and no others."""

import hashlib
import hmac
import json
from urllib.parse import parse_qs, urlsplit

from tests.sandbox.app import App
from tests.sandbox.listener import Listener
from tests.sandbox_process import SandboxProcess


def signature(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def test_a_thrown_exception_arrives_signed_with_the_hooks_secret(
    sandbox: SandboxProcess, product: Listener, app: App
) -> None:
    hook = app.create_hook(f"{product.url}/hook/")

    sandbox.control("throw", environment="staging", user={"id": 42, "orgId": 55}, extra={"name": "Jürgen"})

    (request,) = product.wait_for(1)
    body = json.loads(request.body)
    assert request.path == "/hook/"
    assert request.headers["x-servicehook-guid"] == hook["id"]
    assert request.headers["x-servicehook-signature"] == signature(hook["secret"], request.body)
    assert request.body.isascii()
    assert body["event"]["user"]["id"] == "42"
    assert body["event"]["user"]["data"] == {"orgId": 55}
    assert {"key": "environment", "value": "staging"} in body["event"]["tags"]


def test_an_answer_of_500_loses_the_event_and_no_answer_repeats_it(
    sandbox: SandboxProcess, product: Listener, app: App
) -> None:
    app.create_hook(f"{product.url}/answered/")
    app.create_hook("http://127.0.0.1:1/nobody/")
    product.status = 500
    sandbox.control("settings", retry_seconds=0)

    event = sandbox.control("throw")["event_id"]
    while any(row["state"] in ("pending", "sending") for row in sandbox.get("deliveries", event_id=event)):
        pass

    tries = {row["url"]: (row["state"], row["attempt"]) for row in sandbox.get("deliveries", event_id=event)}
    assert tries == {f"{product.url}/answered/": ("done", 1), "http://127.0.0.1:1/nobody/": ("failed", 4)}


def test_a_disabled_hook_is_still_delivered_and_one_without_events_is_not(
    sandbox: SandboxProcess, product: Listener, app: App
) -> None:
    disabled = app.create_hook(f"{product.url}/disabled/")
    silent = app.create_hook(f"{product.url}/silent/")
    hooks = "/api/0/projects/acme-gmbh/front-end/hooks/"
    app.call("PUT", f"{hooks}{disabled['id']}/", {"isActive": False})
    app.call("PUT", f"{hooks}{silent['id']}/", {"events": []})

    thrown = sandbox.control("throw")

    assert [row["url"] for row in thrown["deliveries"]] == [f"{product.url}/disabled/"]


def test_a_subscribed_app_gets_errors_but_no_messages(
    sandbox: SandboxProcess, product: Listener, app: App
) -> None:
    sandbox.control("settings", app_events=["error"])
    sandbox.control("throw", message="Payment provider slow")
    sandbox.control("throw", environment="staging")

    (request,) = product.wait_for(1)

    body = json.loads(request.body)
    assert len(product.requests) == 1
    assert request.path == "/webhooks/sentry/app/"
    assert request.headers["sentry-hook-resource"] == "error"
    assert request.headers["sentry-hook-signature"] == signature(sandbox.client_secret, request.body)
    assert body["installation"]["uuid"] == app.installation["uuid"]
    assert body["data"]["error"]["environment"] == "staging"


def test_a_message_goes_to_the_service_hook(sandbox: SandboxProcess, product: Listener, app: App) -> None:
    app.create_hook(f"{product.url}/hook/")

    sandbox.control("throw", message="Payment provider slow")

    (request,) = product.wait_for(1)
    assert json.loads(request.body)["event"]["type"] == "default"


def test_installing_sends_the_code_in_the_webhook_and_in_the_redirect(
    sandbox: SandboxProcess, product: Listener
) -> None:
    new = sandbox.control("install")

    (request,) = product.wait_for(1)
    body = json.loads(request.body)
    query = parse_qs(urlsplit(new["redirect"]).query)
    assert (body["action"], body["data"]["installation"]["code"]) == ("created", new["code"])
    assert new["redirect"].startswith(f"{product.url}/sentry/setup/?")
    assert query == {"installationId": [new["uuid"]], "code": [new["code"]], "orgSlug": ["acme-gmbh"]}


def test_uninstalling_tells_the_app_and_leaves_the_hooks(
    sandbox: SandboxProcess, product: Listener, app: App
) -> None:
    app.create_hook(f"{product.url}/hook/")
    sandbox.control("uninstall")

    (request,) = product.wait_for(1)
    body = json.loads(request.body)
    assert (body["action"], body["data"]["installation"]["uuid"]) == ("deleted", app.installation["uuid"])
    assert "code" not in body["data"]["installation"]
    assert len(sandbox.state()["hooks"]) == 1


def test_the_waiting_installation_is_announced_until_the_product_takes_it(product: Listener) -> None:
    product.status = 503
    with SandboxProcess(product.url, announce=True) as early:
        product.wait_for(1)
        product.status = 202
        last = product.wait_for(2)[1]

        installation = early.state()["installations"][0]
        assert json.loads(last.body)["data"]["installation"]["code"] == installation["grant"]["code"]


def test_deliveries_in_hand_survive_the_end_of_the_process(product: Listener) -> None:
    with SandboxProcess(product.url) as sandbox:
        App(sandbox).create_hook(f"{product.url}/hook/")
        sandbox.control("settings", sender_paused=True)
        event = sandbox.control("throw", wait=0)["event_id"]
        sandbox.stop(remove=False)
        sandbox.start()
        sandbox.control("settings", sender_paused=False)

        assert json.loads(product.wait_for(1)[0].body)["event"]["eventID"] == event
