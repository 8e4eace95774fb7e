"""Install, configure, throw, expire, move, delete, uninstall: against a running real Sentry server.

    REAL_SENTRY_URL=http://127.0.0.1:9010 REAL_SENTRY_CONTROL_URL=http://127.0.0.1:9011 \\
        .venv/bin/python -m tests.real_sentry

`REAL_SENTRY_URL` is the Sentry server, `REAL_SENTRY_CONTROL_URL` the interface beside it that does what people and
SDKs do (install, throw an exception, expire a token). Harness FME is the sandbox's. Prints a PASS or FAIL line for
every fact; exit status 1 when one failed. PRODUCT_PORT (default 18790) has to be free.
"""

import os
import sys
from functools import partial
from typing import Any

import requests
import sentry_sdk
from playwright.sync_api import Page, sync_playwright

from tests.product_process import PASSWORD, Product
from tests.sandbox_process import SandboxProcess
from tests.waiting import until

SENTRY = os.environ.get("REAL_SENTRY_URL", "http://127.0.0.1:9010")
CONTROL = os.environ.get("REAL_SENTRY_CONTROL_URL", "http://127.0.0.1:9011")
PORT = int(os.environ.get("PRODUCT_PORT", "18790"))
CLIENT_ID, CLIENT_SECRET = "ab" * 32, "a client secret for this run only " + "s" * 16

failed: list[str] = []


def check(fact: str, holds: bool, detail: object = "") -> None:
    """Print one line, and remember what failed."""
    print(f"{'PASS' if holds else 'FAIL'} {fact}" + (f"  ({detail})" if detail != "" else ""), flush=True)
    if not holds:
        failed.append(fact)


def control(call: str, **body: Any) -> Any:
    """One control call."""
    answer = requests.post(f"{CONTROL}/{call}", json=body, timeout=120)
    answer.raise_for_status()
    return answer.json()


def hooks_of(project: str) -> list[dict[str, Any]]:
    """The project's hooks, as they stand in Sentry's own table."""
    answer = requests.get(f"{CONTROL}/hooks", params={"project": project}, timeout=30).json()
    return [hook for hook in answer["hooks"] if hook.get("url")]


def main() -> None:
    """Everything in order; each step builds on the one before."""
    with SandboxProcess(
        f"http://127.0.0.1:{PORT}", client_id=CLIENT_ID, client_secret=CLIENT_SECRET
    ) as sandbox:
        control("reset")
        with Product(port=PORT, sentry_url=SENTRY, sandbox=sandbox) as product:
            app = set_up_sentry(product)
            uuid = install(product)
            set_up_fme(product)
            with sync_playwright() as playwright:
                page = browse(playwright)
                page_url = configure(page, product, uuid)
                exceptions(sandbox, app)
                suggestions(page, page_url, app["admin"]["token"])
                scopes()
                expire(product, sandbox, uuid)
                move(page, page_url, sandbox)
                refuse(page, page_url)
                delete(page, page_url)
            uninstall(product, uuid)


def set_up_sentry(product: Product) -> dict[str, Any]:
    """An organization, two projects, and the app with our addresses."""
    app: dict[str, Any] = control(
        "setup",
        org="acme-gmbh",
        projects=["front-end", "back-end"],
        app_name="Split",
        webhook_url=f"{product.url}/webhooks/sentry/app/",
        redirect_url=f"{product.url}/sentry/setup/",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        events=["error"],
        scopes=["project:admin", "org:read", "event:read"],
        verify_install=True,
    )
    return app


def install(product: Product) -> str:
    """The owner installs the app: real webhook, real code, real token."""
    installed = control("install", org="acme-gmbh")
    statuses = [delivery.get("status") for delivery in installed["deliveries"]]
    check("installation.created was answered 202", statuses == [202], statuses)
    uuid = str(installed["uuid"])
    one = f"from integrations.models import SentryInstallation as S; i = S.objects.get(uuid='{uuid}'); "
    has_token = until(
        lambda: product.shell(one + "print(bool(i.token and i.refresh_token and i.verified_at))") == "True"
    )
    check("the code was exchanged, the tokens stored, Sentry told that it is installed", has_token)
    encrypted = product.shell(
        "from django.db import connection; c = connection.cursor(); "
        "c.execute('select token from integrations_sentryinstallation'); print(c.fetchone()[0][:6])"
    )
    check("the token is encrypted in the database", encrypted == "gAAAAA", encrypted)
    page = requests.get(installed["redirect"], timeout=10, allow_redirects=False)
    check(
        "the redirect page takes the code out of its address",
        page.status_code == 302 and "code" not in page.headers["Location"],
    )
    return uuid


def set_up_fme(product: Product) -> None:
    """The catalogue, and an SDK key for each environment, through the Admin API."""
    product.manage("refresh_catalogue")
    product.shell(
        "from django.utils import timezone; from integrations.models import Account, Environment; "
        "from integrations.services import order_sdk_key; "
        "Account.objects.update_or_create(pk=1, defaults={'sentry_enabled_at': timezone.now()}); "
        "[order_sdk_key(environment) for environment in Environment.objects.all()]"
    )
    keys = (
        "from integrations.models import Environment; print(Environment.objects.filter(sdk_key='').count())"
    )
    check("every environment got an SDK key", bool(until(lambda: product.shell(keys) == "0")))


def browse(playwright: Any) -> Page:
    """A real Chromium."""
    browser = playwright.chromium.launch(
        executable_path=os.environ.get("CHROMIUM") or "/usr/bin/chromium",
        args=["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
              "--disable-quic", "--disable-gpu", "--disable-dev-shm-usage"],
        chromium_sandbox=os.geteuid() != 0,
    )  # fmt: skip
    page: Page = browser.new_page()
    return page


def configure(page: Page, product: Product, uuid: str) -> str:
    """The click path of the product document, then the hook is there."""
    page.goto(product.url)
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.locator("button.profile").click()
    page.get_by_role("link", name="Admin settings", exact=True).first.click()
    page.get_by_role("link", name="Marketplace", exact=True).click()
    page.get_by_role("button", name="Add").click()
    page.get_by_label("Project", exact=True).select_option(label="Webshop")
    page.get_by_role("button", name="Continue").click()
    for number, (name, environment) in enumerate((("staging", "Staging"), ("production", "Production"))):
        if number:
            page.get_by_role("button", name="Add environment mapping").click()
        page.get_by_label("Sentry environment", exact=True).nth(number).fill(name)
        page.get_by_label("Harness FME environment", exact=True).nth(number).select_option(label=environment)
    for number, (path, traffic_type) in enumerate(
        (("data.error.user.id", "user"), ("data.error.user.orgId", "org"))
    ):
        if number:
            page.get_by_role("button", name="Add identity mapping").click()
        page.get_by_label("Sentry identity path", exact=True).nth(number).fill(path)
        page.get_by_label("Harness FME traffic type", exact=True).nth(number).select_option(
            label=traffic_type
        )
    page.get_by_label("Sentry Installation ID").fill(uuid)
    suggested = until(partial(options, page, "sentry-projects"))
    check(
        "the Installation ID brings the organization's projects as suggestions",
        suggested == [["back-end", "back-end · Back End"], ["front-end", "front-end · Front End"]],
        suggested,
    )
    page.get_by_label("Sentry Organization").fill("acme-gmbh")
    page.get_by_label("Sentry Project Slug").fill("front-end")
    page.get_by_label("Capture Culprit as separate Event").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="front-end").first.wait_for()
    hooks = until(lambda: hooks_of("front-end"))
    addresses = [hook["url"] for hook in hooks]
    check(
        "Save made one hook at Sentry, with our address",
        len(hooks) == 1 and product.url in addresses[0],
        addresses,
    )
    check("the page says so", bool(until(lambda: page.get_by_text("Active").count())))
    return page.url


def exceptions(sandbox: SandboxProcess, app: dict[str, Any]) -> None:
    """The three examples of the product document, by control call, and one from the real SDK."""
    for thrown in (
        {"environment": "staging", "user": {"id": 42, "email": "john.doe@example.com"}},
        {"environment": "production", "user": {"id": 42, "email": "john.doe@example.com"}},
        {"environment": "production", "user": {"id": 42, "email": "john.doe@example.com", "orgId": 55}},
    ):
        answer = control(
            "throw", project="front-end", exception={"type": "Error", "value": "Test error"}, **thrown
        )
        kinds = sorted((delivery["kind"], delivery["status"]) for delivery in answer["deliveries"])
        check(
            "both webhooks of an exception were answered 202",
            kinds == [("sentry_app", 202), ("service_hook", 202)],
            kinds,
        )
        expected = 2 * (2 if "orgId" in thrown["user"] else 1)
        events = until(partial(events_of, sandbox, answer["event_id"], expected))
        seen = sorted(
            (e["environmentName"], e["trafficTypeName"], e["key"], e["eventTypeId"]) for e in events
        )
        environment = str(thrown["environment"]).title()
        keys = [("user", "42")] + ([("org", "55")] if "orgId" in thrown["user"] else [])
        names = ("sentry_exception", "sentry_exception.shop.checkout_in_pay")
        wanted = sorted((environment, kind, key, name) for kind, key in keys for name in names)
        check(
            f"exactly the track events of the document, {environment} {thrown['user']}", seen == wanted, seen
        )
    dsn = next(project["dsn"] for project in app["projects"] if project["slug"] == "front-end")
    sentry_sdk.init(dsn, environment="staging", default_integrations=False)
    sentry_sdk.set_user({"id": 7001})
    event_id = sentry_sdk.capture_exception(RuntimeError("from the real SDK"))
    sentry_sdk.flush()
    events = until(lambda: events_of(sandbox, str(event_id), 1))
    check("an exception of the real SDK arrives", [e["key"] for e in events][:1] == ["7001"])


def events_of(sandbox: SandboxProcess, event_id: str, count: int) -> list[dict[str, Any]]:
    """The track events FME has of one Sentry event, once there are `count`; an empty list before."""
    found = [event for event in sandbox.received() if event["properties"]["event_id"] == event_id]
    return found if len(found) >= count else []


def options(page: Page, name: str) -> list[list[str]]:
    """What a field suggests, as value and words."""
    found = page.locator(f"datalist#{name} option").evaluate_all(
        "all => all.map(one => [one.value, one.label])"
    )
    return [[str(part) for part in pair] for pair in found]


def suggestions(page: Page, page_url: str, admin_token: str) -> None:
    """Environments that exceptions brought are suggested, hidden ones and the lack of one are not."""
    for environment in ("Prod EU", "preview", None):
        control("throw", project="front-end", environment=environment, exception={"type": "E", "value": "9"})
    hidden = requests.put(
        f"{SENTRY}/api/0/projects/acme-gmbh/front-end/environments/preview/",
        json={"isHidden": True}, headers={"Authorization": f"Bearer {admin_token}"}, timeout=30,
    )  # fmt: skip
    page.goto(page_url)
    page.get_by_role("link", name="Edit").first.click()
    marks = until(lambda: "Sentry lists it" in str(found := options(page, "sentry-environments")) and found)
    listed = sorted(name for name, words in marks or [] if "Sentry lists it" in words)
    check(
        "environments of the project are suggested, without the hidden one",
        hidden.ok and listed == ["Prod EU", "production", "staging"],
        marks,
    )


def scopes() -> None:
    """Which permission each list needs, and what Sentry says without it."""
    lists = ("organizations/acme-gmbh/projects/", "projects/acme-gmbh/front-end/environments/")
    for scope, wanted in (("org:read", [200, 403]), ("project:read", [403, 200]), ("event:read", [403, 403])):
        bearer = {"Authorization": f"Bearer {control('token', scopes=[scope])['token']}"}
        answers = [requests.get(f"{SENTRY}/api/0/{path}", headers=bearer, timeout=30) for path in lists]
        found = [answer.status_code for answer in answers]
        check(f"with {scope} alone Sentry answers {wanted} to the two lists", found == wanted, found)


def expire(product: Product, sandbox: SandboxProcess, uuid: str) -> None:
    """The access token dies at Sentry before its time: the next call refreshes and goes on."""
    before = token_tail(product, uuid)
    control("expire", uuid=uuid)
    product.shell(
        "from integrations.models import ServiceHook; ServiceHook.objects.filter(wanted='present').arm()"
    )
    after = until(lambda: (tail := token_tail(product, uuid)) != before and tail)
    check("an expired token is refreshed on 401, and the hook checked with the new one", bool(after), after)


def token_tail(product: Product, uuid: str) -> str:
    """Enough of the stored token to see that it changed."""
    return product.shell(
        f"from integrations.models import SentryInstallation as S; print(S.objects.get(uuid='{uuid}').token[-4:])"
    )


def move(page: Page, page_url: str, sandbox: SandboxProcess) -> None:
    """Another project slug: the hook moves."""
    page.goto(page_url)
    page.get_by_role("link", name="Edit").first.click()
    page.get_by_label("Sentry Project Slug").fill("back-end")
    page.get_by_role("button", name="Save").click()
    moved = until(lambda: len(hooks_of("back-end")) == 1 and not hooks_of("front-end"))
    check("with another project slug the hook moves", bool(moved))
    answer = control(
        "throw",
        project="back-end",
        environment="staging",
        user={"id": 8},
        exception={"type": "E", "value": "8"},
    )
    events = until(lambda: events_of(sandbox, answer["event_id"], 1))
    check("exceptions of the new project arrive", bool(events) and {e["key"] for e in events} == {"8"})


def refuse(page: Page, page_url: str) -> None:
    """A project that does not exist, then the plan without service hooks: Sentry's words and a remedy on the page."""
    for slug, words, feature in (("no-such-project", "404", True), ("front-end", "Business", False)):
        control("feature", servicehooks=feature)
        page.goto(page_url)
        page.get_by_role("link", name="Edit").first.click()
        page.get_by_label("Sentry Project Slug").fill(slug)
        page.get_by_role("button", name="Save").click()
        page.wait_for_url(page_url)
        said = until(partial(shows, page, words))
        check(
            f"{slug}: the page says what is wrong",
            bool(said),
            page.locator("main").inner_text()[:600] if not said else "",
        )
    control("feature", servicehooks=True)
    page.goto(page_url)
    page.get_by_role("button", name="Check now").click()
    check(
        "once the feature is on, Check now makes the hook",
        bool(until(lambda: len(hooks_of("front-end")) == 1)),
    )


def shows(page: Page, words: str) -> bool:
    """Whether the page, loaded anew, has these words on it."""
    page.reload()
    return page.get_by_text(words).count() > 0


def delete(page: Page, page_url: str) -> None:
    """Delete: the hook at Sentry goes."""
    page.goto(page_url)
    page.get_by_role("link", name="Delete").or_(page.get_by_role("button", name="Delete")).first.click()
    page.get_by_label("Type").fill("front-end")
    page.get_by_role("button", name="Delete").last.click()
    gone = until(lambda: not hooks_of("front-end") and not hooks_of("back-end"))
    check("Delete removes the hook at Sentry", bool(gone))


def uninstall(product: Product, uuid: str) -> None:
    """Uninstall: the tokens are forgotten."""
    control("uninstall", uuid=uuid)
    one = f"from integrations.models import SentryInstallation as S; i = S.objects.get(uuid='{uuid}'); "
    said = until(lambda: product.shell(one + "print(bool(i.deleted_at) and not i.token)") == "True")
    check("installation.deleted marks the installation and forgets its tokens", bool(said))


main()
print("RESULT " + (f"{len(failed)} failed" if failed else "all passed"))
sys.exit(1 if failed else 0)
