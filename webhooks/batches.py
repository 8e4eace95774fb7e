"""What goes together: cutting new events into deliveries, joining deliveries to the body of one POST. Pure."""

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

BRACKETS_BYTES, COMMA_BYTES = 2, 1


class HasText(Protocol):
    """One track event with its JSON text."""

    @property
    def body(self) -> str: ...


class HasBytes(Protocol):
    """Something with the JSON texts of several track events, joined by commas."""

    @property
    def body(self) -> bytes: ...


Event = TypeVar("Event", bound=HasText)
Item = TypeVar("Item")


def byte_count(events: Sequence[HasText]) -> int:
    """What `events` take in a JSON array, a comma after each."""
    return sum(len(event.body.encode()) + COMMA_BYTES for event in events)


def cut(events: Sequence[Event], *, max_events: int, max_bytes: int) -> Iterator[list[Event]]:
    """`events` in order, in groups of at most `max_events` and `max_bytes` as a JSON array.

    An event that is larger than `max_bytes` by itself goes alone: FME decides about it.
    """
    group: list[Event] = []
    size = BRACKETS_BYTES
    for event in events:
        added = len(event.body.encode()) + COMMA_BYTES
        if group and (len(group) == max_events or size + added > max_bytes):
            yield group
            group, size = [], BRACKETS_BYTES
        group.append(event)
        size += added
    if group:
        yield group


def halves(items: Sequence[Item]) -> tuple[Sequence[Item], Sequence[Item]]:
    """Both halves of at least two."""
    middle = len(items) // 2
    return items[:middle], items[middle:]


def as_body(parts: Sequence[HasBytes]) -> bytes:
    """The JSON array that is posted: the stored texts, joined in one copy (formatting takes thirty times as long)."""
    texts = [b"["]
    for part in parts:
        texts += (part.body, b",")
    return b"".join([*texts[:-1], b"]"])
