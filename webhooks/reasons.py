"""Why a message gave no track event, in the few words of lists and charts; the message's page tells the rest. Pure."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Reason:
    """`words` for a filter and a drop; `about` the same with its subject; `is_fixable` when a mapping can help."""

    words: str
    about: str = ""
    is_fixable: bool = False

    def of(self, subject: str) -> str:
        """The reason with what it is about."""
        return self.about.format(subject) if self.about and subject else self.words


FORGED: Final = "signature_wrong"
"""Stands on a stored message whose signature turned out to be wrong."""

REASONS: Final = {
    "environment_unmapped": Reason("environment not mapped", "{} not mapped", is_fixable=True),
    "environment_missing": Reason("no environment"),
    "identity_missing": Reason("no key at its path", "no key at {}", is_fixable=True),
    "identity_not_text": Reason("key is not text", "{} is not text", is_fixable=True),
    "identity_too_long": Reason("key is too long", "{} is too long", is_fixable=True),
    "culprit_missing": Reason("no culprit, so no culprit event"),
    "not_an_exception": Reason("not an exception"),
    "integration_paused": Reason("paused"),
    "uninstalled": Reason("uninstalled in Sentry", is_fixable=True),
    "payload_unreadable": Reason("payload not readable", is_fixable=True),
    "test_only": Reason("test only, not delivered"),
    FORGED: Reason("signature wrong"),
}
UNKNOWN: Final = Reason("for a reason this version does not know")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request was not stored, in few words, and what to do about it."""

    words: str
    advice: str


REFUSALS: Final = {
    "bad_signature": Refusal(
        "refused: signature wrong",
        "Now and then it is somebody knocking. When everything is refused, this app and Sentry disagree about the "
        "hook’s secret: press “Check now” under Hook at Sentry, and see that no proxy changes the body.",
    ),
    "unreadable": Refusal(
        "refused: no Sentry event",
        "The body was no JSON or had no event id. A proxy in between may have changed it.",
    ),
    "too_large": Refusal(
        "refused: too large",
        "The body was larger than WEBHOOK_MAX_BYTES. Whoever runs the app can raise it, there and in the proxy.",
    ),
    "cut_short": Refusal(
        "cut short",
        "The connection ended before the whole body had arrived. Look at the proxy’s timeouts.",
    ),
    "full": Refusal(
        "lost: no room",
        "Neither the database nor the disk could take them, and Sentry does not send again. "
        "Whoever runs the app has to bring the database back or raise SPOOL_MAX_BYTES.",
    ),
}
UNKNOWN_REFUSAL: Final = Refusal(
    "refused", "For a reason this version does not know; the server’s log names it."
)


def reason_words(code: str, subject: str = "") -> str:
    """In a few words; `subject` is an environment or a path."""
    return REASONS.get(code, UNKNOWN).of(subject)


def is_fixable(code: str) -> bool:
    """Whether an administrator can do something about it here."""
    return REASONS.get(code, UNKNOWN).is_fixable
