"""The sender: posts messages as Sentry does, keeps each answer and how long it took."""

import http.client
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

from tests.faults.payloads import Event, Message

SENTRY_TIMEOUT_SECONDS = 5.0
"""Sentry hangs up after this; an answer that comes later never comes."""

TRIES = 120
"""After a broken connection Sentry comes again, three times within a quarter of an hour; here sooner, and oftener."""

PAUSE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Answered:
    """What one message came to; status 0 means that nobody ever answered."""

    message: Message
    status: int
    seconds: float
    refusals: int


class Load:
    """Sends messages from a few threads, at most `rate` a second, while the scenario breaks things.

    `late` counts deliveries that Sentry would have given up waiting for.
    """

    def __init__(self, port: int, messages: Iterable[Message], *, rate: float, threads: int = 8) -> None:
        self.port, self.rate = port, rate
        self.messages = list(messages)
        self.answers: list[Answered] = []
        self.late = 0
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="load")
        self._pace = threading.Lock()
        self._next_at = 0.0
        self._stop = threading.Event()

    def start(self) -> Self:
        """Begin; returns at once."""
        self._next_at = time.monotonic()
        self._waiting = [self._pool.submit(self._send, message) for message in self.messages]
        return self

    @property
    def share(self) -> float:
        """Which part of the messages has been answered."""
        return len(self.answers) / max(1, len(self.messages))

    def wait(self, seconds: float) -> "Load":
        """Until all are answered, or raise AssertionError."""
        end = time.monotonic() + seconds
        while len(self.answers) < len(self.messages):
            if time.monotonic() > end:
                self._stop.set()
                raise AssertionError(f"{len(self.messages) - len(self.answers)} messages were never answered")
            time.sleep(0.02)
        self._pool.shutdown()
        for waiting in self._waiting:
            waiting.result()
        return self

    @property
    def accepted(self) -> set[Event]:
        """Events of the messages that were answered with a 2xx."""
        return {answer.message.event for answer in self.answers if 200 <= answer.status < 300}

    @property
    def longest(self) -> float:
        """Seconds of the slowest answer."""
        return max((answer.seconds for answer in self.answers), default=0.0)

    def statuses(self) -> dict[int, int]:
        """How often each status was answered."""
        found = [answer.status for answer in self.answers]
        return {status: found.count(status) for status in sorted(set(found))}

    def _send(self, message: Message) -> None:
        self._keep_pace()
        for attempt in range(TRIES):
            if self._stop.is_set():
                return
            started = time.monotonic()
            status = post(self.port, message)
            if status:
                self.answers.append(Answered(message, status, time.monotonic() - started, attempt))
                return
            self.late += time.monotonic() - started >= SENTRY_TIMEOUT_SECONDS
            time.sleep(PAUSE_SECONDS)
        self.answers.append(Answered(message, 0, 0.0, TRIES))

    def _keep_pace(self) -> None:
        with self._pace:
            at = self._next_at = max(self._next_at + 1 / self.rate, time.monotonic() - 1)
        time.sleep(max(0.0, at - time.monotonic()))


def post(port: int, message: Message, *, timeout: float = SENTRY_TIMEOUT_SECONDS) -> int:
    """The status of one delivery; 0 when the connection was refused or broke, or took too long."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    headers = {"Content-Type": "application/json", "X-ServiceHook-Signature": message.signature}
    try:
        connection.request("POST", message.path, message.body, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
