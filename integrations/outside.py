"""One POST to an address that somebody typed: https, public networks only, no redirect, no proxy, bounded.

Where a name leads is judged at the moment of connecting, on the very address the socket connects to: a name that
was public when it was typed may be private now, and back again a second later.
"""

import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from http.client import HTTPException
from typing import Final

import certifi
from django.conf import settings
from urllib3 import HTTPResponse
from urllib3 import exceptions as urllib3_errors
from urllib3.connection import HTTPConnection, HTTPSConnection

from integrations.peers import USER_AGENT, Answer, PeerError, timeouts
from integrations.public_addresses import Target, Unfit, is_public, target_of
from integrations.punctual import PunctualResponse

MOST_READ: Final = 4096
"""Bytes of an answer's body: enough for a sentence to show."""

NAME: Final = "The receiver"
NOT_PUBLIC: Final = "It leads to an address that is not on the public internet, so nothing was sent."
REDIRECTS: Final = " Redirects are not followed: enter the address it leads to."


class NotPublicError(Exception):
    """The address a socket would connect to, or is connected to, is not public."""


def post(address: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send `body` and return the answer when its status is 2xx.

    Raises PeerError otherwise: `permanent` when the address is refused before a byte is sent, or the receiver refuses.
    """
    try:
        target = target_of(address, may_be_private=settings.NOTICES_ALLOW_PRIVATE)
        answer = _exchange(target, body, {"User-Agent": USER_AGENT, "Accept": "*/*", **headers})
    except Unfit as reason:
        raise PeerError(str(reason), permanent=True) from None
    except NotPublicError:
        raise PeerError(NOT_PUBLIC, permanent=True) from None
    except (urllib3_errors.HTTPError, HTTPException, OSError, ValueError) as error:
        raise PeerError(f"{NAME} did not answer ({_kind(error)}).") from None
    try:
        return answer.expect(*range(200, 300))
    except PeerError as error:
        more = REDIRECTS if 300 <= answer.status < 400 else ""
        raise PeerError(
            f"{error}{more}",
            permanent=error.permanent,
            retry_after_seconds=error.retry_after_seconds,
            status=error.status,
        ) from None


def _exchange(target: Target, body: bytes, headers: dict[str, str]) -> Answer:
    with closing(_connection_to(target, timeout=timeouts()[1])) as connection:
        connection.request("POST", target.path, body, headers, preload_content=False)
        with closing(connection.getresponse()) as response:
            return Answer(NAME, response.status, response.headers, _read(response))


def _connection_to(target: Target, *, timeout: float) -> HTTPConnection:
    if target.is_https:
        return PublicHttps(target.host, target.port, timeout=timeout, ssl_context=_trust())
    return PublicHttp(target.host, target.port, timeout=timeout)


def _trust() -> ssl.SSLContext:
    """The certificates that this machine trusts, and those that come with Python's packages."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _read(response: HTTPResponse) -> bytes:
    """The first bytes of the body; the rest is not asked for, and what drips is not waited for: the status is known."""
    content = b""
    with suppress(urllib3_errors.ReadTimeoutError):
        while len(content) < MOST_READ:
            if not (part := response.read1(MOST_READ - len(content), decode_content=False)):
                break
            content += part
    return content


def _connect(host: str, port: int, timeout: float) -> socket.socket:
    """A socket to `host`, connected to an address that was judged; a name with one private address is refused whole."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for *_, place in found:
        _refuse_private(str(place[0]))
    deadline = time.monotonic() + timeout
    reason: OSError = OSError("no address")
    for family, kind, protocol, _, place in found:
        connected = socket.socket(family, kind, protocol)
        try:
            connected.settimeout(max(deadline - time.monotonic(), 0.05))
            connected.connect(place)
            _refuse_private(str(connected.getpeername()[0]))
        except OSError as error:
            connected.close()
            reason = error
        except NotPublicError:
            connected.close()
            raise
        else:
            return connected
    raise reason


def _refuse_private(address: str) -> None:
    if not settings.NOTICES_ALLOW_PRIVATE and not is_public(address):
        raise NotPublicError


class PublicHttp(HTTPConnection):
    """Connects to public addresses only; plain http is for development."""

    response_class = PunctualResponse

    def _new_conn(self) -> socket.socket:
        connected = _connect(self.host, self.port, timeouts()[0])
        connected.settimeout(self.timeout)  # from here on for each part of TLS, request and answer
        return connected


class PublicHttps(PublicHttp, HTTPSConnection):
    """The same with TLS, whose certificate has to be for the name that was typed."""


def _kind(error: Exception) -> str:
    """What broke, by class: the text of these errors may hold the whole address."""
    reason = getattr(error, "reason", None)
    return type(reason if isinstance(reason, Exception) else error).__name__
