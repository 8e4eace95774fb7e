"""Celery's side of the drains: three lines each; a lost task costs seconds, never data."""

from celery import shared_task
from django.core.management import call_command

from durable import drains


@shared_task(name="durable.drain")
def drain(name: str) -> None:
    """Run one drain."""
    drains.run(name)


@shared_task(name="durable.sweep")
def sweep() -> None:
    """Run every drain: finds what no bell rang for."""
    drains.drain_all()


@shared_task(name="durable.nightly")
def nightly() -> None:
    """Retention."""
    call_command("prune")
