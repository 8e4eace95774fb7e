"""Receivers of notices on this machine, on real sockets: of webhooks, with TLS or without, and a mail server."""

import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@dataclass
class Received:
    """What came in: connections, also those that said nothing, and whole requests."""

    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        """The body of the only request."""
        (request,) = self.requests
        return request.partition(b"\r\n\r\n")[2]

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the only request."""
        (request,) = self.requests
        lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}


Answer = Callable[[socketserver.StreamRequestHandler], None]


@contextmanager
def receiver(
    answer: bytes | Answer = OK, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[Received]:
    """A server that answers each request with the bytes given, or as the function says."""
    received = Received()

    class Handler(socketserver.StreamRequestHandler):
        def setup(self) -> None:
            received.connections += 1
            if tls:
                self.request = tls.wrap_socket(self.request, server_side=True)
            super().setup()

        def finish(self) -> None:
            super().finish()
            self.request.close()  # the wrapped one, of which the server knows nothing

        def handle(self) -> None:
            received.requests.append(_whole_request(self))
            if isinstance(answer, bytes):
                self.wfile.write(answer)
            else:
                answer(self)

    with _serving(Handler, host) as port:
        received.port = port
        yield received


def _whole_request(handler: socketserver.StreamRequestHandler) -> bytes:
    head = b""
    while (line := handler.rfile.readline()) not in (b"\r\n", b""):
        head += line
    sizes = [
        line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    ]
    return head + b"\r\n" + handler.rfile.read(int(sizes[0]) if sizes else 0)


@contextmanager
def mail_server(*, refuses: dict[str, bytes] | None = None) -> Iterator[tuple[int, list[EmailMessage]]]:
    """A mail server that answers the commands in `refuses` (`RCPT`, for example) so; yields its port and the mails."""
    mails: list[EmailMessage] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 sink\r\n")
            while line := self.rfile.readline():
                command = line[:4].decode().upper()
                if command in (refuses or {}):
                    self.wfile.write((refuses or {})[command] + b"\r\n")
                elif command == "DATA":
                    self.wfile.write(b"354 go on\r\n")
                    text = b"".join(iter(self.rfile.readline, b".\r\n"))
                    mails.append(message_from_bytes(text, policy=policy.default))
                    self.wfile.write(b"250 taken\r\n")
                else:
                    self.wfile.write(b"250 fine\r\n")

    with _serving(Handler, "127.0.0.1") as port:
        yield port, mails


@contextmanager
def _serving(handler: type[socketserver.StreamRequestHandler], host: str) -> Iterator[int]:
    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that went away is what some tests are about."""

    with Server((host, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def certificate_for(host: str, folder: Path) -> ssl.SSLContext:
    """A server's context with a certificate of its own making, stored in `folder`/cert.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    alternatives = [x509.DNSName(host), x509.IPAddress(ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context
