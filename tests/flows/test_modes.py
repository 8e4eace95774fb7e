"""The same flow on SQLite embedded, PostgreSQL + RabbitMQ + Celery, and PostgreSQL + Redis + Celery: real servers.

Configured over the REST API, thrown through the sandbox's Sentry, counted at its FME.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import requests

from tests.product_process import Product
from tests.sandbox_process import SandboxProcess, free_port

POSTGRES = os.environ.get("FLOW_DATABASE_URL", "postgres://postgres@127.0.0.1:5432")
BROKERS = {"rabbitmq": "amqp://guest:guest@127.0.0.1:5672//", "redis": "redis://127.0.0.1:6379/9"}
WAIT_SECONDS = 30.0

pytestmark = pytest.mark.timeout(180)


class Running:
    """A running product with the sandbox behind it, and a token for its API."""

    def __init__(self, product: Product, sandbox: SandboxProcess) -> None:
        self.product, self.sandbox = product, sandbox
        self.token = product.manage("create_api_token", "admin").strip()

    def api(self, method: str, path: str, **body: Any) -> Any:
        """One API call; raises for an error."""
        answer = requests.request(
            method, f"{self.product.url}/api/v1/{path}", json=body, timeout=20,
            headers={"Authorization": f"Token {self.token}"},
        )  # fmt: skip
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def configure(self) -> Any:
        """The product document's configuration of front-end; returns the integration."""
        state = self.sandbox.state()
        self.product.manage("refresh_catalogue")
        project = next(p for p in self.api("GET", "projects/") if p["name"] == "Webshop")
        environments = {e["name"]: e["id"] for e in project["environments"]}
        types = {t["name"]: t["id"] for t in project["traffic_types"]}
        for key in sdk_keys(state):
            if key["environment"] in environments.values():
                self.api("PUT", f"environments/{key['environment']}/sdk-key/", sdk_key=key["key"])
        installation = self.sandbox.control("install", organization="acme-gmbh")["uuid"]
        integration = self.api(
            "POST",
            "sentry-integrations/",
            project=project["id"],
            installation_id=installation,
            organization="acme-gmbh",
            project_slug="front-end",
            capture_culprit=True,
            environment_mappings=[
                {"sentry_environment": name.lower(), "environment": key} for name, key in environments.items()
            ],
            identity_mappings=[
                {"path": "data.error.user.id", "traffic_type": types["user"]},
                {"path": "data.error.user.orgId", "traffic_type": types["org"]},
            ],
        )
        place = f"sentry-integrations/{integration['id']}/"
        assert until(lambda: self.api("GET", place)["hook"]["state"] == "active")
        return self.api("GET", place)

    def throw(self, **event: Any) -> str:
        """One exception in front-end; returns its event id."""
        exception = {"type": "Error", "value": "Test error"}
        return str(
            self.sandbox.control("throw", project="front-end", exception=exception, **event)["event_id"]
        )

    def received(self, event_id: str, count: int) -> list[tuple[str, str, str]]:
        """Environment, traffic type and key of an exception's track events, once `count` are there."""
        until(lambda: self.sandbox.count(event_id=event_id) >= count)
        events = self.sandbox.received(event_id=event_id)
        return sorted((e["environmentName"], e["trafficTypeName"], e["key"]) for e in events)


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


def sdk_keys(state: Any) -> list[dict[str, str]]:
    """The sandbox's SDK keys, with the environment of each."""
    return [
        {"environment": environment["id"], "key": environment["sdk_key"]}
        for workspace in state["workspaces"]
        for environment in workspace["environments"]
    ]


def until(ask: Callable[[], Any]) -> Any:
    """Ask until the answer is true or WAIT_SECONDS are over; for what other processes do on their own time."""
    end = time.monotonic() + WAIT_SECONDS
    while not (answer := ask()) and time.monotonic() < end:
        time.sleep(0.05)
    return answer


def administer(statement: str) -> None:
    """Create or drop a database."""
    with closing(psycopg.connect(f"{POSTGRES}/postgres", autocommit=True)) as connection:
        connection.execute(statement)  # type: ignore[arg-type]  # names made here
