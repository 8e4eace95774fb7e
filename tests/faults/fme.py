"""A stand-in of FME's intake that can fail in every way, and counts each event it accepted."""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.faults.payloads import Event

Answer = tuple[int, dict[str, str]]
Batch = list[Event]


class NoAnswer(Exception):
    """Cut the connection without a word."""


@dataclass
class Intake:
    """What one SDK key's environment does with a batch, and what it has accepted."""

    accepted: Counter[Event] = field(default_factory=Counter)
    last_at: float = 0.0
    posts: int = 0
    under_way: int = 0
    answer: Callable[[Batch], Answer] = lambda batch: (202, {})
    """Decides about a batch: 2xx accepts it; NoAnswer cuts the connection."""
    accepts_silently: bool = False
    """Accepts the batch, then cuts the connection instead of answering."""
    gateway_status: int = 0
    """With it, a gateway in between answers that instead, since it never saw the answer."""
    cuts_before_reading: bool = False
    seconds: float = 0.0


class Fme:
    """The server, in a thread of the suite; `url` is FME_EVENTS_URL."""

    def __init__(self) -> None:
        self.intakes: dict[str, Intake] = {}
        self.lock = threading.Lock()
        self.server = _Server(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/api"
        threading.Thread(target=self.server.serve_forever, name="fme", daemon=True).start()

    def intake(self, sdk_key: str) -> Intake:
        """The environment of one SDK key."""
        with self.lock:
            return self.intakes.setdefault(sdk_key, Intake())

    def accepted(self, sdk_keys: list[str]) -> Counter[Event]:
        """How often each event was accepted, over some environments."""
        with self.lock:
            return sum((self.intakes[key].accepted for key in sdk_keys if key in self.intakes), Counter())

    def take(self, intake: Intake, batch: Batch, decide: Callable[[Batch], Answer]) -> Answer:
        """Decide about a batch and count what is accepted."""
        status, headers = decide(batch)
        if 200 <= status < 300:
            with self.lock:
                intake.accepted.update(batch)
                intake.last_at = time.monotonic()
            if intake.accepts_silently and not intake.gateway_status:
                raise NoAnswer
            if intake.accepts_silently:
                return intake.gateway_status, {}
        return status, headers

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed in the middle of a request is what this suite is about."""


def _handler(fme: Fme) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            intake = fme.intake(self.headers["Authorization"].removeprefix("Bearer "))
            intake.posts += 1
            if intake.cuts_before_reading:
                return self.cut()
            batch = [
                event_of(entry) for entry in json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            ]
            decide = intake.answer  # as things are now, not when a slow answer is ready
            intake.under_way += 1
            time.sleep(intake.seconds)
            intake.under_way -= 1
            try:
                status, headers = fme.take(intake, batch, decide)
            except NoAnswer:
                return self.cut()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None

        def cut(self) -> None:
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.connection.close()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    return Handler


def event_of(entry: dict[str, object]) -> Event:
    """What this suite counts of a track event."""
    properties = entry["properties"]
    assert isinstance(properties, dict)
    assert entry["eventTypeId"] == "sentry_exception"
    return Event(str(properties["event_id"]), str(entry["environmentName"]), str(entry["key"]))
