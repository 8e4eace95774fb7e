"""PURE: what Sentry computes when it stores a normalised event: type, title, culprit, tags, fingerprint."""

import hashlib
from typing import Any

Json = dict[str, Any]
Pairs = list[list[str]]
MAX_CULPRIT = 200
MAX_TITLE_VALUE = 100
NAMELESS = (None, "", "<redacted>", "<unknown>")


def enrich(event: Json) -> Json:
    """The event with `type`, `metadata`, `title`, `location`, `culprit`, `hashes`, and all its tags."""
    new = dict(event)
    new["type"] = _type(event)
    new["metadata"] = _metadata(event, new["type"])
    new["title"] = _title(new["metadata"])
    new["location"] = new["metadata"].get("filename")
    new["culprit"] = str(event.get("transaction") or _culprit(event) or "")[:MAX_CULPRIT]
    new["message"] = _message(event)
    new["fingerprint"] = event.get("fingerprint") or ["{{ default }}"]
    new["hashes"] = [_hash(new)]
    if user := event.get("user"):
        new["user"] = user | ({"sentry_user": tag} if (tag := _user_tag(user)) else {})
    new["tags"] = _tags(new)
    new.setdefault("level", "error")
    new.setdefault("logger", "")
    return new


def exceptions(event: Json) -> list[Json]:
    """The chain of exceptions, the raised one last."""
    values = (event.get("exception") or {}).get("values") or []
    return [value for value in values if isinstance(value, dict)]


def _type(event: Json) -> str:
    if exceptions(event):
        return "error"
    return "csp" if event.get("csp") else "default"


def _message(event: Json) -> str:
    entry = event.get("logentry") or {}
    return str(entry.get("formatted") or entry.get("message") or "")


def _metadata(event: Json, kind: str) -> Json:
    if kind == "csp":
        return {
            "message": "",
            "uri": event["csp"].get("blocked_uri"),
            "directive": event["csp"].get("effective_directive"),
        }
    if kind == "default":
        return {"title": _message(event).split("\n")[0][:MAX_TITLE_VALUE] or "<unlabeled event>"}
    raised = exceptions(event)[-1]
    found: Json = {"value": raised.get("value") or ""}
    if not (raised.get("mechanism") or {}).get("synthetic"):
        found["type"] = raised.get("type")
    if frame := _crash_frame(event):
        found["filename"] = frame.get("filename") or frame.get("abs_path")
        found["function"] = frame.get("function")
    return {name: value for name, value in found.items() if value is not None} | {
        "display_title_with_tree_label": False
    }


def _title(metadata: Json) -> str:
    if "title" in metadata:
        return str(metadata["title"])
    if not metadata.get("type"):
        return str(metadata.get("function") or "<unknown>")
    lines = str(metadata.get("value") or "").splitlines()
    return (
        f"{metadata['type']}: {lines[0][:MAX_TITLE_VALUE]}" if lines and lines[0] else str(metadata["type"])
    )


def _crash_frame(event: Json) -> Json | None:
    named = [frame for frame in _frames(exceptions(event)[-1]) if frame.get("function") not in NAMELESS]
    own = [frame for frame in named if frame.get("in_app")]
    candidates = own or named
    return candidates[-1] if candidates else None


def _culprit(event: Json) -> str | None:
    """From the last frame of one's own code, else the last frame; "" for synthetic and stack-less events."""
    chain = exceptions(event)
    if chain and (chain[-1].get("mechanism") or {}).get("synthetic"):
        return ""
    traces = [frames for frames in map(_frames, chain) if frames]
    for frame in reversed(traces[-1] if traces else []):
        if frame.get("in_app") and (found := _frame_culprit(frame, event.get("platform"))):
            return found
    if traces and (found := _frame_culprit(traces[-1][-1], event.get("platform"))):
        return found
    return (event.get("request") or {}).get("url")


def _frame_culprit(frame: Json, platform: object) -> str:
    place = frame.get("module") or frame.get("filename")
    if not place:
        return ""
    function = frame.get("function") or "?"
    if (frame.get("platform") or platform) in ("javascript", "node"):
        return f"{function}({place})"
    return f"{place} in {function}"


def _frames(value: Json) -> list[Json]:
    return [frame for frame in (value.get("stacktrace") or {}).get("frames") or [] if frame]


def _hash(event: Json) -> str:
    """Events of one type, value and culprit make one issue, unless the SDK says otherwise."""
    parts = event["fingerprint"]
    if parts == ["{{ default }}"]:
        chain = exceptions(event)
        raised = chain[-1] if chain else {}
        parts = [raised.get("type"), raised.get("value"), event["culprit"], "" if chain else event["title"]]
    return hashlib.md5(repr(parts).encode(), usedforsecurity=False).hexdigest()


def _user_tag(user: Json) -> str:
    name = next((name for name in ("id", "username", "email", "ip_address") if user.get(name)), None)
    return f"{name.removesuffix('_address')}:{user[name]}" if name else ""


def _tags(event: Json) -> Pairs:
    """Sorted by Sentry's inner names, in which release, dist and user carry the prefix `sentry:`."""
    found = {
        str(name): str(value) for name, value in filter(None, event.get("tags") or []) if value is not None
    }
    computed: dict[str, object] = {
        "level": event.get("level", "error"),
        "environment": event.get("environment"),
        "sentry:release": event.get("release"),
        "sentry:dist": event.get("dist"),
        "sentry:user": _user_tag(event.get("user") or {}),
        "server_name": event.get("server_name"),
        "transaction": event.get("transaction"),
        "logger": event.get("logger"),
        "url": (event.get("request") or {}).get("url"),
        **_mechanism_tags(event),
        **_context_tags(event.get("contexts") or {}),
    }
    found.update({name: str(value).strip()[:MAX_CULPRIT] for name, value in computed.items() if value})
    return [[name.removeprefix("sentry:"), found[name]] for name in sorted(found)]


def _mechanism_tags(event: Json) -> dict[str, object]:
    mechanisms = [value["mechanism"] for value in exceptions(event) if value.get("mechanism")]
    handled = [mechanism["handled"] for mechanism in mechanisms if mechanism.get("handled") is not None]
    word = "no" if False in handled else "yes"
    return {
        "mechanism": mechanisms[-1].get("type") if mechanisms else None,
        "handled": word if handled else None,
    }


def _context_tags(contexts: Json) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in ("browser", "runtime", "os", "client_os"):
        context = contexts.get(name)
        if not isinstance(context, dict):
            continue
        title, version = context.get("name"), context.get("version")
        found[f"{name}.name"] = title
        if title and version:
            found[name] = f"{title} {version}"
    return found
