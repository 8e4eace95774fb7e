"""Everything a webhook request can come to, with the status and the words of its answer."""

from enum import Enum


class Outcome(Enum):
    """(label, HTTP status, reason): the label is the metric's, the reason stands in the answer and the log."""

    STORED = ("stored", 202, "stored")
    SPOOLED = ("spooled", 202, "stored on disk until the database is back")
    IGNORED = ("ignored", 202, "this hook was removed: ignored")
    NOTHING_TO_DO = ("nothing_to_do", 200, "understood, nothing to do")
    NOT_POST = ("not_post", 405, "only POST is answered here")
    TOO_LARGE = ("too_large", 413, "the body is larger than WEBHOOK_MAX_BYTES")
    CUT_SHORT = ("cut_short", 400, "the body ended before Content-Length")
    UNKNOWN_HOOK = ("unknown_hook", 404, "no service hook has this address")
    BAD_SIGNATURE = ("bad_signature", 401, "the signature is missing or does not match the body")
    NO_ROOM = ("no_room", 401, "too many messages wait already for the secret that would prove this one")
    UNREADABLE = ("unreadable", 400, "the body is not JSON or has no event id of 32 hex digits")
    NO_SECRET = ("no_secret", 503, "SENTRY_CLIENT_SECRET is not set, so nothing can be verified")
    FULL = ("full", 503, "neither the database nor the spool can take it")

    def __init__(self, label: str, status: int, reason: str) -> None:
        self.label = label
        self.status = status
        self.reason = reason

    @property
    def may_change(self) -> bool:
        """Whether the same request can still be taken later: nothing is wrong with it."""
        return self in (Outcome.NO_ROOM, Outcome.NO_SECRET, Outcome.FULL)
