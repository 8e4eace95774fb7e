"""Switches that make a stand-in fail: slow, an error status, a refused batch, a cut or silent connection."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sandbox.server import KEY
from sandbox.store import store

PEERS = ("sentry_api", "fme_admin", "fme_events", "sentry_ingest")
KINDS = {
    "slow": "answers normally, after `seconds`",
    "status": "answers `status` (with `retry_after`, `body`) without doing anything",
    "poison": "refuses with 400 every batch of events that holds the key `contains`",
    "drop": "cuts the connection before the body is read",
    "drop_after": "reads the request, does nothing, cuts the connection",
    "lose_answer": "does everything, then cuts the connection instead of answering",
    "hang": "never answers; cuts the connection after `seconds` (at most 60)",
}
HANG_SECONDS = 60.0
View = Callable[[], HttpResponse]


@dataclass(frozen=True, slots=True)
class Failure:
    """One switch. Empty texts match everything; `times` None means until cleared."""

    peer: str
    kind: str
    seconds: float = 0.0
    status: int = 503
    retry_after: float | None = None
    body: str | None = None
    times: int | None = None
    operation: str = ""
    environment: str = ""
    contains: str = ""

    def __post_init__(self) -> None:
        if self.peer not in PEERS:
            raise ValueError(f"peer is one of {', '.join(PEERS)}")
        if self.kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}")


def set_failure(failure: Failure) -> int:
    """Switch on; answers the id under which it can be cleared."""
    return store().insert(
        "failures", **{name: getattr(failure, name) for name in Failure.__dataclass_fields__}
    )


def clear_failures(peer: str = "", failure_id: int = 0) -> int:
    """Switch off one, those of one peer, or all; answers how many."""
    if failure_id:
        return store().run("DELETE FROM failures WHERE id = ?", failure_id)
    return store().run("DELETE FROM failures WHERE ? IN ('', peer)", peer)


def list_failures() -> list[dict[str, Any]]:
    return [dict(row) for row in store().rows("SELECT * FROM failures ORDER BY id")]


def take(request: HttpRequest, peer: str, operation: str, names: Callable[[], set[str]]) -> Failure | None:
    """The first switch that applies to this request, counted down. `names`: the caller's environment."""
    if not store().value("SELECT 1 FROM failures WHERE peer = ?", peer):
        return None
    with store().write() as db:
        for row in db.execute("SELECT * FROM failures WHERE peer = ? ORDER BY id", (peer,)).fetchall():
            failure = Failure(**{name: row[name] for name in Failure.__dataclass_fields__})
            if not _applies(failure, request, operation, names):
                continue
            if failure.times is not None:
                db.execute("UPDATE failures SET times = times - 1 WHERE id = ?", (row["id"],))
                db.execute("DELETE FROM failures WHERE id = ? AND times <= 0", (row["id"],))
            return failure
    return None


def answer(failure: Failure, request: HttpRequest, view: View) -> HttpResponse:
    """Fail as told."""
    if failure.kind == "hang":
        time.sleep(min(failure.seconds or HANG_SECONDS, HANG_SECONDS))
        return cut(request)
    time.sleep(failure.seconds)
    if failure.kind == "drop":
        return cut(request)
    if failure.kind in ("drop_after", "status", "poison"):
        _ = request.body
        return cut(request) if failure.kind == "drop_after" else _status(failure)
    response = view()
    return cut(request) if failure.kind == "lose_answer" else response


def cut(request: HttpRequest) -> HttpResponse:
    """End the connection without an answer; under another server than our own, an empty 502 has to do."""
    if connection := request.META.get(KEY):
        connection.cut()
    return HttpResponse(status=502)


def _applies(failure: Failure, request: HttpRequest, operation: str, names: Callable[[], set[str]]) -> bool:
    if failure.operation and not operation.startswith(failure.operation):
        return False
    if failure.environment and failure.environment not in names():
        return False
    if failure.kind == "poison":
        return _holds_key(request.body, failure.contains)
    return not failure.contains or failure.contains.encode() in request.body


def _holds_key(body: bytes, key: str) -> bool:
    try:
        batch = json.loads(body)
    except ValueError:
        return False
    events = batch if isinstance(batch, list) else [batch]
    return any(isinstance(event, dict) and event.get("key") == key for event in events)


def _status(failure: Failure) -> HttpResponse:
    status = 400 if failure.kind == "poison" else failure.status
    body = failure.body if failure.body is not None else _default_body(failure.peer, status)
    response = HttpResponse(body, status=status, content_type="application/json")
    if failure.retry_after is None:
        return response
    seconds = f"{failure.retry_after:g}"
    if failure.peer == "fme_admin":
        for who in ("Org", "IP"):
            response[f"X-RateLimit-Remaining-{who}"] = "0"
            response[f"X-RateLimit-Reset-Seconds-{who}"] = seconds
    elif failure.peer == "sentry_api" and status == 429:
        response["X-Sentry-Rate-Limit-Remaining"] = "0"
        response["X-Sentry-Rate-Limit-Reset"] = str(int(time.time() + failure.retry_after) + 1)
    else:
        response["Retry-After"] = seconds
    return response


def _default_body(peer: str, status: int) -> bytes:
    """Bodies of the events host are not public; it answers nothing here, as the Split Proxy does."""
    if peer == "fme_events":
        return b""
    words = {
        "sentry_api": {"detail": "Internal Error"},
        "fme_admin": {"code": status, "message": "Switched to fail"},
    }
    return JsonResponse(words.get(peer, {"detail": "Switched to fail"})).content
