"""Senders that begin a body and never finish it."""

import contextlib
import socket
from collections.abc import Iterator

from tests.faults.run import Run

SLOW = 50
ANSWER_SECONDS = 1.0


def slow_under_granian(run: Run) -> None:
    """Fifty unfinished bodies beside good webhooks."""
    slow(run, "granian")


def slow_under_gunicorn(run: Run) -> None:
    """The same under gunicorn with the shipped configuration."""
    slow(run, "gunicorn")


def slow(run: Run, server: str) -> None:
    """Good webhooks beside fifty that never end: answered in time."""
    stack = run.stack(*run.world.usual, server=server)
    source = run.source()
    with unfinished(stack.port, source.hook.url, SLOW):
        load = source.load(stack, run.count, run.dice, rate=60 if run.is_short else 100)
        load.wait(60)
    row = run.settle(source, load, seconds=60)
    assert row.accepted == run.count
    assert not load.late, f"{load.late} answers came too late for Sentry"
    run.in_time(row, ANSWER_SECONDS)


@contextlib.contextmanager
def unfinished(port: int, path: str, count: int) -> Iterator[None]:
    """Open `count` requests whose body stops in the middle."""
    path = "/webhooks/" + path.partition("/webhooks/")[2]
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n\r\n{{".encode()
    ends = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(count)]
    try:
        for end in ends:
            end.sendall(head)
        yield
    finally:
        for end in ends:
            end.close()
