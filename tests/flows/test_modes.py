"""The same flow on SQLite embedded, PostgreSQL + RabbitMQ + Celery, and PostgreSQL + Redis + Celery: real servers.

Configured over the REST API, thrown through the sandbox's Sentry, counted at its FME.
"""

import os
import time
from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import psycopg
import pytest

from tests.flows.running import Running
from tests.product_process import Product
from tests.sandbox_process import SandboxProcess
from tests.waiting import free_port

POSTGRES = os.environ.get("FLOW_DATABASE_URL", "postgres://postgres@127.0.0.1:5432")
BROKERS = {"rabbitmq": "amqp://guest:guest@127.0.0.1:5672//", "redis": "redis://127.0.0.1:6379/9"}

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module", params=["embedded", "rabbitmq", "redis"])
def running(request: pytest.FixtureRequest) -> Iterator[Running]:
    """The product in one of its modes."""
    mode, port = request.param, free_port()
    database = f"flow_{uuid4().hex[:12]}" if mode != "embedded" else ""
    if database:
        administer(f"CREATE DATABASE {database}")
    try:
        with SandboxProcess(f"http://127.0.0.1:{port}") as sandbox:
            more = {"database_url": f"{POSTGRES}/{database}", "broker_url": BROKERS[mode]} if database else {}
            with Product(port=port, sandbox=sandbox, CELERY_QUEUE=f"flow-{port}", **more) as product:
                running = Running(product, sandbox)
                running.configure()
                yield running
    finally:
        if database:
            administer(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


def test_the_examples_of_the_product_document(running):
    staging = running.throw(environment="staging", user={"id": 42, "email": "john.doe@example.com"})
    both = running.throw(environment="production", user={"id": 42, "orgId": 55})

    assert running.received(staging, 2) == [("Staging", "user", "42")] * 2
    assert running.received(both, 4) == [("Production", "org", "55")] * 2 + [("Production", "user", "42")] * 2


def test_an_outage_of_fme_loses_nothing_and_doubles_nothing(running):
    running.sandbox.fail("fme_events", "status", status=503, times=2)

    thrown = [running.throw(environment="staging", user={"id": number}) for number in range(5)]

    for number, event_id in enumerate(thrown):
        assert running.received(event_id, 2) == [("Staging", "user", str(number))] * 2


def test_an_idle_system_delivers_within_seconds(running):
    started = time.monotonic()

    event_id = running.throw(environment="staging", user={"id": "quick"})

    assert running.received(event_id, 2) == [("Staging", "user", "quick")] * 2
    assert time.monotonic() - started < 10


def administer(statement: str) -> None:
    """Create or drop a database."""
    with closing(psycopg.connect(f"{POSTGRES}/postgres", autocommit=True)) as connection:
        connection.execute(statement.encode())
