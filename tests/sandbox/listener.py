"""A small HTTP server that keeps what it is sent."""

import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.waiting import until


@dataclass(frozen=True)
class Request:
    """One POST. Header names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


class Listener:
    """Answers `status` after `delay` seconds; `requests` holds what came."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.status, self.delay = 202, 0.0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def forget(self) -> None:
        self.requests.clear()
        self.status, self.delay = 202, 0.0

    def wait_for(self, count: int, seconds: float = 10) -> list[Request]:
        """The first `count` requests; AssertionError when they do not come."""
        has_come = until(lambda: len(self.requests) >= count, seconds=seconds)
        assert has_come, f"{len(self.requests)} of {count} requests came"
        return self.requests[:count]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(listener: Listener) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            listener.requests.append(Request(self.path, headers, body))
            time.sleep(listener.delay)
            self.send_response(listener.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    return Handler
