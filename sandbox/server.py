"""A small threaded HTTP/1.1 server for one WSGI application, which may cut the caller's connection.

Other WSGI servers hide the socket, and a stand-in that cannot drop a connection cannot show what a dropped
connection does. `environ["sandbox.connection"]` is the way to it.
"""

import contextlib
import io
import socket
import socketserver
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIApplication

KEY = "sandbox.connection"
DRAIN_BYTES = 1024 * 1024


class SandboxServer(socketserver.ThreadingTCPServer):
    """One thread a connection; all of them end with the process."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, address: tuple[str, int], application: WSGIApplication) -> None:
        self.application = application
        super().__init__(address, Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A peer that goes away is everyday business here."""


class Connection:
    """The caller's connection, as far as the application may touch it."""

    def __init__(self, peer: socket.socket) -> None:
        self._peer = peer
        self.is_cut = False

    def cut(self) -> None:
        """Close now, without an answer. What the application returns afterwards goes nowhere."""
        self.is_cut = True
        with contextlib.suppress(OSError):
            self._peer.shutdown(socket.SHUT_RDWR)


class Body(io.RawIOBase):
    """The request body, never read past its end, with a count of what is left."""

    def __init__(self, stream: io.BufferedIOBase, length: int) -> None:
        self._stream = stream
        self.left = length

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        wanted = self.left if size is None or size < 0 else min(size, self.left)
        data = self._stream.read(wanted) if wanted else b""
        self.left = self.left - len(data) if data else 0
        return data


class Handler(BaseHTTPRequestHandler):
    """Turns requests of one kept connection into WSGI calls."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 120
    server: SandboxServer

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.serve
        raise AttributeError(name)

    def serve(self) -> None:
        """Answer one request, whatever its method."""
        self.connection_ = Connection(self.connection)
        body = self._body()
        chunks = self.server.application(self._environ(body), self._start)
        try:
            payload = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        if self.connection_.is_cut:
            self.close_connection = True
            return
        if body.left:
            self.close_connection = body.left > DRAIN_BYTES
            body.read(min(body.left, DRAIN_BYTES))
        self._send(payload)

    def _body(self) -> Body:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            data = self._dechunk()
            return Body(io.BytesIO(data), len(data))
        return Body(self.rfile, int(self.headers.get("Content-Length") or 0))

    def _dechunk(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline(64).split(b";")[0].strip() or b"0", 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline(8)
        while self.rfile.readline(1024).strip():
            pass
        return b"".join(parts)

    def _environ(self, body: Body) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(body.left),
            "REMOTE_ADDR": self.client_address[0],
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": str(self.server.server_address[1]),
            "SERVER_PROTOCOL": self.request_version,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": body,
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            KEY: self.connection_,
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            if key not in ("CONTENT_TYPE", "CONTENT_LENGTH") and "_" not in name:
                environ[f"HTTP_{key}"] = value
        return environ

    def _start(
        self, status: str, headers: list[tuple[str, str]], exc_info: object = None, /
    ) -> Callable[[bytes], object]:
        self._status, self._headers = status, headers
        return self.wfile.write  # WSGI wants it; Django never calls it

    def _send(self, payload: bytes) -> None:
        code, _, words = self._status.partition(" ")
        self.send_response(int(code), words)
        for name, value in self._headers:
            self.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in self._headers) and code != "204":
            self.send_header("Content-Length", str(len(payload)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """The control interface is the log; a line for each request would drown the product's."""
