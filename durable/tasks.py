"""Celery's side of the drains: three lines each; a lost task costs seconds, never data."""

import threading
from typing import Any

from celery import shared_task
from celery.signals import worker_process_init, worker_ready, worker_shutting_down
from django.conf import settings
from django.db import close_old_connections

from durable import drains
from durable.freezing import freeze_what_is_loaded
from durable.stopping import stopping


@shared_task(name="durable.drain")
def drain(name: str) -> None:
    """Run one drain, on the connection this thread kept from its last one, if that still is any good."""
    close_old_connections()
    drains.heard()
    drains.run(name)


@shared_task(name="durable.sweep")
def sweep() -> None:
    """Find what no bell rang for: a task per drain, so that one that waits for a peer holds up no other."""
    for name in drains.names():
        drain.apply_async(args=(name,), retry=False)


@worker_ready.connect
def stand_in_for_the_broker(**kwargs: Any) -> None:
    """Beat sweeps through the broker; when nothing comes for three sweeps, look for work without it.

    No daemon thread: the process ends when the batch in hand is finished.
    """
    threading.Thread(target=drains.stand_in, args=(3.0 * settings.SWEEP_SECONDS,), name="stand-in").start()


@worker_ready.connect
@worker_process_init.connect
def freeze(**kwargs: Any) -> None:
    """In the worker, and in the processes that do its work."""
    freeze_what_is_loaded()


@worker_shutting_down.connect
def finish_the_batch(**kwargs: Any) -> None:
    """On SIGTERM: finish the batch in hand, claim no more."""
    stopping.set()
