"""Pages of the API's lists: by a place in the log, so that rows which arrive meanwhile move nothing.

A page looks at no more than a window of messages. Where little fits the filter it is short, or empty, and `next` goes
on from there; there is no more when `next` is null.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Q
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from integrations.validation import whole_number
from webhooks.models import InboxMessage, OutboxEvent
from webhooks.pages import log
from webhooks.pages.filters import Filter
from webhooks.pages.log import Cursor

FARTHEST: Final = 10**18 - 1
"""Beyond every event's id."""


class NewestFirst(CursorPagination):
    """What both lists share; a cursor says in which direction its page lies: "b" for older, "a" for newer."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    older = newer = address = ""

    def get_next_link(self) -> str | None:
        return self._link(self.older)

    def get_previous_link(self) -> str | None:
        return self._link(self.newer)

    def _begin(self, request: Request) -> tuple[int, str, str]:
        """The size asked for, and the direction and the place of the cursor."""
        self.address = request.build_absolute_uri()
        cursor = request.query_params.get(self.cursor_query_param, "")
        if cursor and cursor[0] not in "ab":
            raise NotFound(self.invalid_cursor_message)
        return self.get_page_size(request) or self.page_size, cursor[:1], cursor[1:]

    def _link(self, cursor: str) -> str | None:
        return replace_query_param(self.address, self.cursor_query_param, cursor) if cursor else None


class MessagePages(NewestFirst):
    """Messages, newest first."""

    def read(
        self, request: Request, wanted: Filter, left: Callable[[Filter, Collection[int]], Q]
    ) -> list[InboxMessage]:
        """The page that is asked for; `left` is what the filter asks beyond what the followed index answers."""
        size, direction, text = self._begin(request)
        place = Cursor.parse(text)
        if direction and place is None:
            raise NotFound(self.invalid_cursor_message)
        ends = {"before": place} if direction == "b" else {"after": place}
        found = log.read_page(wanted, **ends, size=size, left=left)
        self.older = f"b{found.older}" if found.older else ""
        self.newer = f"a{found.newer}" if found.newer else ""
        return found.messages


class EventPages(NewestFirst):
    """Track events, those of the newest messages first."""

    def read(self, request: Request, wanted: Filter) -> list[OutboxEvent]:
        """The page that is asked for. Its events are found by their messages: no index knows their integration."""
        size, direction, text = self._begin(request)
        backwards, place = direction == "a", Place.parse(text) if direction else None
        if direction and place is None:
            raise NotFound(self.invalid_cursor_message)
        ends = {"after" if backwards else "before": place.next_to(backwards=backwards)} if place else {}
        messages, is_cut = log.candidates(wanted, **ends, size=size)
        places = [
            each
            for each in places_of(messages, backwards=backwards)
            if each.is_beyond(place, backwards=backwards)
        ]
        shown, edge = places[:size], None
        if len(places) > size:
            edge = shown[-1]
        elif is_cut:
            edge = Place(messages[-1], FARTHEST if backwards else 0)
        start = place and (shown[0] if shown else place)
        older, newer = (start, edge) if backwards else (edge, start)
        self.older, self.newer = f"b{older}" if older else "", f"a{newer}" if newer else ""
        events = OutboxEvent.objects.select_related("environment", "delivery").in_bulk(
            [each.event for each in shown]
        )
        return [events[each.event] for each in (reversed(shown) if backwards else shown)]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the list of track events: at this event of the message there."""

    message: Cursor
    event: int

    def __str__(self) -> str:
        return f"{self.message}-{self.event}"

    @classmethod
    def parse(cls, text: str) -> "Place | None":
        """What `str` wrote; None for anything else."""
        message, _, event = text.rpartition("-")
        cursor, pk = Cursor.parse(message), whole_number(event)
        return Place(cursor, pk) if cursor and pk is not None else None

    def next_to(self, *, backwards: bool) -> Cursor:
        """The place in the log from which its message is the first."""
        return Cursor(self.message.received_at, self.message.id + (-1 if backwards else 1))

    def is_beyond(self, place: "Place | None", *, backwards: bool) -> bool:
        """Whether it comes after `place` on the way; other messages than that of `place` do."""
        if place is None or place.message.id != self.message.id:
            return True
        return self.event > place.event if backwards else self.event < place.event


def places_of(messages: Sequence[Cursor], *, backwards: bool) -> list[Place]:
    """The track events of messages, in the order of the messages; one query."""
    by_message: defaultdict[int, list[int]] = defaultdict(list)
    rows = OutboxEvent.objects.filter(message__in=[message.id for message in messages])
    for message, event in rows.order_by("pk" if backwards else "-pk").values_list("message", "pk"):
        by_message[message].append(event)
    return [Place(message, event) for message in messages for event in by_message[message.id]]
