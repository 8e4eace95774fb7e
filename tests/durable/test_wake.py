"""The bell: it rings after a commit, and costs a webhook's thread no database connection."""

import threading

import pytest
from django.db import connection, transaction

from durable import wake as module
from durable.wake import wake


@pytest.fixture
def rung(monkeypatch, settings):
    """Names that were rung for."""
    settings.CELERY_BROKER_URL = "amqp://nobody"
    rung: list[str] = []
    monkeypatch.setattr(module.bell, "ring", lambda *names: rung.extend(names))
    return rung


def test_a_thread_without_a_transaction_rings_without_a_connection(rung):
    connected = []

    def ring():
        wake("inbox")
        connected.append(connection.connection)

    thread = threading.Thread(target=ring)
    thread.start()
    thread.join()

    assert (rung, connected) == (["inbox"], [None])


@pytest.mark.django_db(transaction=True)
def test_within_a_transaction_it_rings_after_the_commit(rung):
    with transaction.atomic():
        wake("outbox")
        assert rung == []

    assert rung == ["outbox"]


@pytest.mark.django_db(transaction=True)
def test_what_was_rolled_back_rings_for_nobody(rung):
    with transaction.atomic():
        wake("outbox")
        transaction.set_rollback(True)

    assert rung == []
