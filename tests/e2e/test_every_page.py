"""Every page and state in light, dark, narrow, large and without a script: no error, no violation, no foreign host."""

import re

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache

from tests.e2e import tour
from tests.e2e.conftest import Visit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

PARTS = (
    tour.first_day, tour.oddities, tour.at_the_door, tour.integrations, tour.forms, tour.orders, tour.messages,
    tour.events, tour.administration,
    tour.errors, tour.operators,
)  # fmt: skip
EXPECTED = re.compile(r"Failed to load resource: the server responded with a status of (4\d\d|503)")
"""What the browser itself says of a page whose status is an error."""


@pytest.fixture
def part(request, db):
    """One part of the tour, over invented traffic of a month."""
    walk = request.param
    if walk is tour.first_day or walk is tour.oddities:
        tour.invite()
    else:
        tour.furnish(share=0.03)
    return list(walk())


def each_part(test):
    """Run a test for each part of the tour."""
    mark = pytest.mark.parametrize("part", PARTS, ids=lambda walk: walk.__name__, indirect=True)
    return mark(test)


def tab_for(visit, tabs, stop, **how):
    """One tab per person; somebody without a login gets a fresh one each time."""
    if not stop.person:
        return visit(**how)
    if stop.person not in tabs:
        tabs[stop.person] = visit(User.objects.get(username=stop.person), **how)
    return tabs[stop.person]


def told(tab):
    """What the browser complained about since the last time."""
    problems = [problem for problem in tab.problems if not EXPECTED.match(problem)]
    tab.problems.clear()
    return problems


@each_part
def test_every_page_is_clean(visit, part):
    found: dict[str, list[str]] = {}
    tabs: dict[str, Visit] = {}
    for stop in part:
        cache.clear()  # throttles
        tab = tab_for(visit, tabs, stop)
        stop.show(tab.page)
        problems = told(tab)
        if stop.is_ours:
            problems += looked_at(tab)
            told(tab)  # what looking itself brought about
        tab.page.unroute_all()
        tab.page.set_viewport_size({"width": 1280, "height": 900})
        tab.page.emulate_media(color_scheme="light")
        found[stop.name] = problems

    assert {name: problems for name, problems in found.items() if problems} == {}


def looked_at(tab):
    """What is wrong with an open page in light and dark, on a wide and a narrow screen, and with large text."""
    problems = [f"light: {words}" for words in tab.violations()]
    tab.page.emulate_media(color_scheme="dark")
    problems += [f"dark: {words}" for words in tab.violations(only="color-contrast")]
    for width in (1900, 1280, 320):
        tab.page.set_viewport_size({"width": width, "height": 900})
        problems += [f"{tab.overflow()} px too wide at {width}"] if tab.overflow() > 0 else []
    problems += [f"narrow: {words}" for words in tab.violations(but="color-contrast")]
    for width in (1280, 480):
        tab.page.set_viewport_size({"width": width, "height": 900})
        tab.page.evaluate("document.documentElement.style.fontSize = '200%'")
        problems += [f"{tab.overflow()} px too wide at {width} enlarged"] if tab.overflow() > 0 else []
    return problems


@each_part
def test_every_page_is_whole_without_javascript(visit, part):
    found: dict[str, list[str]] = {}
    tabs: dict[str, Visit] = {}
    for stop in part:
        if stop.is_scripted:
            continue
        cache.clear()
        tab = tab_for(visit, tabs, stop, javascript=False)
        stop.show(tab.page)
        problems = told(tab)
        if stop.is_ours:
            problems += ["not one h1"] * (tab.page.locator("h1").count() != 1)
            problems += ["shows what needs a script"] * bool(tab.page.locator(".needs-js:visible").count())
        tab.page.unroute_all()
        found[stop.name] = problems

    assert {name: problems for name, problems in found.items() if problems} == {}
