"""The floor: the least that takes a webhook durably. Signature, INSERT, COMMIT; no routing, no rules, no metrics."""

import hashlib
import hmac
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

import psycopg

SECRET = os.environ.get("FLOOR_SECRET", "").encode()
INSERT = "INSERT INTO message (event_id, body) VALUES (%s, %s) ON CONFLICT (event_id) DO NOTHING"
thread = threading.local()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Store one body; the event id is the last value in it, so nothing is parsed."""
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    expected = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, environ.get("HTTP_X_SERVICEHOOK_SIGNATURE", "")):
        start_response("401 Unauthorized", [("Content-Length", "0")])
        return [b""]
    if not hasattr(thread, "connection"):
        thread.connection = psycopg.connect(os.environ["FLOOR_DATABASE_URL"])
    with thread.connection.transaction():
        thread.connection.execute(INSERT, (body[-35:-3].decode(), body))
    start_response("202 Accepted", [("Content-Length", "2")])
    return [b"ok"]
