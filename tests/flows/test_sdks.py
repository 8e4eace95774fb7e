"""The product document's three examples, thrown by unmodified Sentry SDKs that only know a DSN."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.running import Running
from tests.product_process import Product
from tests.sandbox_process import SandboxProcess
from tests.waiting import free_port

NODE = Path(__file__).parent / "node"
PYTHON = """
import sys, sentry_sdk
john = {"id": 42, "email": "john.doe@example.com"}
for environment, user in (("staging", john), ("production", john), ("production", {**john, "orgId": 55})):
    sentry_sdk.init(sys.argv[1], environment=environment, default_integrations=False)
    sentry_sdk.set_user(user)
    print(sentry_sdk.capture_exception(Exception("Test error")))
    sentry_sdk.flush()
"""
EXPECTED = [
    {("Staging", "user", "42")},
    {("Production", "user", "42")},
    {("Production", "user", "42"), ("Production", "org", "55")},
]

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    port = free_port()
    with (
        SandboxProcess(f"http://127.0.0.1:{port}") as sandbox,
        Product(port=port, sandbox=sandbox) as product,
    ):
        running = Running(product, sandbox)
        running.configure(capture_culprit=False)
        yield running


@pytest.mark.parametrize("sdk", ["python", "node"])
def test_the_examples_become_the_track_events_of_the_product_document(sdk, running):
    dsn = next(
        project["dsn"] for project in running.sandbox.state()["projects"] if project["slug"] == "front-end"
    )

    event_ids = program(sdk, dsn)

    assert len(event_ids) == 3
    for event_id, expected in zip(event_ids, EXPECTED, strict=True):
        events = running.events(event_id, len(expected))
        assert {(e["environmentName"], e["trafficTypeName"], e["key"]) for e in events} == expected
        assert {(e["eventTypeId"], e["source"]) for e in events} == {("sentry_exception", "Sentry")}
        assert len(events) == len(expected)
        assert all(1_700_000_000_000 < e["timestamp"] < 10_000_000_000_000 for e in events)  # ms, not seconds


def program(sdk: str, dsn: str) -> list[str]:
    """Run a program with that SDK; returns the ids of the events it sent."""
    if sdk == "node" and not ((NODE / "node_modules").exists() and shutil.which("node")):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Node.js: see scripts/node-sdk")
    command = (
        [sys.executable, "-c", PYTHON, dsn] if sdk == "python" else ["node", str(NODE / "examples.js"), dsn]
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()
