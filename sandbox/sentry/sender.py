"""Webhooks on their way out: rows, sent by a few threads with Sentry's timeouts and Sentry's way of retrying.

A service hook's HTTP status is ignored: any answer ends the delivery, only connection errors and timeouts are
tried again (3 more times). An app webhook is delivered with 2xx and 3xx, given up with 4xx, else repeated.
"""

import hashlib
import hmac
import http.client
import json
import ssl
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sandbox.options import options
from sandbox.sentry import messages
from sandbox.store import setting, store

THREADS = 6
RETRIES = 3
RETRY_SECONDS = 300.0
KEPT_BODIES = 2000
USER_AGENT = "sentry/23.7.1 (https://sentry.io)"
TIMEOUTS = {"service_hook": 5.0, "sentry_app": 1.0}
_bell = threading.Event()


@dataclass(frozen=True, slots=True)
class Outcome:
    """One try: a status, or what went wrong instead."""

    status: int | None
    error: str
    seconds: float


def enqueue(kind: str, url: str, target: str, data: dict[str, Any], event_id: str | None = None) -> int:
    """Store a delivery; it leaves when the transaction it is part of is committed and `ring()` was called."""
    now = time.time()
    values = {"data": json.dumps(data), "state": "pending", "due": now, "created": now}
    return store().insert("deliveries", kind=kind, url=url, event_id=event_id, target=target, **values)


def ring() -> None:
    """Wake the senders."""
    _bell.set()


def start() -> None:
    """Begin to send; what a former process held in hand is due again."""
    store().run("UPDATE deliveries SET state = 'pending' WHERE state = 'sending'")
    for number in range(THREADS):
        threading.Thread(target=_work, name=f"sender-{number}", daemon=True).start()


def deliver(kind: str, url: str, headers: dict[str, str], body: bytes) -> Outcome:
    """One POST of exactly these bytes. TLS is not verified and redirects are not followed, as in Sentry."""
    began = time.monotonic()
    parts = urlsplit(url)
    try:
        connection = _connection(parts.scheme, parts.hostname or "", parts.port, TIMEOUTS[kind])
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request("POST", path, body, headers)
            status = connection.getresponse().status
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as reason:
        return Outcome(None, f"{type(reason).__name__}: {reason}", time.monotonic() - began)
    return Outcome(status, "", time.monotonic() - began)


def app_headers(resource: str, body: bytes) -> dict[str, str]:
    """Headers of an integration-platform webhook, signed with the client secret."""
    return {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "Request-ID": uuid.uuid4().hex,
        "Sentry-Hook-Resource": resource,
        "Sentry-Hook-Timestamp": str(int(time.time())),
        "Sentry-Hook-Signature": _sign(options().client_secret, body),
    }


def hook_headers(guid: str, secret: str, body: bytes) -> dict[str, str]:
    """Headers of a service hook, signed with its own secret."""
    return {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "X-ServiceHook-Timestamp": str(int(time.time())),
        "X-ServiceHook-GUID": guid,
        "X-ServiceHook-Signature": _sign(secret, body),
    }


def _work() -> None:
    while True:
        row = None if setting("sender_paused", False) else _claim()
        if row is None:
            _bell.wait(0.2)
            _bell.clear()
            continue
        _send(row)


def _claim() -> dict[str, Any] | None:
    with store().write() as db:
        sql = "SELECT * FROM deliveries WHERE state = 'pending' AND due <= ? ORDER BY due, id LIMIT 1"
        row = db.execute(sql, (time.time(),)).fetchone()
        if row is None:
            return None
        db.execute(
            "UPDATE deliveries SET state = 'sending', attempt = attempt + 1 WHERE id = ?", (row["id"],)
        )
        return dict(row) | {"attempt": row["attempt"] + 1}


def _send(row: dict[str, Any]) -> None:
    prepared = _prepare(row)
    if prepared is None:
        _finish(row, "done", Outcome(None, "the hook is gone", 0.0), {}, b"")
        return
    headers, body = prepared
    outcome = deliver(row["kind"], row["url"], headers, body)
    state = _next_state(row["kind"], outcome)
    if state == "pending" and row["attempt"] > RETRIES:
        state = "failed"
    _finish(row, state, outcome, headers, body)


def _prepare(row: dict[str, Any]) -> tuple[dict[str, str], bytes] | None:
    """Headers and body, made anew for each try."""
    data = json.loads(row["data"])
    if row["kind"] == "sentry_app":
        body = messages.app_body(data)
        return app_headers(data["resource"], body), body
    hook = store().row("SELECT * FROM hooks WHERE guid = ?", row["target"])
    if hook is None:
        return None
    body = messages.hook_body(data)
    return hook_headers(hook["guid"], hook["secret"], body), body


def _next_state(kind: str, outcome: Outcome) -> str:
    if outcome.status is None:
        return "pending"
    if kind == "service_hook" or outcome.status < 400:
        return "done"
    return "refused" if outcome.status < 500 else "pending"


def _finish(row: dict[str, Any], state: str, outcome: Outcome, headers: dict[str, str], body: bytes) -> None:
    now = time.time()
    due = now + float(setting("retry_seconds", RETRY_SECONDS)) if state == "pending" else now
    store().run(
        "UPDATE deliveries SET state = ?, due = ?, finished = ?, status = ?, error = ?, duration_ms = ?,"
        " headers = ?, body = ? WHERE id = ?",
        state,
        due,
        now,
        outcome.status,
        outcome.error,
        round(outcome.seconds * 1000),
        json.dumps(headers),
        body,
        row["id"],
    )
    _forget_bodies(row["id"])


def _forget_bodies(newest: int) -> None:
    """The log of bodies has an end; the facts stay."""
    if newest % 100 == 0:
        store().run(
            "UPDATE deliveries SET body = NULL WHERE id <= ? AND body IS NOT NULL", newest - KEPT_BODIES
        )


def _connection(scheme: str, host: str, port: int | None, timeout: float) -> http.client.HTTPConnection:
    if scheme != "https":
        return http.client.HTTPConnection(host, port, timeout=timeout)
    unverified = ssl.create_default_context()
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=timeout, context=unverified)


def _sign(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
