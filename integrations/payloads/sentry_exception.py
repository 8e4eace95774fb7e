"""One event of a Sentry project as the product sees it, whichever body brought it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from integrations.payloads import paths
from integrations.payloads.envelopes import Source
from integrations.payloads.lenient import JsonObject, JsonValue, Parts

# What Sentry's API shows as `entries`, in its order, under the names of the stored event.
_ENTRY_FIELDS: Final = ("logentry", "exception", "threads", "csp", "breadcrumbs", "request")


@dataclass(frozen=True, slots=True)
class Found:
    """What stands at a path, and where it was really read: relative to the event, e.g. `user.data.orgId`."""

    value: JsonValue
    path: str


class SentryException(msgspec.Struct, frozen=True):
    """One event of a Sentry project, whichever body brought it. Texts are None when absent or blank.

    A struct: of that many fields a frozen dataclass takes ten times as long to make. Two are equal only when they
    share the event they were read from.
    """

    source: Source
    event_id: str | None  # 32 lower-case hex digits
    timestamp_ms: int  # since 1970, the event's own time, cut
    event_type: str  # "error" carries an exception; "default" is a message; "csp", "transaction", …
    environment: str | None
    tags: Mapping[str, JsonValue]
    culprit: str | None
    title: str | None
    level: str | None
    platform: str | None
    release: str | None
    dist: str | None
    transaction: str | None
    logger: str | None
    sdk: str | None
    handled: bool | None
    exception_type: str | None  # of the last of its values: the one that was raised
    exception_value: str | None
    issue_id: str | None
    url: str | None  # Sentry's web page of the event
    project_slug: str | None
    _event: Parts

    @property
    def is_exception(self) -> bool:
        """Whether Sentry counts this event as an exception; only these become track events."""
        return self.event_type == "error"

    @property
    def user(self) -> JsonObject | None:
        """Who was affected, with the keys of this body's form."""
        user = self._event.get("user")
        return user if isinstance(user, dict) else None

    @property
    def contexts(self) -> JsonObject:
        """Named objects set by the SDK or the program."""
        contexts = self._event.get("contexts")
        return contexts if isinstance(contexts, dict) else {}

    @property
    def extra(self) -> JsonObject:
        """Whatever else the program attached; service hooks call it `context`."""
        extra = self._event.get("extra" if self.source is Source.APP else "context")
        return extra if isinstance(extra, dict) else {}

    def lookup(self, path: str) -> Found | None:
        """Return what stands at a key path, whichever form it is typed in and the body has.

        Null counts as absent as long as another place may hold a value. None when nothing stands there.
        """
        if len(path) > paths.MAX_PATH:
            return None
        null: Found | None = None
        for candidate in self._candidates(paths.relative(path)):
            value = paths.walk(self._event, candidate)
            if isinstance(value, paths.Missing):
                continue
            if value is not None:
                return Found(value, candidate)
            null = null or Found(None, candidate)
        return null

    def _candidates(self, path: str) -> Iterable[str]:
        if self.source is Source.SERVICE_HOOK:
            return paths.hook_candidates(path, lambda: _entry_types(self._event))
        return paths.app_candidates(path, lambda: _entry_fields(self._event))


def _entry_types(event: Parts) -> list[str]:
    entries = event.get("entries")
    found = entries if isinstance(entries, list) else []
    return [str(entry.get("type")) if isinstance(entry, dict) else "" for entry in found]


def _entry_fields(error: Parts) -> list[str]:
    return [name for name in _ENTRY_FIELDS if isinstance(error.get(name), dict)]
