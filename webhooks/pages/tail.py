"""The live tail of the log: what is new since a page was opened, nothing left out and nothing twice."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.db import connection

from integrations.validation import whole_number
from webhooks.models import InboxMessage
from webhooks.pages.filters import Filter, remaining
from webhooks.pages.log import PAGE, WINDOW

RECENT = 20
"""Ids below the newest one among which a message may still become visible late, when a page is opened."""


@dataclass(frozen=True, slots=True)
class Tail:
    """How far an open page has followed the messages in view, by their ids.

    An id is given before its row is committed, so a lower one may become visible after a higher one: what is above
    `settled` is looked at once more. `looked` is the highest that was, `shown` what is above `settled` and known.
    """

    settled: int
    looked: int
    shown: frozenset[int] = frozenset()

    def __str__(self) -> str:
        return "-".join(map(str, (self.settled, self.looked, *sorted(self.shown))))

    @classmethod
    def parse(cls, text: str) -> "Tail":
        """What `str` wrote; what is no number there counts as nothing."""
        settled, *others = [whole_number(part) or 0 for part in text.split("-")[: 5 * PAGE]]
        return cls(settled, max([settled, *others[:1]]), frozenset(pk for pk in others[1:] if pk > settled))

    def and_shown(self, messages: Iterable[InboxMessage]) -> "Tail":
        """The same with these known as well."""
        ids = {message.pk for message in messages}
        return replace(self, shown=frozenset(pk for pk in self.shown | ids if pk > self.settled))


def tail_of(wanted: Filter) -> Tail:
    """Where the tail of a page begins; to be asked before the page is read, so that nothing falls between."""
    ids = sorted(_ids(wanted, 0, "DESC", RECENT), reverse=True)[:RECENT]
    if not ids:
        return Tail(0, 0)
    return Tail(ids[-1] if len(ids) == RECENT else 0, ids[0], frozenset(ids))


def new_since(wanted: Filter, tail: Tail, *, size: int = PAGE) -> tuple[list[InboxMessage], Tail]:
    """Messages that are new, newest first, at most `size`; and the tail that goes on from there.

    Of a filter's messages, `WINDOW` are looked at in one go; those that do not match are passed by.
    """
    limit = WINDOW if remaining(wanted, ()) else size + 1 + len(tail.shown)
    ids = sorted(_ids(wanted, tail.settled, "ASC", limit))[:limit]
    rows = InboxMessage.objects.filter(pk__in=set(ids) - tail.shown).defer("body")
    found = list(rows.filter(remaining(wanted, ids)).order_by("pk")[: size + 1])
    has_more, found = len(found) > size, found[:size]
    looked = found[-1].pk if has_more else max(ids, default=tail.looked)
    if not found and looked <= tail.looked and len(ids) < limit:
        return [], tail
    following = Tail(min(tail.looked, looked), max(tail.looked, looked), tail.shown)
    return found[::-1], following.and_shown(found)


def _ids(wanted: Filter, above: int, direction: str, limit: int) -> list[int]:
    """Ids above one, as many of each integration in view, by the index of both."""
    if not wanted.integrations:
        return []
    part = (
        "SELECT * FROM (SELECT id FROM webhooks_inboxmessage WHERE integration_id = %s AND id > %s "  # noqa: S608 - our own words
        f"ORDER BY id {direction} LIMIT %s) AS part"
    )
    values = [each for pk in wanted.ids for each in (pk, above, limit)]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([part] * len(wanted.integrations)), values)
        return [row[0] for row in cursor.fetchall()]
