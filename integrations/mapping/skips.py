"""Why an exception, or one row of a mapping, gave no track event: a code and words for people."""

from dataclasses import dataclass, field
from enum import StrEnum

from integrations.payloads.lenient import clean_text


class SkipCode(StrEnum):
    """The reasons. Those of a whole message stand alone; the identity ones come once per mapping row."""

    NOT_AN_EXCEPTION = "not_an_exception"
    ENVIRONMENT_MISSING = "environment_missing"
    ENVIRONMENT_UNMAPPED = "environment_unmapped"
    IDENTITY_MISSING = "identity_missing"
    IDENTITY_NOT_TEXT = "identity_not_text"
    IDENTITY_TOO_LONG = "identity_too_long"
    CULPRIT_MISSING = "culprit_missing"
    INTEGRATION_PAUSED = "integration_paused"
    UNINSTALLED = "uninstalled"
    PAYLOAD_UNREADABLE = "payload_unreadable"


@dataclass(frozen=True, slots=True)
class Skip:
    """One reason. `detail` names the environment, path or type concerned, and never a person's own value.

    `subject` is that environment or path alone, by which equal reasons are counted together.
    """

    code: SkipCode
    detail: str
    subject: str = field(default="", compare=False)


def skip(code: SkipCode, detail: str, subject: str = "") -> Skip:
    """Make a skip whose words can be stored and shown whatever foreign text they quote."""
    return Skip(code, clean_text(detail), clean_text(subject))


def quoted(text: str, most: int = 80) -> str:
    """Quote a foreign text inside a sentence, cut to a length people can read."""
    return f"“{text[:most]}…”" if len(text) > most else f"“{text}”"
