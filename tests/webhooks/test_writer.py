"""The writer thread on real transactions: group commit, deadlines, one bad row, a database that goes away."""

import gc
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import DataError, IntegrityError, OperationalError, connection, connections
from django.utils import timezone

from tests.factories import IntegrationFactory
from tests.waiting import until
from webhooks import writer as module
from webhooks.message_rows import NewMessage, insert_messages, touch_inbox
from webhooks.models import InboxMessage
from webhooks.writer import Job, StoreUnavailable, Writer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def integration():
    return IntegrationFactory()


@pytest.fixture
def writer(monkeypatch):
    monkeypatch.setattr(module, "PROBE_SECONDS", 0.02)
    writer = Writer()
    yield writer
    until(lambda: not writer.is_away)
    writer.call(
        lambda: connection.close(), deadline_seconds=5
    )  # the thread's own, or no database can be dropped


def message_of(integration_id):
    return NewMessage(integration_id, uuid4().hex, "service_hook", timezone.now(), b"{}")


def test_what_waits_together_is_committed_together(writer, integration, monkeypatch):
    batches = []

    def counted(rows):
        batches.append(len(rows))
        return insert_messages(rows)

    monkeypatch.setattr("webhooks.writer.insert_messages", counted)
    release, pool = block(writer)
    stores = [pool.submit(writer.store, message_of(integration.pk), deadline_seconds=5) for _ in range(20)]
    assert until(lambda: writer._queue.qsize() == 20)
    release()

    assert [store.result() for store in stores] == [True] * 20
    assert (batches, InboxMessage.objects.count()) == ([20], 20)


def test_a_row_stored_already_is_not_new(writer, integration):
    message = message_of(integration.pk)

    assert [writer.store(message, deadline_seconds=5) for _ in range(2)] == [True, False]


def test_one_row_the_database_never_takes_hurts_nobody_else(writer, integration):
    release, pool = block(writer)
    good = [pool.submit(writer.store, message_of(integration.pk), deadline_seconds=5) for _ in range(2)]
    bad = pool.submit(writer.store, message_of(integration.pk + 1000), deadline_seconds=5)
    assert until(lambda: writer._queue.qsize() == 3)
    release()

    assert [store.result() for store in good] == [True, True]
    assert InboxMessage.objects.count() == 2
    assert isinstance(bad.exception(), IntegrityError)


def test_an_integration_that_is_gone_is_told_to_its_own_request(writer, integration):
    with pytest.raises(IntegrityError):
        writer.store(message_of(integration.pk + 1000), deadline_seconds=5)

    assert writer.store(message_of(integration.pk), deadline_seconds=5)


def test_a_value_that_fits_no_column_is_not_taken_for_an_outage(writer):
    def refused():
        raise DataError("value too long")

    with pytest.raises(DataError):
        writer.call(refused, deadline_seconds=5)
    assert not writer.is_away


def test_the_writer_outlives_a_mistake(writer, integration, monkeypatch):
    def stumble(jobs):
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(writer, "_work_off", stumble)
        with pytest.raises(StoreUnavailable):
            writer.store(message_of(integration.pk), deadline_seconds=0.05)

    assert until(lambda: not writer.is_away)
    assert writer.store(message_of(integration.pk), deadline_seconds=5)


def test_a_missed_deadline_is_refused_at_once_and_so_is_all_that_follows(writer, integration):
    gate = threading.Event()
    with pytest.raises(StoreUnavailable, match="did not answer"):
        writer.call(gate.wait, deadline_seconds=0.05)

    with pytest.raises(StoreUnavailable, match="away"):
        writer.store(message_of(integration.pk), deadline_seconds=5)
    gate.set()


def test_work_that_was_refused_while_it_waited_is_never_done(writer):
    release, _ = block(writer)
    done = []
    with pytest.raises(StoreUnavailable, match="did not answer"):
        writer.call(lambda: done.append(1), deadline_seconds=0.05)
    release()

    assert until(lambda: not writer.is_away)
    writer.call(lambda: None, deadline_seconds=5)
    assert done == []


def test_what_failed_is_not_kept_by_its_error():
    job = Job(message := NewMessage(1, "", "", timezone.now(), b"{}"))
    job.fail(IntegrityError())
    before = sys.getrefcount(message)

    with pytest.raises(IntegrityError):
        job.wait(1)

    gc.disable()
    try:
        del job
        assert sys.getrefcount(message) == before - 1
    finally:
        gc.enable()


def test_the_writer_comes_back_with_the_database(writer, integration, monkeypatch):
    def broken(rows):
        raise OperationalError("gone")

    with monkeypatch.context() as patch:
        patch.setattr("webhooks.writer.insert_messages", broken)
        with pytest.raises(StoreUnavailable):
            writer.store(message_of(integration.pk), deadline_seconds=5)

    assert until(lambda: not writer.is_away)
    assert writer.store(message_of(integration.pk), deadline_seconds=5)


def test_a_database_that_only_answers_reads_is_still_away(writer, integration):
    """As while another process holds SQLite's lock, or a migration PostgreSQL's table."""
    is_sqlite, other = connection.vendor == "sqlite", connections.create_connection("default")
    writer.call(lambda: execute(connection, IMPATIENT[connection.vendor]), deadline_seconds=5)
    try:
        execute(other, "BEGIN IMMEDIATE" if is_sqlite else "BEGIN")
        if not is_sqlite:
            execute(other, "LOCK TABLE webhooks_inboxmessage IN SHARE MODE")
        with pytest.raises(StoreUnavailable):
            writer.store(message_of(integration.pk), deadline_seconds=5)
        assert not until(lambda: not writer.is_away, seconds=0.5)
    finally:
        other.close()

    assert until(lambda: not writer.is_away)
    assert writer.store(message_of(integration.pk), deadline_seconds=5)


@pytest.mark.parametrize("table", ["webhooks_inboxmessage", "integrations_sentryintegration"])
def test_trying_takes_the_locks_of_tables_that_storing_takes(table):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one lock")
    other = connections.create_connection("default")
    try:
        execute(other, "BEGIN")
        execute(other, f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        execute(connection, IMPATIENT["postgresql"])
        with pytest.raises(OperationalError):
            touch_inbox()
    finally:
        other.close()
        connection.close()  # the next one is patient again


IMPATIENT = {"sqlite": "PRAGMA busy_timeout = 50", "postgresql": "SET lock_timeout = 50"}


def execute(database, statement):
    with database.cursor() as cursor:
        cursor.execute(statement)


def block(writer):
    """Keep the writer busy; returns what lets it go, and a pool of requesting threads."""
    started, gate, pool = threading.Event(), threading.Event(), ThreadPoolExecutor(24)

    def occupy():
        started.set()
        return gate.wait()

    pool.submit(writer.call, occupy, deadline_seconds=5)
    assert started.wait(5)
    return gate.set, pool
