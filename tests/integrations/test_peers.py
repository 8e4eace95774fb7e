"""One HTTP client for both peers: what it sends, what it never does, and what it makes of trouble."""

import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests as requests_library
from urllib3 import HTTPConnectionPool
from urllib3 import exceptions as urllib3_errors

from integrations import peers
from integrations.peers import Peer, PeerError, timeouts


@contextmanager
def server(*answers: bytes, pause: float = 0.0) -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives each connection the next answer byte for byte; yields its address and the requests."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(5)
    requests: list[bytes] = []

    def serve() -> None:
        for answer in answers:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                requests.append(whole_request(connection))
                for start in range(0, len(answer), 200 if pause else max(len(answer), 1)):
                    time.sleep(pause)
                    try:
                        connection.sendall(answer[start : start + 200] if pause else answer)
                    except OSError:
                        return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", requests
    finally:
        listener.close()
        thread.join()


def whole_request(connection: socket.socket) -> bytes:
    """Head and body, which may come in two parts."""
    read = b""
    while part := connection.recv(65_536):
        read += part
        head, end, body = read.partition(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        if end and len(body) >= int(length.group(1) if length else 0):
            break
    return read


def answering(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


def test_an_answer_of_any_status_is_an_answer():
    with server(answering(b'{"detail": "Sorry"}', "503 Service Unavailable", "Retry-After: 7")) as (url, _):
        answer = Peer("Sentry", url).ask("GET", "/")

    assert (answer.status, answer.text, answer.retry_after_seconds) == (503, "Sorry", 7.0)


def test_nothing_of_one_request_is_left_for_the_next():
    with server(*[answering(b"{}")] * 3) as (url, requests):
        for token in ("one", "two"):
            Peer("FME", url).ask("POST", "/", headers={"Authorization": f"Bearer {token}"}, body=[token])
        Peer("FME", url).ask("POST", "/")

    assert [re.findall(rb"Bearer (\w+)", request) for request in requests] == [[b"one"], [b"two"], []]
    assert [request.partition(b"\r\n\r\n")[2] for request in requests] == [b'["one"]', b'["two"]', b""]


@pytest.mark.parametrize("secret", ["secret\n", "se\r\ncret", "sécret–", "\ud800"])
def test_a_secret_that_no_header_can_hold_is_told_and_never_quoted(secret):
    with pytest.raises(PeerError) as raised:
        Peer("FME", "http://127.0.0.1:1").ask("GET", "/", headers={"Authorization": f"Bearer {secret}"})

    assert (str(raised.value), raised.value.ambiguous) == (
        "The credentials for FME hold characters that no request can carry, so nothing was sent. "
        "Set or enter them again, without line breaks and without anything around them.",
        False,
    )
    assert raised.value.__suppress_context__


def test_an_unexpected_status_is_raised_in_the_peers_words():
    with server(answering(b'{"detail": "Sorry"}', "403 Forbidden")) as (url, _):
        answer = Peer("Sentry", url).ask("GET", "/")

    with pytest.raises(PeerError, match=r"^Sentry refused \(403\): Sorry\.$") as raised:
        answer.expect(200)
    assert (raised.value.permanent, raised.value.status, raised.value.ambiguous) == (True, 403, False)


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(302, True), (400, True), (404, True), (408, False), (429, False), (500, False), (503, False)],
)
def test_refusals_are_permanent_and_limits_and_failures_are_not(status, permanent):
    assert peers.is_permanent(status) is permanent


def test_a_redirect_is_not_followed():
    moved = answering(b'{"slug": "new"}', "302 Found", "Location: http://127.0.0.1:9/elsewhere")
    with server(moved) as (url, _):
        answer = Peer("Sentry", url).ask("GET", "/")

    assert (answer.status, answer.json) == (302, {"slug": "new"})


def test_a_peer_that_is_not_there_was_never_sent_anything():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    with pytest.raises(PeerError, match="cannot be reached") as raised:
        Peer("Sentry", f"http://127.0.0.1:{port}").ask("POST", "/", body=b"[]")

    assert (raised.value.ambiguous, raised.value.permanent, raised.value.status) == (False, False, None)


def test_a_name_that_does_not_exist_was_never_sent_anything():
    with pytest.raises(PeerError, match=r"cannot be reached at http://peer\.invalid") as raised:
        Peer("Sentry", "http://peer.invalid").ask("POST", "/", body=b"[]")

    assert not raised.value.ambiguous


def test_a_connection_cut_after_the_request_is_ambiguous():
    with server(b"") as (url, requests), pytest.raises(PeerError, match="broke off") as raised:
        Peer("Sentry", url).ask("POST", "/", body=b"[1]")

    assert raised.value.ambiguous
    assert requests[0].endswith(b"[1]")


def test_an_answer_cut_in_the_middle_is_ambiguous():
    half = answering(b"x" * 100)[:-50]
    with server(half) as (url, _), pytest.raises(PeerError) as raised:
        Peer("Sentry", url).ask("POST", "/", body=b"[1]")

    assert raised.value.ambiguous


def test_no_answer_in_time_is_ambiguous(settings):
    settings.PEER_READ_TIMEOUT_SECONDS = 0.2
    with server(answering(b"late"), pause=1.0) as (url, _), pytest.raises(PeerError) as raised:
        Peer("Sentry", url).ask("POST", "/", body=b"[1]")

    assert raised.value.ambiguous


@pytest.mark.parametrize("slow", ["body", "head"])
def test_an_answer_that_drips_is_given_up_in_time(settings, slow):
    settings.PEER_CONNECT_TIMEOUT_SECONDS = settings.PEER_READ_TIMEOUT_SECONDS = 0.3
    answer = answering(b"x" * 20_000)
    if slow == "head":
        answer = answer.replace(b"\r\n", b"\r\nX-Padding: " + b"x" * 20_000 + b"\r\n", 1)
    with server(answer, pause=0.05) as (url, _):
        started = time.monotonic()
        with pytest.raises(PeerError) as raised:
            Peer("Sentry", url).ask("GET", "/")
        lasted = time.monotonic() - started

    assert raised.value.ambiguous
    assert lasted < 1.5


def test_an_endless_answer_is_not_read_to_its_end():
    with server(answering(b"x" * (peers.MAX_ANSWER_BYTES + 1))) as (url, _), pytest.raises(PeerError):
        Peer("Sentry", url).ask("GET", "/")


def test_what_is_sent_names_neither_machine_nor_library():
    with server(answering(b"{}")) as (url, requests):
        Peer("Sentry", url).ask("POST", "/path/", headers={"Authorization": "Bearer t"}, body={"a": 1})

    head, body = requests[0].split(b"\r\n\r\n")
    names = sorted(line.split(b":")[0].decode() for line in head.split(b"\r\n")[1:])
    assert names == [
        "Accept", "Accept-Encoding", "Authorization", "Connection", "Content-Length", "Content-Type", "Host",
        "User-Agent",
    ]  # fmt: skip
    assert b"User-Agent: sentry-fme\r\n" in head
    assert body == b'{"a": 1}'


def test_cookies_are_not_kept():
    with server(answering(b"{}", "200 OK", "Set-Cookie: a=b"), answering(b"{}")) as (url, requests):
        Peer("Sentry", url).ask("GET", "/")
        Peer("Sentry", url).ask("GET", "/")

    assert b"Cookie" not in requests[1]


def test_a_netrc_never_replaces_a_token(tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with server(answering(b"{}")) as (url, requests):
        Peer("Sentry", url).ask("GET", "/", headers={"Authorization": "Bearer t"})

    assert b"Authorization: Bearer t\r\n" in requests[0]


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with server(answering(b'"here"')) as (url, _):
        assert Peer("Sentry", url).ask("GET", "/").json == "here"


def test_a_secret_that_a_peer_repeats_is_not_repeated_here():
    with server(answering(b'{"detail": "no such code: s3cr3t"}', "400 Bad Request")) as (url, _):
        answer = Peer("Sentry", url).ask("POST", "/", body={"code": "s3cr3t"}, secrets=("s3cr3t",))

    assert answer.text == "no such code: …"
    assert "s3cr3t" not in repr(answer)


def test_no_error_holds_an_address_with_its_query():
    with pytest.raises(PeerError) as raised:
        Peer("Sentry", "http://127.0.0.1:9").ask("GET", "/", params={"code": "s3cr3t"})

    assert "s3cr3t" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(("lease", "together"), [(30, 10), (3, 1), (300, 14)])
def test_a_call_takes_at_most_a_third_of_a_lease(settings, lease, together):
    settings.PEER_CONNECT_TIMEOUT_SECONDS, settings.PEER_READ_TIMEOUT_SECONDS = 5, 9
    settings.LEASE_SECONDS = lease

    assert sum(timeouts()) == pytest.approx(together)


@pytest.mark.parametrize(
    ("cause", "ambiguous"),
    [
        (ssl.SSLCertVerificationError("certificate verify failed"), False),
        (ssl.SSLError("decryption failed or bad record mac"), True),  # it may have come instead of the answer
    ],
)
def test_only_a_refused_certificate_says_that_nothing_was_sent(monkeypatch, cause, ambiguous):
    def fail(*args, **options):
        pool = HTTPConnectionPool("127.0.0.1")
        reason = urllib3_errors.MaxRetryError(pool, "/", urllib3_errors.SSLError(cause))
        raise requests_library.exceptions.SSLError(reason)

    monkeypatch.setattr(peers._session, "send", fail)

    with pytest.raises(PeerError) as raised:
        Peer("FME", "https://127.0.0.1:1").ask("POST", "/")

    assert raised.value.ambiguous == ambiguous
