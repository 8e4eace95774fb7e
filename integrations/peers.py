"""One HTTP client for both peers: bounded in time and size, no redirects, no retries of its own.

Whatever a peer answers becomes an `Answer`; no answer at all becomes a `PeerError`. What to try again, and
when, is the business of the row that wanted the call.
"""

import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from requests.utils import check_header_validity
from urllib3 import exceptions as urllib3_errors

from integrations.payloads.lenient import JsonValue
from integrations.punctual import PunctualAdapter
from integrations.words import conceal, retry_after_seconds, words_of

MAX_ANSWER_BYTES = 1_000_000
"""What is read of an answer; the longest useful one is a page of a hundred hooks or a thousand projects."""

LEASE_SHARE = 3
"""A call may take at most this part of a lease, so that a worker still holds its claim when the answer comes.
"""

USER_AGENT = "sentry-fme"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_CHUNK = 65_536


class PeerError(Exception):
    """A peer refused, or did not answer. The message is the peer's words and what to do; it holds no secret.

    `permanent`: the same request would be refused again. `retry_after_seconds`: the peer's own wish.
    `status`: of the answer, None without one. `ambiguous`: it was sent and no answer came, so it may have
    been carried out.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        retry_after_seconds: float | None = None,
        status: int | None = None,
        ambiguous: bool = False,
        body: JsonValue = None,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after_seconds = retry_after_seconds
        self.status = status
        self.ambiguous = ambiguous
        self.body = body

    @property
    def was_refused(self) -> bool:
        """Whether the peer answered that it will not: not out of reach, not busy, not broken."""
        return self.permanent and self.status is not None

    def in_words(self, sentence: str) -> "PeerError":
        """The same with another sentence."""
        return PeerError(
            sentence,
            permanent=self.permanent,
            retry_after_seconds=self.retry_after_seconds,
            status=self.status,
            ambiguous=self.ambiguous,
            body=self.body,
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What a peer said: any status, at most MAX_ANSWER_BYTES of body."""

    peer: str
    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def json(self) -> JsonValue:
        """The decoded body; None when it is not JSON."""
        try:
            return json.loads(self.content)  # type: ignore[no-any-return]  # json.loads returns JSON values
        except (ValueError, RecursionError):
            return None

    @property
    def text(self) -> str:
        """The peer's words, in one line, without what was secret in the request."""
        return conceal(words_of(self.content), self.secrets)

    @property
    def retry_after_seconds(self) -> float | None:
        """How long the peer asks to wait, if it does."""
        return retry_after_seconds(self.status, self.headers, now=time.time())

    def expect(self, *statuses: int) -> "Answer":
        """This answer when its status is one of `statuses`; else raises PeerError in the peer's words."""
        if self.status in statuses:
            return self
        words = _sentence(self.text or _phrase(self.status))
        raise PeerError(
            f"{self.peer} {_verb(self.status)} ({self.status}): {words}",
            permanent=is_permanent(self.status),
            retry_after_seconds=self.retry_after_seconds,
            status=self.status,
            body=self.json,
        )


@dataclass(frozen=True, slots=True)
class Peer:
    """One peer by name and base address; every call is one request."""

    name: str
    base_url: str

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str | int] | None = None,
        body: JsonValue | bytes = None,
        secrets: tuple[str, ...] = (),
    ) -> Answer:
        """Send one request and return its answer, whatever the status; `secrets` never show up in words.

        Raises PeerError when there is no answer, `ambiguous` when the request may have been read.
        """
        self._refuse_unsendable(headers or {})
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        try:
            common, way = _common(method, f"{self.base_url}{path}", tuple((params or {}).items()))
            request = common.copy()
            request.headers.update(headers or {})
            if content is not None:
                request.headers["Content-Type"] = "application/json"
                request.prepare_body(content, None)
            with _session.send(request, timeout=timeouts(), allow_redirects=False, **way) as response:
                read_so_far = _read(response)
        except (requests.RequestException, urllib3_errors.HTTPError) as error:
            raise self._no_answer(error) from None  # the cause's text holds the whole address
        return Answer(self.name, response.status_code, response.headers, read_so_far, secrets)

    def _refuse_unsendable(self, headers: Mapping[str, str]) -> None:
        """Of our headers only credentials are free text; http.client's own words would quote them."""
        try:
            for header in headers.items():
                check_header_validity(header)
                header[1].encode("latin-1")
        except (requests.exceptions.InvalidHeader, UnicodeEncodeError):
            raise PeerError(
                f"The credentials for {self.name} hold characters that no request can carry, so nothing was "
                "sent. Set or enter them again, without line breaks and without anything around them."
            ) from None

    def _no_answer(self, error: Exception) -> PeerError:
        if _never_sent(error):
            return PeerError(f"{self.name} cannot be reached at {self.base_url} ({_kind(error)}).")
        return PeerError(f"{self.name} did not answer in time or broke off ({_kind(error)}).", ambiguous=True)


def timeouts() -> tuple[float, float]:
    """Seconds to connect and to wait for all of an answer; together within a third of the lease."""
    share = settings.LEASE_SECONDS / LEASE_SHARE
    connect = min(float(settings.PEER_CONNECT_TIMEOUT_SECONDS), share / 3)
    return connect, min(float(settings.PEER_READ_TIMEOUT_SECONDS), share - connect)


def is_permanent(status: int) -> bool:
    """Whether the same request would be answered the same again: redirects and refusals, not limits or failures."""
    return 300 <= status < 500 and status not in (408, 425, 429)


def _read(response: requests.Response) -> bytes:
    """The body as far as MAX_ANSWER_BYTES."""
    content = bytearray()
    while len(content) <= MAX_ANSWER_BYTES:
        if not (part := response.raw.read1(_CHUNK, decode_content=True)):
            return bytes(content)
        content += part
    raise requests.exceptions.ContentDecodingError


def _never_sent(error: Exception) -> bool:
    never = requests.exceptions
    if isinstance(error, never.ConnectTimeout | never.ProxyError):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(reason, urllib3_errors.SSLError):  # others may come after the request, from a broken record
        return isinstance(reason.args[0] if reason.args else None, ssl.SSLCertVerificationError)
    return isinstance(reason, urllib3_errors.NewConnectionError | urllib3_errors.ConnectTimeoutError)


def _kind(error: Exception) -> str:
    """What broke, by class: the text of these errors holds addresses with queries."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return type(reason or error).__name__


def _verb(status: int) -> str:
    return "refused" if is_permanent(status) else "limits requests" if status == 429 else "failed"


def _sentence(words: str) -> str:
    """Ended, so that what to do can follow."""
    return words if words.endswith((".", "!", "?", "…")) else f"{words}."


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no further words"


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """A redirect is an answer like any other; requests would read all of its body to follow it."""


def _new_session() -> requests.Session:
    """Kept connections for all threads of a process; urllib3's pool is thread-safe, cookies are refused."""
    session = _Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.auth = _no_netrc
    adapter = PunctualAdapter(pool_connections=4, pool_maxsize=16, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _no_netrc(request: Any) -> Any:
    """Proxies and certificates are taken from the environment, passwords of a .netrc are not."""
    return request


_session = _new_session()


@lru_cache(maxsize=64)
def _common(
    method: str, url: str, params: tuple[tuple[str, str | int], ...]
) -> tuple[requests.PreparedRequest, Mapping[str, Any]]:
    """What all requests like this one have in common, without any secret, and the way they go.

    That is, the proxies and certificates of the environment, but never a proxy to a peer on this machine. To work it
    out anew took a quarter of the CPU of a POST of a thousand events, and while a process runs it stays the same.
    """
    headers = {"Accept": "application/json", "User-Agent": USER_AGENT}
    request = _session.prepare_request(requests.Request(method, url, headers=headers, params=dict(params)))
    is_here = urlsplit(url).hostname in _LOOPBACK
    proxies = {"no_proxy": ",".join(_LOOPBACK)} if is_here else {}
    return request, _session.merge_environment_settings(
        request.url, proxies, stream=True, verify=None, cert=None
    )
