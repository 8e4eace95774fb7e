"""Key paths such as `data.error.user.id`: where to look in either body form.

Paths are typed as Sentry's documentation shows them. The two webhook bodies name the same things differently,
so a path is tried as typed and then under the other form's names. Nothing here knows about keys or mapping.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from integrations.payloads.lenient import JsonObject, JsonValue, Parts

Node: TypeAlias = JsonValue | Parts

MAX_PATH = 250
"""Longest path in characters; longer ones name nothing."""

PREFIXES = ("data.error.", "data.event.", "event.")
_TYPOS = ("data.erroruser.", "data.error.user.")  # the misprint of the product's documentation

# Names of the Sentry App webhook (the stored event) → names of the service hook (Sentry's API), and back.
_TO_HOOK: Final = {
    "event_id": "eventID",
    "extra": "context",
    "timestamp": "dateCreated",
    "datetime": "dateCreated",
    "received": "dateReceived",
    "issue_id": "groupID",
    "project": "projectID",
    "modules": "packages",
    "hashes": "fingerprints",
    "web_url": "url",
    # No fields of their own in Sentry's API: they stand among the tags.
    "environment": "tags.environment",
    "release": "tags.release",
    "dist": "tags.dist",
    "level": "tags.level",
    "logger": "tags.logger",
    "transaction": "tags.transaction",
}
_TO_APP: Final = {
    "id": "event_id",
    "eventID": "event_id",
    "context": "extra",
    "dateCreated": "timestamp",
    "dateReceived": "received",
    "groupID": "issue_id",
    "projectID": "project",
    "packages": "modules",
    "fingerprints": "hashes",
    "environment": "tags.environment",
}
# Fields that both forms have under the event itself, so never among the entries.
_NO_ENTRY: Final = frozenset({"user", "tags", "contexts", "extra", "sdk", *_TO_HOOK})


class Missing:
    """Nothing stands at a path, not even null."""


MISSING: Final = Missing()


def relative(path: str) -> str:
    """Return the path as seen from the event: without the prefix, and without the known misprint."""
    typo, right = _TYPOS
    if path.startswith(typo):
        path = right + path.removeprefix(typo)
    for prefix in PREFIXES:
        if path.startswith(prefix):
            return path.removeprefix(prefix)
    return path


def hook_candidates(path: str, entry_types: Callable[[], list[str]]) -> Iterator[str]:
    """Yield the places of a service hook's event where a relative path may point, best first.

    `entry_types` tells the types of `event.entries` in their order: what the other form calls `exception`,
    `request` or `breadcrumbs` is an entry here. It is asked only when needed: entries hold the stack frames.
    """
    yield from _renamed(path, _TO_HOOK)
    head, dot, rest = path.partition(".")
    entry_type = "message" if head == "logentry" else head
    types = entry_types() if entry_type not in _NO_ENTRY else []
    if entry_type in types:
        yield f"entries.{types.index(entry_type)}.data{dot}{rest}"


def app_candidates(path: str, entry_fields: Callable[[], list[str]]) -> Iterator[str]:
    """Yield the places of a Sentry App webhook's error where a relative path may point, best first.

    `entry_fields` tells the fields which Sentry's API would show as `entries`, in its order.
    """
    yield from _renamed(path, _TO_APP)
    entries, _, rest = path.partition(".")
    number, _, rest = rest.partition(".")
    data, dot, rest = rest.partition(".")
    if entries != "entries" or data != "data":
        return
    fields = entry_fields()
    if _is_index(number, len(fields)):
        yield f"{fields[int(number)]}{dot}{rest}"


def walk(node: Node, path: str) -> JsonValue | Missing:
    """Return what stands at a path below an object or list, or MISSING.

    Keys may hold dots themselves, so the longest literal key is tried first. List items go by number.
    """
    if isinstance(node, dict | Parts):
        return _walk_object(node, path)
    if not isinstance(node, list):
        return MISSING
    number, dot, rest = path.partition(".")
    if not _is_index(number, len(node)):
        return MISSING
    item = node[int(number)]
    return walk(item, rest) if dot else item


def _walk_object(node: JsonObject | Parts, path: str) -> JsonValue | Missing:
    end = len(path)
    while end > 0:
        key = path[:end]
        if key in node:
            found = node.get(key) if end == len(path) else walk(node.get(key), path[end + 1 :])
            if found is not MISSING:
                return found
        end = path.rfind(".", 0, end)
    return MISSING


def _renamed(path: str, names: Mapping[str, str]) -> Iterator[str]:
    yield path
    head, dot, rest = path.partition(".")
    if head in names:
        yield f"{names[head]}{dot}{rest}"
    if head == "user" and rest:
        yield f"user.data.{rest}"  # Sentry moves the keys of a user that it does not know


def _is_index(number: str, length: int) -> bool:
    return number.isascii() and number.isdigit() and int(number) < length
