"""The sandbox's own pages in a real browser: followed live, clean for axe, narrow as a phone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Visit
from tests.sandbox.app import EVENT, App, send_events
from tests.sandbox.listener import Listener
from tests.sandbox_process import SandboxProcess

PAGES = ["/", "/received", "/sentry"]


@pytest.fixture(scope="module")
def product() -> Iterator[Listener]:
    with Listener() as listener:
        yield listener


@pytest.fixture(scope="module")
def sandbox(product: Listener) -> Iterator[SandboxProcess]:
    """A sandbox in which something has happened already."""
    with SandboxProcess(product.url) as process:
        App(process).create_hook(f"{product.url}/hook/")
        process.control("throw", environment="staging")
        send_events(process, EVENT, EVENT | {"trafficTypeName": "customer"})
        yield process


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def tab(browser: Browser, sandbox: SandboxProcess, request: pytest.FixtureRequest) -> Iterator[Visit]:
    context = browser.new_context(java_script_enabled=request.param)
    context.set_default_timeout(10_000)
    yield Visit(context, sandbox.url)
    context.close()


def test_an_example_is_thrown_and_followed(
    tab: Visit, sandbox: SandboxProcess, product: Listener, request: pytest.FixtureRequest
) -> None:
    tab.page.goto(sandbox.url)
    tab.page.get_by_role("radio", name="Production, two traffic types").check()
    tab.page.get_by_role("button", name="Throw").click()
    expect(tab.page.locator("#watch")).to_contain_text("answered 202")
    event_id = tab.page.url.split("event=")[1].split("#")[0]

    arrived = EVENT | {"properties": {"event_id": event_id}}
    send_events(sandbox, arrived)
    if "no script" in request.node.name:
        tab.page.get_by_role("link", name="Look again").click()

    expect(tab.page.locator("#watch")).to_contain_text("1 track event in Staging")
    assert tab.problems == []


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("width", [320, 1280])
def test_a_page_is_clean_and_fits(browser: Browser, sandbox: SandboxProcess, path: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    tab = Visit(context, sandbox.url)
    tab.page.goto(sandbox.url + path)

    assert tab.violations() == []
    assert tab.overflow() <= 0
    assert tab.problems == []
    context.close()
