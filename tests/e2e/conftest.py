"""A real Chromium around the real server: contexts with and without JavaScript, and what went wrong in them."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright

ARGS = [
    "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-quic", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions", "--disable-default-apps",
]  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
Open = Callable[..., "Visit"]


class Visit:
    """One tab, with everything in it that a person should never meet: errors, warnings, foreign requests."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.problems: list[str] = []
        self.origin = origin
        context.route("**/*", self._keep_at_home)
        self.page: Page = context.new_page()
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))

    def violations(self, *, only: str = "", but: str = "") -> list[str]:
        """What axe finds, one line each; by one rule `only`, or by all `but` one, when named."""
        options: dict[str, Any] = {"runOnly": {"type": "rule", "values": [only]}} if only else {}
        if but:
            options = {"rules": {but: {"enabled": False}}}
        found = Axe().run(self.page, options=options).response["violations"]
        return [f"{rule['id']}: {[node['target'] for node in rule['nodes']]}" for rule in found]

    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))

    def _listen(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(message.text)

    def _keep_at_home(self, route: Route) -> None:
        if route.request.url.startswith(self.origin):
            route.continue_()
        else:
            self.problems.append(f"asked {route.request.url}")
            route.abort()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium that `scripts/browser` found, one on PATH, or Playwright's own."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright keeps an event loop in this thread
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as playwright:
        if not path and not Path(playwright.chromium.executable_path).exists():
            (pytest.fail if os.environ.get("CI") else pytest.skip)(
                "No Chromium was found; see scripts/browser."
            )
        chromium = playwright.chromium.launch(
            executable_path=path, args=ARGS, chromium_sandbox=os.geteuid() != 0
        )
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser, live_server: Any) -> Iterator[Open]:
    """Open a tab: `visit(person, javascript=False, width=320, theme="dark")`; logged in when a person is given."""
    contexts = []

    def open_tab(
        person: User | None = None,
        *,
        javascript: bool = True,
        width: int = 1280,
        theme: Any = "light",
        **more: Any,
    ) -> Visit:
        context = browser.new_context(
            base_url=live_server.url, viewport={"width": width, "height": 900}, color_scheme=theme,
            java_script_enabled=javascript, reduced_motion="reduce", locale="en-GB", **more,
        )  # fmt: skip
        contexts.append(context)
        if person:
            client = Client()
            client.force_login(person)
            session = client.cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        return Visit(context, live_server.url)

    yield open_tab
    for context in contexts:
        context.close()
