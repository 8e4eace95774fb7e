"""Posting to addresses that somebody typed: nothing private is ever spoken to, on real sockets and real TLS."""

import socket
import ssl
import time

import pytest

from integrations import outside, public_addresses
from integrations.peers import PeerError
from tests.receiver import certificate_for, receiver

HOST = "hooks.example.com"


@pytest.fixture
def tls(tmp_path, monkeypatch):
    """A server's certificate for HOST that this process trusts."""
    server = certificate_for(HOST, tmp_path)
    monkeypatch.setattr(
        outside, "_trust", lambda: ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    )
    return server


@pytest.fixture
def leads_to(monkeypatch):
    """Have HOST lead to these addresses, and port 443 to this one."""

    def lead(*addresses, port):
        def resolve(host, _port, *args, **kwargs):
            assert host == HOST
            return [
                (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
                for each in addresses
            ]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)

    return lead


@pytest.fixture
def public(monkeypatch):
    """Take 127.0.0.1 for public."""
    monkeypatch.setattr(outside, "is_public", lambda address: address == "127.0.0.1")


def refused(address):
    with pytest.raises(PeerError) as raised:
        outside.post(address, b"{}", {})
    return raised.value


def test_a_public_receiver_gets_exactly_the_body_over_tls(tls, leads_to, public):
    with receiver(tls=tls) as server:
        leads_to("127.0.0.1", port=server.port)
        answer = outside.post(f"https://{HOST}/in?token=1", b'{"a": 1}', {"webhook-id": "x"})

    assert (answer.status, answer.text) == (200, "ok")
    assert server.requests[0].startswith(b"POST /in?token=1 HTTP/1.1\r\n")
    assert server.body == b'{"a": 1}'
    assert server.headers["host"] == HOST
    assert (server.headers["webhook-id"], server.headers["user-agent"]) == ("x", "sentry-fme")


@pytest.mark.parametrize(
    "leads",
    [
        ["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["::1"], ["::ffff:127.0.0.1"], ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"], ["8.8.8.8", "127.0.0.1"],
    ],
)  # fmt: skip
def test_a_name_that_leads_to_a_private_address_is_not_even_connected_to(tls, leads_to, monkeypatch, leads):
    tried = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, place: tried.append(place))
    with receiver(tls=tls) as server:
        leads_to(*leads, port=server.port)
        error = refused(f"https://{HOST}/")

    assert error.permanent
    assert "not on the public internet, so nothing was sent" in str(error)
    assert (tried, server.connections) == ([], 0)


def test_the_address_of_the_socket_itself_is_judged_before_a_byte_is_sent(tls, leads_to, monkeypatch):
    judged = []

    def is_public_once(address):
        judged.append(address)
        return len(judged) == 1

    monkeypatch.setattr(outside, "is_public", is_public_once)
    with receiver(tls=tls) as server:
        leads_to("127.0.0.1", port=server.port)
        error = refused(f"https://{HOST}/")

    assert error.permanent
    assert judged == ["127.0.0.1", "127.0.0.1"]
    assert server.requests == []


def test_a_name_is_looked_up_once_so_that_a_second_answer_changes_nothing(tls, leads_to, monkeypatch, public):
    with receiver(tls=tls) as server:
        leads_to("127.0.0.1", port=server.port)
        first, calls = socket.getaddrinfo, []

        def rebinding(*args, **kwargs):
            calls.append(args)
            return first(*args, **kwargs) if len(calls) == 1 else []

        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        outside.post(f"https://{HOST}/", b"{}", {})

    assert len(calls) == 1


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "localhost",
        "127.1",
        "2130706433",
    ],
)
def test_private_addresses_are_refused_however_they_are_written(monkeypatch, host):
    with receiver() as server:
        monkeypatch.setattr(public_addresses, "HTTPS_PORT", server.port)
        error = refused(f"https://{host}:{server.port}/")

    assert error.permanent
    assert server.connections == 0


def test_a_certificate_of_somebody_else_is_not_trusted(tmp_path, monkeypatch, leads_to, public):
    with receiver(tls=certificate_for(HOST, tmp_path)) as server:
        leads_to("127.0.0.1", port=server.port)
        error = refused(f"https://{HOST}/")

    assert not error.permanent
    assert "SSLCertVerificationError" in str(error)
    assert server.requests == []


def test_a_certificate_for_another_name_is_not_trusted(tmp_path, tls, leads_to, public):
    with receiver(tls=certificate_for("other.example.com", tmp_path)) as server:
        leads_to("127.0.0.1", port=server.port)
        error = refused(f"https://{HOST}/")

    assert "did not answer" in str(error)
    assert server.requests == []


@pytest.fixture
def development(settings):
    settings.NOTICES_ALLOW_PRIVATE = True


def answering(status, *headers, body=b"no"):
    head = "\r\n".join((f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers))
    return head.encode() + b"\r\n\r\n" + body


def test_in_development_a_receiver_on_this_machine_will_do(development):
    with receiver() as server:
        outside.post(f"http://127.0.0.1:{server.port}/in", b"{}", {})

    assert server.body == b"{}"


def test_a_redirect_is_not_followed(development):
    with (
        receiver() as goal,
        receiver(answering("302 Found", f"Location: http://127.0.0.1:{goal.port}/")) as server,
    ):
        error = refused(f"http://127.0.0.1:{server.port}/")

    assert error.permanent
    assert "Redirects are not followed" in str(error)
    assert (len(server.requests), goal.connections) == (1, 0)


def test_a_proxy_of_the_environment_is_not_used(development, monkeypatch):
    with receiver() as proxy, receiver() as server:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        outside.post(f"http://127.0.0.1:{server.port}/", b"{}", {})

    assert (proxy.connections, server.connections) == (0, 1)


@pytest.mark.parametrize(
    ("status", "permanent"),
    [("400 Bad Request", True), ("404 Not Found", True), ("410 Gone", True), ("408 Timeout", False),
     ("429 Too Many Requests", False), ("500 Oh", False), ("503 Busy", False)],
)  # fmt: skip
def test_a_refusal_is_permanent_and_a_failure_is_not(development, status, permanent):
    with receiver(answering(status, "Retry-After: 7")) as server:
        error = refused(f"http://127.0.0.1:{server.port}/secret-path")

    assert (error.permanent, error.retry_after_seconds) == (permanent, 7.0)
    assert "secret-path" not in str(error)


@pytest.mark.parametrize(
    "part", [b"x", b"HTTP/1.1 200 OK\r\nX-Slow: "], ids=["nothing sensible", "a head without end"]
)
def test_an_answer_that_drips_is_cut_off_in_time(development, settings, part):
    settings.PEER_CONNECT_TIMEOUT_SECONDS = settings.PEER_READ_TIMEOUT_SECONDS = 0.4

    def drip(handler):
        handler.wfile.write(part)
        for _ in range(100):
            time.sleep(0.05)
            handler.wfile.write(b"x")

    started = time.monotonic()
    with receiver(drip) as server:
        error = refused(f"http://127.0.0.1:{server.port}/")
        took = time.monotonic() - started

    assert not error.permanent
    assert took < 3


def test_a_body_without_end_is_not_read_to_its_end(development):
    def flood(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            handler.wfile.write(b"x" * 65_536)

    with receiver(flood) as server:
        answer = outside.post(f"http://127.0.0.1:{server.port}/", b"{}", {})

    assert len(answer.content) == outside.MOST_READ


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"]
)
def test_an_answer_that_is_none_comes_as_an_error_that_may_pass(development, answer):
    with receiver(answer) as server:
        error = refused(f"http://127.0.0.1:{server.port}/")

    assert not error.permanent


def test_nobody_there_is_an_error_that_may_pass(development):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    assert not refused(f"http://127.0.0.1:{port}/").permanent


def test_a_name_that_nobody_knows_is_an_error_that_may_pass():
    error = refused("https://hooks.invalid/secret")

    assert not error.permanent
    assert "secret" not in str(error)
