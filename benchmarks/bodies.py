"""Webhook bodies to send: Sentry's own, cut to a size where one is asked for, ready to get a fresh event id each.

The load generator writes an id where 32 zeros stand and signs what follows them anew. So the id comes last in a body;
the product reads all of it anyway, and the order of an object's keys means nothing.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAYLOADS = Path(__file__).parent.parent / "tests" / "fixtures" / "payloads"
NO_ID = "0" * 32
FORM = ".service-hook-v0.json"
LONG, HUGE = "django-chained-exception", "huge-event"


def real(name: str) -> dict[str, Any]:
    """A service hook's body as the real server sent it."""
    body: dict[str, Any] = json.loads((PAYLOADS / f"{name}{FORM}").read_bytes())
    return body


def names() -> list[str]:
    """Every real body that carries an exception, smallest first."""
    files = sorted(PAYLOADS.glob(f"*{FORM}"), key=lambda file: file.stat().st_size)
    found = [file.name.removesuffix(FORM) for file in files]
    return [name for name in found if real(name)["event"].get("type") == "error"]


def with_id_last(body: dict[str, Any], event_id: str = NO_ID) -> bytes:
    """The body as compact JSON, its only event id at the end."""
    event = {key: value for key, value in body["event"].items() if key not in ("id", "eventID")}
    rest = {key: value for key, value in body.items() if key != "event"}
    whole = rest | {"event": event | {"eventID": event_id}}
    return json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode()


def cut(body: dict[str, Any], size: int) -> dict[str, Any]:
    """The body with as many items less in its longest list as bring it just under `size` bytes."""
    smaller: dict[str, Any] = json.loads(json.dumps(body))
    while len(with_id_last(smaller)) > size:
        longest = max(lists_in(smaller), key=len)
        longest.pop()
    return smaller


def lists_in(value: Any) -> Iterator[list[Any]]:
    """Every list, however deep."""
    if isinstance(value, list):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from lists_in(item)


def of_size(size: int) -> bytes:
    """A real body of about `size` bytes: the smallest that is large enough, cut."""
    return with_id_last(cut(real(LONG if size < 35_000 else HUGE), size))


def mix() -> list[bytes]:
    """Every real body once, 2 to 700 KB."""
    return [with_id_last(real(name)) for name in names()]


def write(folder: Path, bodies: list[bytes]) -> Path:
    """Put bodies where the load generator finds them; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, body in enumerate(bodies):
        (folder / f"{number:04}.json").write_bytes(body)
    return folder
