"""The page of notices in a real browser: add, copy the secret, test, remove; with and without a script."""

import json
import time

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests.receiver import receiver
from webhooks.models import NoticeReceiver
from webhooks.notice_delivery import drain_notices
from webhooks.notices import add_receiver

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def development(settings):
    settings.NOTICES_ALLOW_PRIVATE = settings.EMAIL_IS_SET = True


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 320)])
def test_a_webhook_is_added_tested_and_removed(visit, account_admin, theme, width):
    tab = visit(account_admin, theme=theme, width=width, permissions=["clipboard-read", "clipboard-write"])
    page = tab.page
    with receiver() as server:
        page.goto(reverse("problems"))
        page.get_by_role("link", name="Notices").first.click()
        page.get_by_label("E-mail or https address").fill(f"http://127.0.0.1:{server.port}/in")
        page.get_by_role("button", name="Add", exact=True).click()

        page.locator("#secret").wait_for()
        secret = NoticeReceiver.objects.get().secret
        expect(page.locator("#secret")).to_have_text(secret)
        assert tab.violations() == []
        assert tab.overflow() <= 0
        page.get_by_role("button", name="Copy").click()
        expect(page.locator("#announce")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == secret

        page.get_by_role("button", name="Send a test notice").click()
        expect(page.get_by_text("Being sent")).to_be_visible()
        drain_notices()
        expect(page.get_by_text("Delivered", exact=True)).to_be_visible(timeout=6000)

    assert json.loads(server.body)["type"] == "test"
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Nobody is told")).to_be_visible()
    assert tab.problems == []


def test_a_second_press_does_not_lose_the_secret_that_is_shown_once(visit, account_admin, monkeypatch):
    monkeypatch.setattr("webhooks.pages.notices.add_receiver", slowly(add_receiver))
    page = visit(account_admin).page
    page.goto(reverse("notices"))
    page.get_by_label("E-mail or https address").fill("http://127.0.0.1:9/in")

    button = page.get_by_role("button", name="Add", exact=True)
    button.evaluate("button => { button.click(); setTimeout(() => button.click(), 300); }")

    page.locator("#secret").wait_for()
    expect(page.locator("#secret")).to_have_text(NoticeReceiver.objects.get().secret)


def slowly(act):
    """The same act, whose answer takes a second."""

    def acted(*args):
        result = act(*args)
        time.sleep(1)
        return result

    return acted


def test_without_a_script_the_page_does_the_same(visit, account_admin):
    tab = visit(account_admin, javascript=False)
    page = tab.page
    page.goto(reverse("notices"))
    page.get_by_label("E-mail or https address").fill("jane")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("Enter an e-mail address")).to_be_visible()
    expect(page.get_by_label("E-mail or https address")).to_have_value("jane")

    page.get_by_label("E-mail or https address").fill("jane@example.com")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="Send a test notice").click()
    drain_notices()
    page.get_by_role("link", name="Refresh").click()

    expect(page.get_by_text("Delivered", exact=True)).to_be_visible()
    assert tab.problems == []


@pytest.mark.parametrize("width", [1280, 320])
def test_what_was_wrong_is_said_at_the_field(visit, account_admin, width):
    tab = visit(account_admin, width=width)
    tab.page.goto(reverse("notices"))
    tab.page.get_by_label("E-mail or https address").fill("https://user:pw@example.com/")
    tab.page.get_by_role("button", name="Add", exact=True).click()

    expect(tab.page.get_by_text("without a user")).to_be_visible()
    assert tab.violations() == []
    assert tab.overflow() <= 0
