"""PURE: a stored event as webhooks show it, in both of Sentry's shapes."""

from dataclasses import dataclass
from typing import Any

from sandbox.dates import iso
from sandbox.sentry.entries import entries, filled

Json = dict[str, Any]

FIRST = ("event_id", "project", "release", "dist", "platform", "message", "datetime", "tags")


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A stored event with what it belongs to. Times are unix seconds; `host` is Sentry's address."""

    data: Json
    host: str
    organization: str
    project_id: int
    project: str
    project_name: str
    project_platform: str
    issue_id: int
    issue_number: int
    issue_count: int
    first_seen: float
    last_seen: float
    received: float
    current: bool

    @property
    def event_id(self) -> str:
        return str(self.data["event_id"])

    @property
    def web_url(self) -> str:
        return f"{self.host}/organizations/{self.organization}/issues/{self.issue_id}/events/{self.event_id}/"


def error(found: Occurrence) -> Json:
    """`data.error` of an error.created webhook: the stored keys, the fixed ones first, the addresses last."""
    data = filled(found.data)
    data["_metrics"] = {"bytes.stored.event": len(str(found.data))}
    data["_ref"], data["_ref_version"] = found.project_id, 2
    data["nodestore_insert"] = found.received
    moment = iso(data["timestamp"])
    tags = dict(data["tags"])
    first = {
        "event_id": found.event_id,
        "project": found.project_id,
        "release": tags.get("release"),
        "dist": tags.get("dist"),
        "platform": data.get("platform"),
        "message": data["message"],
        "datetime": moment.replace(".000000", "").replace("Z", "+00:00") if found.current else moment,
        "tags": data["tags"],
    }
    rest = {name: data[name] for name in sorted(data) if name not in FIRST and name != "server_name"}
    api = f"{found.host}/api/0"
    issue = f"organizations/{found.organization}/issues" if found.current else "issues"
    return (
        first
        | rest
        | {
            "url": f"{api}/projects/{found.organization}/{found.project}/events/{found.event_id}/",
            "web_url": found.web_url,
            "issue_url": f"{api}/{issue}/{found.issue_id}/",
            "issue_id": str(found.issue_id),
        }
    )


def service_hook(found: Occurrence) -> Json:
    """The body of a service hook, version 0."""
    project = {"slug": found.project, "name": found.project_name}
    return {"project": project, "group": group(found), "event": event(found)}


def group(found: Occurrence) -> Json:
    """The issue an event belongs to."""
    data = found.data
    return {
        "id": str(found.issue_id),
        "shareId": None,
        "shortId": f"{found.project.upper()}-{base32(found.issue_number)}",
        "title": data["title"],
        "culprit": data["culprit"],
        "permalink": None,
        "logger": data.get("logger") or None,
        "level": data["level"],
        "status": "unresolved",
        "statusDetails": {},
        "substatus": "ongoing",
        "isPublic": False,
        "platform": data.get("platform"),
        "project": {
            "id": str(found.project_id),
            "name": found.project_name,
            "slug": found.project,
            "platform": found.project_platform,
        },
        "type": data["type"],
        "metadata": data["metadata"],
        "numComments": 0,
        "assignedTo": None,
        "isBookmarked": False,
        "isSubscribed": False,
        "subscriptionDetails": None,
        "hasSeen": False,
        "annotations": [],
        "issueType": "error",
        "issueCategory": "error",
        "isUnhandled": False,
        "count": str(found.issue_count),
        "userCount": 1,
        "firstSeen": iso(found.first_seen),
        "lastSeen": iso(found.last_seen),
        "url": f"{found.host}/organizations/{found.organization}/issues/{found.issue_id}/",
    }


def event(found: Occurrence) -> Json:
    """The event in the shape of Sentry's REST answers: camelCase, no `environment` key."""
    data = found.data
    sdk = data.get("sdk") or {}
    return {
        "id": found.event_id,
        "groupID": str(found.issue_id),
        "eventID": found.event_id,
        "projectID": str(found.project_id),
        "size": len(str(data)),
        "entries": entries(data),
        "dist": data.get("dist"),
        "message": data["message"],
        "title": data["title"],
        "location": data["location"],
        "user": _user(data.get("user")),
        "contexts": data.get("contexts") or {},
        "sdk": {"name": sdk.get("name", "unknown"), "version": sdk.get("version", "0")},
        "context": data.get("extra") or {},
        "packages": data.get("modules") or {},
        "type": data["type"],
        "metadata": data["metadata"],
        "tags": sorted((_tag(*pair) for pair in data["tags"]), key=lambda tag: tag["key"]),
        "platform": data.get("platform"),
        "dateReceived": iso(found.received),
        "errors": [_error(entry) for entry in data.get("errors") or []],
        "occurrence": None,
        "_meta": {"entries": {}}
        | dict.fromkeys(("message", "user", "contexts", "sdk", "context", "packages"))
        | {"tags": {}},
        "crashFile": None,
        "culprit": data["culprit"],
        "dateCreated": iso(data["timestamp"]),
        "fingerprints": data["hashes"],
        "groupingConfig": {
            "id": "newstyle:2023-01-11",
            "enhancements": "eJybzDRxc15qeXFJZU6qlZGBkbGugaGuoeEEAHJMCAM",
        },
        "url": found.web_url,
    }


def base32(number: int) -> str:
    """Crockford's digits, as in the short ids of issues."""
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    text = ""
    while number:
        number, rest = divmod(number, 32)
        text = digits[rest] + text
    return text or "0"


def _tag(name: str, value: str) -> Json:
    shown = {"key": name, "value": value}
    if name != "user" or ":" not in value:
        return shown
    kind, _, rest = value.partition(":")
    return shown | {"query": f'user.{kind}:"{rest}"'}


def _user(user: Json | None) -> Json | None:
    if not user:
        return None
    names = ("id", "email", "username", "ip_address", "name", "data")
    return {name: user.get(name) for name in names}


def _error(entry: Json) -> Json:
    data = {name: value for name, value in entry.items() if name != "type"}
    return {
        "type": entry.get("type"),
        "message": str(entry.get("type", "")).replace("_", " ").capitalize(),
        "data": data,
    }
