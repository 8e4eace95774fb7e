"""What runs the drains: one that hangs or breaks is nobody else's trouble, and a silent broker delays seconds."""

import threading
from functools import partial

import pytest
from django.db import InterfaceError, OperationalError

from durable import drains
from durable.stopping import stopping
from durable.wake import wake
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ran(monkeypatch):
    """Names in the order in which their drains ran; two drains of this test's own, polled without a pause."""
    ran: list[str] = []

    def run(name):
        ran.append(name)
        return 0

    monkeypatch.setattr(drains, "_drains", {name: partial(run, name) for name in ("a", "b")})
    monkeypatch.setattr(drains, "POLL_SECONDS", 0.01)
    yield ran
    stopping.clear()


def background(target, *arguments):
    thread = threading.Thread(target=target, args=arguments)
    thread.start()
    return thread


def test_a_worker_that_hears_no_bell_looks_for_work_by_itself(ran):
    thread = background(drains.stand_in, 0.05)

    assert until(lambda: {"a", "b"} <= set(ran))
    stopping.set()
    thread.join(5)
    assert not thread.is_alive()


def test_a_worker_that_hears_the_bell_leaves_looking_to_it(ran):
    thread = background(drains.stand_in, 60)
    stopping.wait(0.1)

    stopping.set()
    thread.join(5)
    assert ran == []


def test_a_drain_is_told_at_once_what_another_one_left_to_it(ran, monkeypatch):
    monkeypatch.setattr(drains, "POLL_SECONDS", 60)
    thread = background(drains.follow)
    assert until(lambda: {"a", "b"} <= set(ran))

    wake("b")

    assert until(lambda: ran.count("b") == 2)
    assert ran.count("a") == 1
    stopping.set()
    wake("a", "b")
    thread.join(5)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("error", "words", "is_traceback"),
    [
        (ZeroDivisionError(), "The drain of a broke off", True),
        (OperationalError("database is locked\nmore"), "(OperationalError): ['database is locked']", False),
        (InterfaceError("connection already closed"), "(InterfaceError): ['connection already", False),
    ],
)
def test_a_drain_that_breaks_is_told_run_again_and_stops_no_other(
    ran, monkeypatch, caplog, error, words, is_traceback
):
    breaks = [error]

    def breaking():
        if breaks:
            raise breaks.pop()
        ran.append("mended")
        return 0

    monkeypatch.setitem(drains._drains, "a", breaking)
    thread = background(drains.follow)

    assert until(lambda: {"mended", "b"} <= set(ran))
    stopping.set()
    thread.join(5)
    (told,) = (record for record in caplog.records if "The drain of a" in record.message)
    assert (words in told.message, bool(told.exc_info)) == (True, is_traceback)
