"""`manage.py drain`: once through, or following; a signal ends it after the batch in hand."""

import signal
from collections.abc import Callable

import pytest
from django.core.management import call_command

from durable import drains
from durable.stopping import stopping

pytestmark = pytest.mark.django_db


@pytest.fixture
def handlers(monkeypatch):
    """Which signal is answered by what; nothing is installed in the test's own process."""
    handlers: dict[int, Callable[..., None]] = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    yield handlers
    stopping.clear()


def test_draining_once_goes_round_until_nothing_is_due(handlers, monkeypatch):
    due = [3, 2]
    monkeypatch.setattr(drains, "_drains", {"a": lambda: due.pop() if due else 0, "b": lambda: 0})

    call_command("drain")

    assert due == []


def test_a_round_that_is_told_to_stop_is_the_last(handlers, monkeypatch):
    def endless():
        handlers[signal.SIGTERM](signal.SIGTERM, None)
        return 1

    monkeypatch.setattr(drains, "_drains", {"a": endless})

    call_command("drain")

    assert handlers.keys() == {signal.SIGTERM, signal.SIGINT}


def test_following_polls_until_told_to_stop(handlers, monkeypatch):
    followed = []
    monkeypatch.setattr("durable.management.commands.drain.follow", lambda: followed.append(True))

    call_command("drain", "--follow")

    assert followed == [True]
