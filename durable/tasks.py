"""Celery's side of the drains: three lines each; a lost task costs seconds, never data."""

from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down

from durable import drains
from durable.stopping import stopping


@shared_task(name="durable.drain")
def drain(name: str) -> None:
    """Run one drain."""
    drains.run(name)


@shared_task(name="durable.sweep")
def sweep() -> None:
    """Find what no bell rang for: a task per drain, so that one that waits for a peer holds up no other."""
    for name in drains.names():
        drain.apply_async(args=(name,), retry=False)


@worker_shutting_down.connect
def finish_the_batch(**kwargs: Any) -> None:
    """On SIGTERM: finish the batch in hand, claim no more."""
    stopping.set()
