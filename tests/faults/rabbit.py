"""RabbitMQ behind a proxy: a queue of the suite's own on the server that runs, broken from outside."""

import os
from urllib.parse import urlsplit
from uuid import uuid4

from kombu import Connection, Queue
from kombu.exceptions import OperationalError

from tests.faults.proxy import Proxy

AMQP_URL = os.environ.get("FAULTS_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672//")


class Rabbit:
    """The same verbs as `Redis`; refusing and hanging is the proxy's part."""

    def __init__(self) -> None:
        there = urlsplit(AMQP_URL)
        self.queue = f"faults-{uuid4().hex[:12]}"
        self.proxy = Proxy((there.hostname or "127.0.0.1", there.port or 5672))
        secret = f"{there.username}:{there.password}@" if there.username else ""
        self.url = f"amqp://{secret}127.0.0.1:{self.proxy.port}{there.path}"
        self.refuse, self.allow, self.hang = self.proxy.refuse, self.proxy.allow, self.proxy.hang

    @staticmethod
    def is_there() -> bool:
        """Whether a RabbitMQ answers."""
        try:
            with Connection(AMQP_URL, connect_timeout=3) as connection:
                connection.connect()
        except (OSError, OperationalError):
            return False
        return True

    def wipe(self) -> None:
        """Remove the queue with all that waits in it, behind everybody's back."""
        with Connection(AMQP_URL) as connection:
            Queue(self.queue, channel=connection.default_channel).delete()

    def close(self) -> None:
        """Leave nothing behind."""
        self.proxy.close()
        self.wipe()
