"""What a peer's answer says: its words in whichever shape they come, and how long it asks to wait. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from html import unescape

from integrations.payloads.lenient import JsonObject, JsonValue

MAX_WORDS = 300
"""Characters of a peer's words that are kept: a sentence or two, never a page."""

MAX_DEPTH = 5
"""How deep words are looked for."""

_TAGS = re.compile(r"<(?:script|style)\b.*?</(?:script|style)>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_QUERY = re.compile(r"(https?://[^\s\"'?]+)\?[^\s\"']*")
_RATE_LIMITED = 429


def words_of(content: bytes) -> str:
    """One line out of an answer's body.

    Sentry puts its words under `detail` (text, list or object) or `error`, under the name of a field as a
    list, or answers a bare text (429 in 23.7.1); proxies in between answer HTML. FME uses `message`.
    """
    try:
        body: JsonValue = json.loads(content)
    except (ValueError, RecursionError):
        return _one_line(_text_of_page(content.decode(errors="replace")))
    return _one_line("; ".join(_said(body)))


def conceal(words: str, secrets: Iterable[str]) -> str:
    """`words` without any of `secrets`, and without the query of any address."""
    for secret in filter(None, secrets):
        words = words.replace(secret, "…")
    return _QUERY.sub(r"\1", words)


def retry_after_seconds(status: int, headers: Mapping[str, str], *, now: float) -> float | None:
    """Seconds the peer asks to wait; the longest of its wishes, None when it has none.

    Sentry sends X-Sentry-Rate-Limit-Reset (unix seconds) on every answer, so it counts on a 429 only; FME
    sends two counts of seconds, of which the larger holds.
    """
    wishes = [_wait(headers.get("Retry-After"), now)]
    if status == _RATE_LIMITED:
        reset = _number(headers.get("X-Sentry-Rate-Limit-Reset"))
        wishes.append(None if reset is None else reset - now)
        wishes += [_number(headers.get(f"X-RateLimit-Reset-Seconds-{whose}")) for whose in ("Org", "IP")]
    known = [wish for wish in wishes if wish is not None]
    return max(0.0, *known) if known else None


def _said(body: JsonValue, depth: int = 0) -> Iterator[str]:
    if isinstance(body, str):
        yield body
    elif depth == MAX_DEPTH:
        return
    elif isinstance(body, list):
        for item in body:
            yield from _said(item, depth + 1)
    elif isinstance(body, dict):
        yield from _said_by(body, depth + 1)


def _said_by(body: JsonObject, depth: int) -> Iterator[str]:
    detail = body.get("detail")
    if isinstance(detail, str | list | dict):
        yield from _said(detail, depth)
        if isinstance(error_id := body.get("errorId"), str):  # what Sentry's support asks for
            yield f"error id {error_id}"
    elif isinstance(words := body.get("error") or body.get("message"), str):
        yield words
    else:
        for name, value in body.items():
            yield from (f"{name}: {words}" for words in _said(value, depth))


def _text_of_page(page: str) -> str:
    title = _TITLE.search(page)
    return unescape(_TAGS.sub(" ", title.group(1) if title else page))


def _one_line(words: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return line if len(line) <= MAX_WORDS else f"{line[: MAX_WORDS - 1]}…"


def _wait(value: str | None, now: float) -> float | None:
    """Retry-After is a number of seconds or an HTTP date."""
    if (seconds := _number(value)) is not None or not value:
        return seconds
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now


def _number(value: str | None) -> float | None:
    return float(value) if value and re.fullmatch(r"\d{1,12}(\.\d{1,6})?", value.strip()) else None
