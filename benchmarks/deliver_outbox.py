"""Run inside the product: fill the outbox, deliver it, print what it took as JSON.

Arguments: how many events, and "drain" (this process delivers) or "ring" (workers are woken and deliver).
"""

import json
import sys
import time
from uuid import uuid4

import django
from django.db import connection, transaction
from django.utils import timezone

django.setup()

from benchmarks import bodies  # noqa: E402 - the apps have to be ready first
from benchmarks.mapping import RULES  # noqa: E402
from durable.wake import wake  # noqa: E402
from integrations.mapping import translate  # noqa: E402
from integrations.models import Environment, SentryIntegration  # noqa: E402
from integrations.payloads import Source, parse  # noqa: E402
from webhooks.models import InboxMessage, OutboxEvent  # noqa: E402
from webhooks.outbox import drain_outbox  # noqa: E402
from webhooks.queue import NewEvent, insert_events  # noqa: E402


def fill(count: int) -> list[str]:
    """Store `count` events of one message for one environment; returns their keys, by which they are told apart."""
    body = bodies.with_id_last(bodies.real(bodies.LONG), uuid4().hex)
    event = translate(parse(body, Source.SERVICE_HOOK), RULES).events[0]
    message = InboxMessage.objects.create(
        integration=SentryIntegration.objects.get(), event_id=uuid4().hex, source="service_hook", state="done"
    )
    environment = Environment.objects.order_by("pk")[0]
    keys = [f"{message.event_id}-{number}" for number in range(count)]
    rows = (
        NewEvent(
            message.pk, environment.pk, event.event_type, event.traffic_type, key, event.timestamp_ms,
            event.json.replace(f'"key":"{event.key}"', f'"key":"{key}"'),
        )
        for key in keys
    )  # fmt: skip
    insert_events(rows, now=timezone.now())
    return keys


def main(count: int, how: str) -> None:
    """Deliver `count` events; `started` is when the transaction that stores them begins."""
    started = time.time()
    with transaction.atomic():
        keys = fill(count)
        if how == "ring":
            wake("outbox")
    cpu, clock = time.process_time(), time.monotonic()
    if how == "drain":
        drain_outbox()
    else:
        time.sleep(0.5)  # the bell rings from a thread of its own
    cpu, clock = time.process_time() - cpu, time.monotonic() - clock
    pending = OutboxEvent.objects.filter(state="pending").count()
    print(json.dumps({"cpu": cpu, "seconds": clock, "started": started, "pending": pending, "keys": keys}))
    connection.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
