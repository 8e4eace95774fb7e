"""Answers that are given up in time, however slowly they drip: the timeout is for head and body together.

urllib3's is for each read of the socket; with it, a head of one byte a second outlasts any lease.
"""

import io
import socket
import time
from http.client import HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


class _Until(io.RawIOBase):
    """What comes from a socket until a moment of the monotonic clock; raises TimeoutError then."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, at: float) -> None:
        self._raw, self._sock, self._at = raw, sock, at

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class PunctualResponse(HTTPResponse):
    """An answer that has as many seconds as the socket's timeout says, from when it is waited for."""

    def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:
        super().__init__(sock, *arguments, **named)
        if (seconds := sock.gettimeout()) is not None:
            raw = self.fp.detach()
            self.fp = io.BufferedReader(_Until(raw, sock, time.monotonic() + seconds))


class _Http(HTTPConnection):
    response_class = PunctualResponse


class _Https(HTTPSConnection):
    response_class = PunctualResponse


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class PunctualAdapter(HTTPAdapter):
    """Connections, direct or through a proxy, whose answers are punctual."""

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

    def proxy_manager_for(self, proxy: str, **named: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **named)
        manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        return manager
