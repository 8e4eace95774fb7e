"""The bell: rung after the commit, once for many, from its own thread; a broker that fails costs a warning."""

import threading

import pytest
from django.db import transaction

from durable.wake import Bell, wake
from tests.waiting import until


@pytest.fixture
def sent(monkeypatch):
    """Names for which a task was sent."""
    sent: list[str] = []
    monkeypatch.setattr("durable.wake.current_app.send_task", lambda task, args, **options: sent.extend(args))
    return sent


@pytest.fixture
def rung(monkeypatch, settings):
    """Names for which the bell rang, where there is a broker."""
    rung: list[str] = []
    settings.CELERY_BROKER_URL = "memory://"
    monkeypatch.setattr("durable.wake.bell.ring", lambda *names: rung.extend(names))
    return rung


@pytest.mark.django_db(transaction=True)
def test_the_bell_rings_after_the_commit_and_not_before(rung):
    with transaction.atomic():
        wake("inbox", "outbox")
        assert rung == []

    assert rung == ["inbox", "outbox"]


@pytest.mark.django_db(transaction=True)
def test_what_was_rolled_back_rings_nothing(rung):
    with transaction.atomic():
        wake("inbox")
        transaction.set_rollback(True)

    assert rung == []


@pytest.mark.django_db(transaction=True)
def test_without_a_broker_nothing_rings(rung, settings):
    settings.CELERY_BROKER_URL = ""

    wake("inbox")

    assert rung == []


def test_a_burst_shares_a_few_rings(sent):
    bell = Bell()

    for _ in range(1000):
        bell.ring("inbox")
    bell.ring("outbox")

    assert until(lambda: {"inbox", "outbox"} <= set(sent), seconds=5)
    assert len(sent) < 20


def test_a_broker_that_fails_costs_a_warning_and_a_rest(monkeypatch, caplog):
    monkeypatch.setattr("durable.wake.current_app.send_task", lambda *args, **options: 1 / 0)

    assert Bell()._publish({"inbox"}) is False
    assert "The broker took no wake-up (ZeroDivisionError); the sweep finds the rows." in caplog.text


def test_a_broker_that_hangs_delays_nobody(monkeypatch):
    hangs, gate, in_time = threading.Event(), threading.Event(), []

    def hang(*args, **options):
        hangs.set()
        in_time.append(gate.wait(5))

    monkeypatch.setattr("durable.wake.current_app.send_task", hang)
    bell = Bell()
    bell.ring("inbox")
    assert hangs.wait(5)

    bell.ring("inbox")  # would wait for the gate if it published by itself
    gate.set()
    assert until(lambda: in_time, seconds=5)[0] is True


def test_a_forked_process_gets_a_thread_of_its_own(monkeypatch, sent):
    bell = Bell()
    bell.ring("inbox")
    monkeypatch.setattr("durable.wake.os.getpid", lambda: -1)

    bell.ring("outbox")

    assert bell._owner == -1
    assert until(lambda: "outbox" in sent, seconds=5)
