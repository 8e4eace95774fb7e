"""Many workers on the same rows."""

from tests.faults.run import Run

NAMES = ("drain1", "drain2", "worker1", "worker2", "worker3", "worker4", "beat")


def crowd(run: Run) -> None:
    """Two drains and four workers start on one backlog: nothing twice, although no POST fails."""
    stack = run.stack("web", LEASE_SECONDS="30")
    source = run.source("staging", "production", "canary")
    for name in source.environments:
        source.intake(name).seconds = 0.05
    load = source.load(stack, run.count, run.dice, rate=250)
    load.wait(60)
    broker = {"CELERY_BROKER_URL": run.world.broker.url}
    batch = max(1, run.count // 200)  # so many POSTs in all that the workers are bound to meet
    stack.start(*NAMES, **broker, OUTBOX_BATCH_EVENTS=str(batch), WORKER_THREADS="4")
    try:
        row = run.settle(source, load, seconds=90)
    finally:
        for name in NAMES:
            stack.kill(name)
    assert not row.duplicated, "an event came twice"
    assert not row.ambiguous
