"""From an empty database to the first delivered events, following only what the pages say, in a real browser.

The product runs as its own processes with a real drain; Sentry and FME are the sandbox; the exceptions come from
the real Sentry SDK.
"""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Visit
from tests.product_process import PASSWORD, Product
from tests.sandbox_process import SandboxProcess
from tests.waiting import free_port, until

pytestmark = pytest.mark.timeout(180)

PROGRAM = """
import sys, sentry_sdk
dsn, environment, organization = sys.argv[1:]
sentry_sdk.init(dsn, environment=environment)
user = {"id": 42, "email": "john.doe@example.com"}
sentry_sdk.set_user(user | ({"orgId": int(organization)} if organization else {}))
print(sentry_sdk.capture_exception(Exception("Test error")))
sentry_sdk.flush()
"""


@pytest.fixture(params=[True, False], ids=["with-js", "without-js"])
def way(request: pytest.FixtureRequest, browser: Browser) -> Iterator[tuple[Visit, SandboxProcess]]:
    """A fresh product with nothing in it but a superuser, its sandbox, and a browser."""
    port = free_port()
    with (
        SandboxProcess(f"http://127.0.0.1:{port}") as sandbox,
        Product(port=port, sandbox=sandbox) as product,
    ):
        context = browser.new_context(
            base_url=product.url, java_script_enabled=request.param, viewport={"width": 1280, "height": 900}
        )
        context.set_default_timeout(15_000)
        yield Visit(context, product.url), sandbox
        context.close()


def look_until(page: Page, words: str) -> None:
    """Reload until the page says `words`: what a person without JavaScript does."""
    assert until(lambda: page.reload() and page.get_by_text(words).count()), page.content()


def throw(sandbox: SandboxProcess, environment: str, organization: str = "") -> str:
    """Run a program with the real SDK; returns the event's id."""
    dsn = next(project["dsn"] for project in sandbox.state()["projects"] if project["slug"] == "front-end")
    command = [sys.executable, "-c", PROGRAM, dsn, environment, organization]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


def received(sandbox: SandboxProcess, event_id: str, count: int) -> list[dict[str, Any]]:
    until(lambda: sandbox.count(event_id=event_id) >= count)
    events = sandbox.received(event_id=event_id)
    wire = ("eventTypeId", "environmentName", "trafficTypeName", "key", "source", "value")
    picked = [{name: event[name] for name in wire} for event in events]
    return sorted(picked, key=lambda event: (event["eventTypeId"], event["trafficTypeName"]))


def event(environment: str, traffic_type: str, key: str) -> dict[str, Any]:
    return {
        "eventTypeId": "sentry_exception",
        "environmentName": environment,
        "trafficTypeName": traffic_type,
        "key": key,
        "source": "Sentry",
        "value": None,
    }


def test_from_nothing_to_the_documents_track_events(way):
    tab, sandbox = way
    page = tab.page
    log_in(page)
    read_projects(page)
    order_keys(page)
    install(page, sandbox)
    map_and_save(page)

    assert received(sandbox, throw(sandbox, "staging"), 1) == [event("Staging", "user", "42")]
    assert received(sandbox, throw(sandbox, "production"), 1) == [event("Production", "user", "42")]
    assert received(sandbox, throw(sandbox, "production", "55"), 2) == [
        event("Production", "org", "55"),
        event("Production", "user", "42"),
    ]
    assert tab.problems == []


def log_in(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def read_projects(page: Page) -> None:
    page.get_by_role("link", name="Environments and keys").click()
    page.get_by_role("button", name="Read projects again").click()
    expect(page.get_by_role("status").first).to_contain_text("Projects are being read")
    look_until(page, "Webshop")


def order_keys(page: Page) -> None:
    """Have a key created in FME for each environment."""
    for environment in ("Staging", "Production"):
        form = page.locator("form.key-form").filter(has_text=f"New SDK key for {environment} in Webshop")
        form.get_by_role("button", name="Create one in Harness FME").click()
        expect(page.get_by_role("status").first).to_contain_text(f"asked for a key for {environment}")
    shop = page.get_by_role("region", name="Webshop")
    assert until(lambda: page.reload() and shop.get_by_text("ends in").count() == 2), page.content()


def install(page: Page, sandbox: SandboxProcess) -> None:
    """Sentry installs the app and sends the browser to the page with the Installation ID."""
    page.get_by_role("link", name="Integrations", exact=True).click()
    page.get_by_role("link", name="Marketplace", exact=True).click()
    page.get_by_role("button", name="Enable").click()
    expect(page.get_by_role("button", name="Add", exact=True)).to_be_visible()
    page.goto(sandbox.control("install", organization="acme-gmbh")["redirect"])
    page.get_by_role("link", name="Configure with this ID").click()
    page.get_by_label("Project").select_option(label="Webshop")
    page.get_by_role("button", name="Continue").click()


def map_and_save(page: Page) -> None:
    page.get_by_label("Sentry environment").fill("staging")
    page.get_by_label("Harness FME environment").select_option(label="Staging")
    page.get_by_role("button", name="Add environment mapping").click()
    second = page.get_by_role("group", name="Environment mapping 2")
    second.get_by_label("Sentry environment").fill("production")
    second.get_by_label("Harness FME environment").select_option(label="Production")
    page.get_by_label("Sentry identity path").fill("data.erroruser.id")
    page.get_by_label("Harness FME traffic type").select_option(label="user")
    page.get_by_role("button", name="Add identity mapping").click()
    second = page.get_by_role("group", name="Identity mapping 2")
    second.get_by_label("Sentry identity path").fill("data.error.user.orgId")
    second.get_by_label("Harness FME traffic type").select_option(label="org")
    page.get_by_label("Sentry Organization").fill("acme-gmbh")
    page.get_by_label("Sentry Project Slug").fill("front-end")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("front-end")
    look_until(page, "Working")
