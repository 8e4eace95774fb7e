"""Run inside the product: fill the outbox, deliver it, print what it took as JSON.

Arguments: how many events, and "drain" (this process delivers what is stored) or "ring" (workers deliver, woken by
this process, which stores as the drain of the inbox does: a batch of messages at a time, and a ring after each).
"""

import json
import sys
import time
from uuid import uuid4

import django
from django.db import connection, transaction
from django.utils import timezone

django.setup()

from benchmarks import bodies
from benchmarks.mapping import RULES
from durable.freezing import freeze_what_is_loaded
from durable.wake import wake
from integrations.mapping import translate
from integrations.models import Environment, SentryIntegration
from integrations.payloads import Source, parse
from webhooks.delivery_rows import NewEvent, insert_events
from webhooks.inbox import BATCH
from webhooks.models import InboxMessage, OutboxEvent
from webhooks.outbox import drain_outbox

EVENTS_A_MESSAGE = 4


def fill(count: int) -> list[str]:
    """Store `count` events of one message for one environment; returns their keys, by which they are told apart."""
    body = bodies.with_id_last(bodies.real(bodies.LONG), uuid4().hex)
    event = translate(parse(body, Source.SERVICE_HOOK), RULES).events[0]
    message = InboxMessage.objects.create(
        integration=SentryIntegration.objects.get(), event_id=uuid4().hex, source="service_hook", state="done"
    )
    environment = Environment.objects.order_by("pk")[0]
    keys = [f"{message.event_id}-{number}" for number in range(count)]
    rows = [
        NewEvent(
            message.pk, environment.pk, event.event_type, event.traffic_type, key, event.timestamp_ms,
            event.json.replace(f'"key":"{event.key}"', f'"key":"{key}"'),
        )
        for key in keys
    ]  # fmt: skip
    insert_events(rows, now=timezone.now())
    return keys


def burst(count: int) -> list[str]:
    """Store `count` events, `BATCH` messages' worth in a transaction; returns their keys."""
    keys: list[str] = []
    while len(keys) < count:
        with transaction.atomic():
            keys += fill(min(BATCH * EVENTS_A_MESSAGE, count - len(keys)))
            wake("outbox")
    return keys


def main(count: int, how: str) -> None:
    """Deliver `count` events; `started` is when the first transaction that stores them begins."""
    freeze_what_is_loaded()  # as a worker does
    first = fill(1)
    if how == "drain":  # a worker that has run before is connected to FME
        drain_outbox()
    else:  # and a drain of the inbox to its broker
        wake("outbox")
        time.sleep(1)
    started = time.time()
    keys = first + (fill(count) if how == "drain" else burst(count))
    cpu, clock = time.process_time(), time.monotonic()
    if how == "drain":
        drain_outbox()
    else:
        time.sleep(0.5)  # the bell rings from a thread of its own
    cpu, clock = time.process_time() - cpu, time.monotonic() - clock
    pending = OutboxEvent.objects.filter(delivery__state="pending").count()
    print(json.dumps({"cpu": cpu, "seconds": clock, "started": started, "pending": pending, "keys": keys}))
    connection.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
