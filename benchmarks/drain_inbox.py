"""Run inside the product: fill the inbox, drain it, print messages, events and seconds of Python CPU as JSON.

Arguments: how many messages, and the size of their bodies in bytes.
"""

import json
import sys
import time
from uuid import uuid4

import django
from django.db import connection
from django.utils import timezone

django.setup()

from benchmarks import bodies
from durable.freezing import freeze_what_is_loaded
from integrations.models import SentryIntegration
from webhooks.inbox import drain_inbox
from webhooks.message_rows import NewMessage, insert_messages
from webhooks.models import InboxMessage, OutboxEvent

CHUNK = 100


def fill(count: int, size: int, integration: int) -> None:
    """Store `count` messages, each with an event id of its own."""
    before, _, after = bodies.of_size(size).partition(bodies.NO_ID.encode())
    now = timezone.now()
    for start in range(0, count, CHUNK):
        ids = [uuid4().hex for _ in range(start, min(start + CHUNK, count))]
        insert_messages(
            [NewMessage(integration, id_, "service_hook", now, before + id_.encode() + after) for id_ in ids]
        )


def main(count: int, size: int) -> None:
    """One warm-up of a hundredth, then the measurement."""
    freeze_what_is_loaded()  # as a worker does
    integration = SentryIntegration.objects.get().pk
    fill(max(count // 100, 1), size, integration)
    drain_inbox()
    fill(count, size, integration)
    events = OutboxEvent.objects.count()
    cpu, clock = time.process_time(), time.monotonic()
    handled = drain_inbox()
    cpu, clock = time.process_time() - cpu, time.monotonic() - clock
    made = OutboxEvent.objects.count() - events
    pending = InboxMessage.objects.filter(state="pending").count()
    print(json.dumps({"messages": handled, "events": made, "cpu": cpu, "seconds": clock, "pending": pending}))
    connection.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
