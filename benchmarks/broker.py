"""A broker for the full mode, when one answers on this machine, and a queue of the benchmark's own in it."""

import contextlib

from kombu import Connection, Queue

from benchmarks.processes import is_answering

BROKERS = {5672: "amqp://guest:guest@127.0.0.1:5672//", 6379: "redis://127.0.0.1:6379/9"}
QUEUE = "fme-benchmarks"


def find_broker() -> str:
    """RabbitMQ's or Redis's address at its usual port; empty when neither answers."""
    return next((url for port, url in BROKERS.items() if is_answering(port)), "")


def settings(broker_url: str) -> dict[str, str]:
    """The product's settings for it."""
    return {"CELERY_BROKER_URL": broker_url, "CELERY_QUEUE": QUEUE}


def clean_up(broker_url: str) -> None:
    """Leave no queue behind."""
    if not broker_url:
        return
    with Connection(broker_url) as connection, contextlib.suppress(*connection.channel_errors):
        Queue(QUEUE, channel=connection.default_channel).delete()
