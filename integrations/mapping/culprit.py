"""Names of culprit events: free text of Sentry made into an event type that FME accepts.

FME's limits (its documentation and the Split SDKs differ; this satisfies all): 1 to 63 characters, first a
letter or digit, then letters, digits, `-`, `_`, `.`.
"""

import hashlib
import re

PLAIN_EVENT_TYPE = "sentry_exception"

_PREFIX = PLAIN_EVENT_TYPE + "."
_ROOM = 63 - len(_PREFIX)
_HASH_DIGITS = 8
_REFUSED = re.compile(r"[^A-Za-z0-9._-]+")


def culprit_event_type(culprit: str | None) -> str | None:
    """Return the event type of a culprit, or None when there is none.

    Two culprits whose names had to be cut, or lost letters, still differ: their names end in a hash.
    """
    if culprit is None or not culprit.strip():
        return None
    name = _REFUSED.sub("_", culprit.strip()).strip("_.-")
    if not name or len(name) > _ROOM or _has_foreign_letters(culprit):
        name = _hashed(name, culprit)
    return _PREFIX + name


def _hashed(name: str, culprit: str) -> str:
    # "surrogatepass": text that is no valid UTF-8 gets a name too.
    digest = hashlib.sha256(culprit.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]
    return f"{name[: _ROOM - len(digest) - 1]}-{digest}"


def _has_foreign_letters(culprit: str) -> bool:
    return not culprit.isascii() and any(sign.isalpha() and not sign.isascii() for sign in culprit)
