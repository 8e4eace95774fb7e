"""Celery's side of the drains, without a broker."""

import pytest

from durable import drains, tasks
from durable.stopping import stopping

pytestmark = pytest.mark.django_db


@pytest.fixture
def ran(monkeypatch):
    """Names in the order in which their drains ran; two drains of this test's own."""
    ran: list[str] = []

    def run(name):
        ran.append(name)
        return 0

    monkeypatch.setattr(drains, "_drains", {name: lambda name=name: run(name) for name in ("a", "b")})
    return ran


def test_a_task_runs_the_drain_it_names(ran, monkeypatch):
    monkeypatch.setattr(
        "durable.tasks.close_old_connections", lambda: None
    )  # it holds the test's transaction

    tasks.drain("b")

    assert ran == ["b"]


def test_a_sweep_leaves_each_drain_to_a_task_of_its_own(ran, monkeypatch):
    sent = []
    monkeypatch.setattr(tasks.drain, "apply_async", lambda args, retry, **options: sent.append((args, retry)))

    tasks.sweep()

    assert (sent, ran) == ([(("a",), False), (("b",), False)], [])


def test_a_worker_that_shuts_down_claims_no_more():
    tasks.finish_the_batch()

    assert stopping.is_set()
    stopping.clear()
