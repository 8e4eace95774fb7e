"""An integration from which nothing comes any more, though it used to be busy, is a problem."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import HookFactory
from webhooks.models import Problem
from webhooks.problems import look
from webhooks.rollups import Count, Tally

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)


def receive(integration, last, days=7):
    """One message a day, the last one at `last`."""
    tally = Tally()
    for day in range(days):
        tally.add(integration.pk, Count.RECEIVED, last - timedelta(days=day))
    tally.add_ever(integration.pk, Count.RECEIVED, last, count=days)
    tally.store()


@pytest.fixture
def hook(db):
    return HookFactory()


def quiet(now=NOW):
    look(now)
    return list(Problem.objects.open().filter(kind="silent").values_list("count", "first_seen_at"))


def test_three_days_without_a_message_after_a_busy_week_are_a_problem(hook):
    last = NOW - timedelta(days=4)
    receive(hook.integration, last)

    assert quiet() == [(4, last + timedelta(days=3))]
    assert Problem.objects.get().detail == "The last message came on 16 March 2026 at 12:00 UTC."


def test_it_is_gone_with_the_next_message(hook):
    receive(hook.integration, NOW - timedelta(days=4))
    look(NOW)
    receive(hook.integration, NOW, days=1)

    assert quiet() == []


def test_a_test_exception_does_not_end_it(hook):
    receive(hook.integration, NOW - timedelta(days=4))
    tally = Tally()
    tally.add_ever(hook.integration.pk, Count.RECEIVED, NOW, is_test=True)
    tally.store()

    assert quiet() != []


@pytest.mark.parametrize(("days_ago", "days"), [(2, 7), (4, 5)])
def test_a_short_rest_or_one_after_a_calm_week_is_none(hook, days_ago, days):
    receive(hook.integration, NOW - timedelta(days=days_ago), days=days)

    assert quiet() == []


@pytest.mark.parametrize("reason", ["paused", "uninstalled", "hook gone", "not there yet"])
def test_what_is_known_to_keep_messages_away_is_not_told_twice(hook, reason):
    receive(hook.integration, NOW - timedelta(days=4))
    if reason == "paused":
        hook.integration.is_active = False
        hook.integration.save()
    elif reason == "uninstalled":
        hook.integration.installation.deleted_at = NOW
        hook.integration.installation.save()
    elif reason == "hook gone":
        hook.state = "dead"
        hook.save()
    else:
        hook.confirmed_at = None
        hook.save()

    assert quiet() == []


def test_looking_costs_the_same_for_one_and_for_ten(hook):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            look(NOW)
        return len(captured)

    receive(hook.integration, NOW - timedelta(days=4))
    look(NOW)
    one = queries()
    for _ in range(9):
        receive(HookFactory().integration, NOW - timedelta(days=4))
    look(NOW)

    assert queries() == one
