"""The sandbox's pages as a browser without JavaScript uses them."""

import http.client
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.sandbox.app import EVENT, App, send_events
from tests.sandbox.listener import Listener
from tests.sandbox_process import SandboxProcess

PAGES = ["/", "/received", "/sentry"]
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Browser:
    """Keeps the cookie, fills in the form's token, follows nothing."""

    def __init__(self, sandbox: SandboxProcess) -> None:
        self.sandbox, self.cookie = sandbox, ""

    def get(self, path: str) -> str:
        status, text = self.sandbox.request("GET", path, headers={"Cookie": self.cookie})
        assert status == 200, text
        if "Set-Cookie" in self.sandbox.last_headers:
            self.cookie = self.sandbox.last_headers["Set-Cookie"].split(";")[0]
        return str(text)

    def post(self, path: str, page: str = "/", **fields: Any) -> tuple[int, str, str]:
        """Status, where to, and the page."""
        token = TOKEN.search(self.get(page))
        assert token is not None
        connection = http.client.HTTPConnection("127.0.0.1", self.sandbox.port, timeout=20)
        headers = {"Cookie": self.cookie, "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", path, urlencode(fields | {"csrfmiddlewaretoken": token[1]}), headers)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, response.headers.get("Location", ""), text


@pytest.fixture
def browser(sandbox: SandboxProcess) -> Browser:
    return Browser(sandbox)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_holds_no_inline_script_or_style_and_asks_no_other_host(browser: Browser, path: str) -> None:
    text = browser.get(path)

    assert not re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son\w+=", text)
    assert not re.search(r'(?:src|href)="(?:https?:)?//(?!127\.0\.0\.1)', text)
    assert "default-src 'self'" in browser.sandbox.last_headers["Content-Security-Policy"]


def test_a_thrown_example_is_told_to_its_end(browser: Browser, product: Listener, app: App) -> None:
    app.create_hook(f"{product.url}/hook/")
    product.status = 500

    status, where, _ = browser.post("/throw", example="two", project="front-end")

    text = browser.get(where.split("#")[0])
    assert status == 302
    assert "Signed and posted" in text
    assert "answered 500. Sentry looks at no status: the event is lost." in text
    assert "{&quot;" not in text


def test_send_it_twice_delivers_twice(browser: Browser, product: Listener, app: App) -> None:
    app.create_hook(f"{product.url}/hook/")

    browser.post("/throw", example="staging", project="front-end", twice="on")

    first, second = product.wait_for(2)
    assert first.path == second.path == "/hook/"


def test_an_exception_of_ones_own_is_thrown_as_typed(browser: Browser, sandbox: SandboxProcess) -> None:
    fields = {
        "environment": "qa",
        "user": '{"id": 7}',
        "transaction": "/pay",
        "type": "KeyError",
        "value": "x",
    }

    _, where, _ = browser.post("/throw", example="own", project="back-end", **fields)

    thrown = sandbox.get("trace", event_id=where.split("event=")[1].split("#")[0])
    assert (thrown["environment"], thrown["culprit"]) == ("qa", "/pay")


def test_a_mistake_stands_at_its_field_and_nothing_is_thrown(
    browser: Browser, sandbox: SandboxProcess
) -> None:
    status, _, text = browser.post("/throw", example="own", project="front-end", user="{bad", value="kept")

    assert status == 422
    assert "This is no JSON" in text
    assert 'value="{bad"' in text
    assert 'value="kept"' in text
    assert sandbox.state()["counts"]["events"] == 0


def test_dropped_events_are_shown_with_their_reason(browser: Browser, sandbox: SandboxProcess) -> None:
    send_events(sandbox, EVENT, EVENT | {"key": "<b>", "trafficTypeName": "customer"})

    text = browser.get("/received?dropped=1")

    assert "traffic type &#x27;customer&#x27; does not exist" in text
    assert "<b>&lt;b&gt;</b>" in text
    assert "1 event" in text


def test_installing_ends_at_the_products_page(browser: Browser, product: Listener) -> None:
    status, where, _ = browser.post("/install", page="/sentry")

    assert status == 302
    assert where.startswith(f"{product.url}/sentry/setup/?installationId=")


def test_a_failure_is_set_for_one_environment_and_healed(browser: Browser, sandbox: SandboxProcess) -> None:
    staging = sandbox.state()["workspaces"][0]["environments"][0]["id"]
    browser.post("/fail", peer="fme_events", kind="503", times="3", environment=staging)
    (failure,) = sandbox.get("failures")["failures"]

    browser.post("/fail", peer="fme_events", kind="normally")

    assert (failure["status"], failure["times"], failure["environment"]) == (503, 3, staging)
    assert sandbox.get("failures")["failures"] == []


def test_a_foreign_page_can_neither_control_nor_post_forms(sandbox: SandboxProcess) -> None:
    foreign = {"Origin": "https://evil.example.net"}

    assert sandbox.request("POST", "/control/reset", {}, headers=foreign)[0] == 403
    assert sandbox.request("POST", "/throw", {}, headers=foreign)[0] == 403
    assert sandbox.request("GET", "/control/state", headers={"Host": "evil.example.net"})[0] == 400
