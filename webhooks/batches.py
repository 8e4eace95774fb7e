"""Cutting and halving batches: pure."""

from collections.abc import Iterator, Sequence

from webhooks.models import ClaimedEvent

BRACKETS_BYTES, COMMA_BYTES = 2, 1


def cut(events: Sequence[ClaimedEvent], *, max_events: int, max_bytes: int) -> Iterator[list[ClaimedEvent]]:
    """`events` in order, in batches of at most `max_events` and `max_bytes` as a JSON array.

    An event that is larger than `max_bytes` by itself goes alone: FME decides about it.
    """
    batch: list[ClaimedEvent] = []
    size = BRACKETS_BYTES
    for event in events:
        added = len(event.body.encode()) + COMMA_BYTES
        if batch and (len(batch) == max_events or size + added > max_bytes):
            yield batch
            batch, size = [], BRACKETS_BYTES
        batch.append(event)
        size += added
    if batch:
        yield batch


def halves(events: Sequence[ClaimedEvent]) -> tuple[Sequence[ClaimedEvent], Sequence[ClaimedEvent]]:
    """Both halves of a batch of at least two."""
    middle = len(events) // 2
    return events[:middle], events[middle:]


def as_body(events: Sequence[ClaimedEvent]) -> bytes:
    """The JSON array that is posted: the stored texts, joined."""
    return f"[{','.join(event.body for event in events)}]".encode()
