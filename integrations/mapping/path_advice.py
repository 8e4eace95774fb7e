"""Advice on a typed key path, for the form: right, understood with a correction, or wrong."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Final

from integrations.payloads.paths import MAX_PATH, PREFIXES, relative


class Verdict(StrEnum):
    """What a form does with a path: take it, take the correction and say so, or refuse it."""

    OK = "ok"
    CORRECTED = "corrected"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class PathAdvice:
    """`path` is what to store or, when wrong, what may be meant ("": no idea); `message` is for people."""

    verdict: Verdict
    path: str
    message: str = ""

    @property
    def is_acceptable(self) -> bool:
        """Whether `path` may be stored."""
        return self.verdict is not Verdict.WRONG


def check_path(path: str) -> PathAdvice:
    """Tell whether a path can name a key in Sentry's exceptions; whether one stands there is not known."""
    for check in _CHECKS:
        if advice := check(path):
            return advice
    return PathAdvice(Verdict.OK, path)


# What an event has directly under itself, in either form. Other names are not refused, only likely slips.
_FIELDS: Final = frozenset(
    {"breadcrumbs", "context", "contexts", "culprit", "dateCreated", "dateReceived", "datetime", "dist"}
    | {"entries", "environment", "errors", "eventID", "event_id", "exception", "extra", "fingerprint"}
    | {"fingerprints", "groupID", "hashes", "id", "issue_id", "issue_url", "key_id", "level", "location"}
    | {"logentry", "logger", "message", "metadata", "modules", "packages", "platform", "project", "projectID"}
    | {"received", "release", "request", "sdk", "size", "tags", "threads", "timestamp", "title"}
    | {"transaction", "type", "url", "user", "version", "web_url"}
)
_CONTAINERS: Final = (
    r"data|event|data\.error|data\.event|user|user\.data|tags|contexts|contexts\.[^.]+|extra|context|sdk|request|"
    r"metadata|exception|breadcrumbs|threads|entries|modules|packages|"
    r"(exception|breadcrumbs|threads)\.values(\.[0-9]+)?|entries\.[0-9]+(\.data)?"
)
_OUTSIDE: Final = re.compile(r"(data\.)?(installation|issue|actor|action|group)(\.|$)")
_LOST_DOT: Final = re.compile(r"data\.error(user|tags|contexts|extra)\.")
_EXAMPLE: Final = "data.error.user.id"


def _blank(path: str) -> PathAdvice | None:
    return (
        _wrong(f"Type the path of the key, for example {_EXAMPLE}.", _EXAMPLE) if not path.strip() else None
    )


def _too_long(path: str) -> PathAdvice | None:
    return (
        _wrong(f"A path has at most {MAX_PATH} characters; this has {len(path)}.")
        if len(path) > MAX_PATH
        else None
    )


def _unprintable(path: str) -> PathAdvice | None:
    if path.isprintable():
        return None
    return _wrong(
        "The path holds line breaks or other invisible characters.", "".join(filter(str.isprintable, path))
    )


def _outer_blanks(path: str) -> PathAdvice | None:
    tidy = ".".join(segment.strip() for segment in path.split("."))
    return _wrong(f"Remove the blanks around the names: {tidy}", tidy) if tidy != path else None


def _jsonpath(path: str) -> PathAdvice | None:
    if not path.startswith("$") and not re.search(r"[\[\]]", path):
        return None
    plain = (
        re.sub(r"\[['\"]?([^\[\]'\"]*)['\"]?\]", r".\1", path.lstrip("$")).replace("[", "").replace("]", "")
    )
    plain = _joined(plain)
    return _wrong(f"Write names and numbers with dots only, without “$” and brackets: {plain}", plain)


def _slashes(path: str) -> PathAdvice | None:
    if "." in path or "/" not in path:
        return None
    plain = _joined(path.replace("/", "."))
    return _wrong(f"Put dots between the names: {plain}", plain)


def _empty_segments(path: str) -> PathAdvice | None:
    plain = _joined(path)
    return (
        _wrong(f"There is a dot with no name beside it. Did you mean {plain}?", plain)
        if plain != path
        else None
    )


def _lost_dot(path: str) -> PathAdvice | None:
    right = _LOST_DOT.sub(r"data.error.\1.", path, count=1)
    if right == path:
        return None
    return PathAdvice(Verdict.CORRECTED, right, f"Understood as {right}: the dot after “error” was missing.")


def _outside(path: str) -> PathAdvice | None:
    if not _OUTSIDE.match(path):
        return None
    return _wrong(
        f"A path stays within the exception; it begins with data.error., for example {_EXAMPLE}.", _EXAMPLE
    )


def _prefix(path: str) -> PathAdvice | None:
    """Catch `error.user.id`, `data.user.id` and prefixes with capitals."""
    if path.startswith(PREFIXES):
        return None
    folded = re.match(r"(?:data\.error|data\.event|event|error|data)\.", path, re.IGNORECASE)
    if not folded:
        return None
    right = f"data.error.{path[folded.end() :]}"
    return _wrong(f"A path begins with data.error. Did you mean {right}?", right)


def _whole_object(path: str) -> PathAdvice | None:
    inside = relative(path)
    if not re.fullmatch(_CONTAINERS, inside):
        return None
    return _wrong(
        f"{path} is a whole object; a key is one value in it, for example {_inside_of(inside)}.",
        _inside_of(inside),
    )


def _unknown_field(path: str) -> PathAdvice | None:
    inside = relative(path)
    field, _, rest = inside.partition(".")
    if field in _FIELDS:
        return None
    if inside == path and not rest:
        right = f"data.error.user.{field}"
        return _wrong(f"An exception has no field {field} of its own. Did you mean {right}?", right)
    near = get_close_matches(field.lower(), sorted(_FIELDS), n=1, cutoff=0.8)
    right = f"data.error.{near[0]}.{rest}" if near and rest else f"data.error.{near[0]}" if near else ""
    return _wrong(f"An exception has no field {field}. Did you mean {right}?", right) if near else None


_CHECKS: Final[tuple[Callable[[str], PathAdvice | None], ...]] = (
    _blank,
    _too_long,
    _unprintable,
    _outer_blanks,
    _jsonpath,
    _slashes,
    _empty_segments,
    _lost_dot,
    _whole_object,
    _outside,
    _prefix,
    _unknown_field,
)


def _wrong(message: str, meant: str = "") -> PathAdvice:
    return PathAdvice(Verdict.WRONG, meant, message)


def _joined(path: str) -> str:
    return ".".join(filter(None, path.split("."))) or _EXAMPLE


def _inside_of(container: str) -> str:
    """Name one value inside a whole object, as an example."""
    head = container.split(".")[0]
    if head == "tags":
        return "data.error.tags.account_id"
    if head in ("contexts", "extra", "context"):
        return (
            f"data.error.{container}.account_id"
            if container != "contexts"
            else "data.error.contexts.account.id"
        )
    return _EXAMPLE
