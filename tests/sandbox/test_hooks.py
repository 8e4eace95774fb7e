"""Service hooks over REST beyond the recorded answers: paging, renames, limits."""

import re

import pytest

from tests.sandbox.app import HOOKS, App
from tests.sandbox_process import SandboxProcess

NEXT = re.compile(r'<([^>]+)>; rel="next"; results="true"')


def test_a_walk_through_the_pages_meets_every_hook_once(sandbox: SandboxProcess, app: App) -> None:
    made = [app.create_hook(f"https://fme.example.com/{number}")["id"] for number in range(5)]
    found: list[str] = []
    path: str | None = f"{HOOKS}?per_page=2"

    while path:
        found += [hook["id"] for hook in app.call("GET", path)[1]]
        following = NEXT.search(sandbox.last_headers["Link"])
        path = following[1].removeprefix(sandbox.url) if following else None

    assert found == made[::-1]


def test_a_renamed_project_answers_with_its_new_address(sandbox: SandboxProcess, app: App) -> None:
    sandbox.control("rename", project="front-end", slug="shop")

    status, body = app.call("GET", HOOKS)

    assert (status, body["slug"]) == (302, "shop")
    assert body["detail"]["extra"]["url"] == "/api/0/projects/acme-gmbh/shop/hooks/"
    assert sandbox.last_headers["Location"] == "/api/0/projects/acme-gmbh/shop/hooks/"
    assert app.call("GET", sandbox.last_headers["Location"]) == (200, [])


def test_a_caller_beyond_the_limit_gets_429_and_the_time_of_reset(sandbox: SandboxProcess, app: App) -> None:
    sandbox.control("settings", sentry_rate_limit={"limit": 1, "window": 3600})

    statuses = [app.call("GET", HOOKS)[0] for _ in range(2)]

    assert statuses == [200, 429]
    assert sandbox.last_headers["X-Sentry-Rate-Limit-Remaining"] == "0"
    assert int(sandbox.last_headers["X-Sentry-Rate-Limit-Reset"]) % 3600 == 0


def test_a_page_size_of_nonsense_is_refused(app: App) -> None:
    assert app.call("GET", f"{HOOKS}?per_page=500")[0] == 400


def test_a_hook_created_by_a_lost_answer_is_there(sandbox: SandboxProcess, app: App) -> None:
    sandbox.fail("sentry_api", "lose_answer", operation="hooks.post", times=1)

    with pytest.raises(OSError, match="closed connection"):
        app.create_hook("https://fme.example.com/lost")

    assert [hook["url"] for hook in app.call("GET", HOOKS)[1]] == ["https://fme.example.com/lost"]
