"""What every page is made of: times in the reader's zone, parts that another package may bring, states."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.utils import timezone

from integrations.marketplace import found_entries
from integrations.templatetags.page_parts import moment, route

AT = datetime(2026, 3, 2, 9, 14, 7, tzinfo=UTC)


def shown(source, **context):
    return Template("{% load page_parts %}" + source).render(Context(context))


def test_a_time_is_exact_on_hover(time_machine):
    time_machine.move_to(AT)

    assert moment(Context(), AT) == (
        '<time datetime="2026-03-02T09:14:07Z" title="2026-03-02 09:14:07 UTC">2 Mar, 09:14</time>'
    )


def test_a_time_is_shown_in_the_readers_zone(time_machine):
    time_machine.move_to(AT)
    reader = SimpleNamespace(timezone=ZoneInfo("Asia/Tokyo"))

    assert moment(Context({"page": reader}), AT) == (
        '<time datetime="2026-03-02T09:14:07Z" title="2026-03-02 18:14:07 JST">2 Mar, 18:14</time>'
    )


def test_another_year_is_named():
    assert ">2 Mar 2019, 09:14<" in moment(Context(), AT.replace(year=2019))


def test_no_time_is_nothing():
    assert moment(Context(), None) == ""


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(0), "0 s ago"),
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(days=40), "40 d ago"),
        (timedelta(minutes=-10), "in 10 min"),
    ],
)
def test_times_in_relative_words(time_machine, passed, words):
    time_machine.move_to(AT, tick=False)

    assert f">{words}<" in moment(Context(), timezone.now() - passed, "ago")


def test_a_part_nobody_brings_is_nothing():
    assert shown('{% part "webhooks/_no_such_part.html" %}') == ""


def test_a_part_sees_the_page_it_stands_on():
    assert "Paused" in shown(
        '{% part "_status.html" %}', state=SimpleNamespace(kind="", icon="pause", word="Paused")
    )


def test_a_page_that_is_not_mounted_has_no_address():
    assert route("no-such-page") == ""
    assert route("integration", 7) == "/admin-settings/integrations/7/"


def test_words_are_escaped():
    state = SimpleNamespace(kind="bad", icon="x", word="<b>")

    assert "<b>" not in shown("{% status state %}", state=state)


def test_a_blank_search_finds_everything():
    assert found_entries(" ")[0].name == "Sentry"
    assert [entry.name for entry in found_entries("seg data")] == ["Segment"]
