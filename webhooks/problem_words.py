"""Problems in words: what each kind is called, what it means, where it is mended; page and notices say the same."""

from dataclasses import dataclass
from typing import Final

from django.urls import reverse

from webhooks.masking import mask_text
from webhooks.models import Problem

BY_ENVIRONMENT: Final = frozenset({"environment_unmapped", "environment_missing"})
BY_PATH: Final = frozenset({"identity_missing", "identity_not_text", "identity_too_long"})
FAILED: Final = frozenset({"events_failed", "messages_failed"})
FROM_SKIPS: Final = BY_ENVIRONMENT | BY_PATH | {"payload_unreadable"}


@dataclass(frozen=True, slots=True)
class Words:
    """What a kind of problem is called, what it means, and what the button to its fix says."""

    title: str
    meaning: str
    fix: str = ""
    kind: str = "warn"
    unit: str = "in 24 h"
    """What follows its count; blank where a count says nothing."""


KINDS: Final = {
    "environment_unmapped": Words(
        "Environment {} is not mapped",
        "Its exceptions are dropped; the messages are kept and can be replayed.",
        "Map it",
    ),
    "environment_missing": Words(
        "Exceptions name no environment", "Set the environment in the Sentry SDK, then they can be mapped."
    ),
    "identity_missing": Words(
        "No key at {}",
        "Exceptions have nothing at this path, so this row gives no track events.",
        "Change the path",
    ),
    "identity_not_text": Words(
        "What stands at {} is not text",
        "A key is a text or a whole number. Map a path that leads to one.",
        "Change the path",
    ),
    "identity_too_long": Words(
        "Keys at {} are too long",
        "A key has at most 250 characters. Map a path to a shorter one.",
        "Change the path",
    ),
    "payload_unreadable": Words(
        "Payloads cannot be read", "Sentry sends something that is no exception as documented."
    ),
    "key_missing": Words(
        "{} has no SDK key", "Its track events wait; none is lost.", "Enter a key", unit="waiting"
    ),
    "key_refused": Words(
        "Harness FME refuses the SDK key of {}",
        "Its track events wait; none is lost.",
        "Enter a new key",
        kind="bad",
        unit="waiting",
    ),
    "fme_failing": Words(
        "Harness FME takes no events for {}",
        "They wait; none is lost. Delivery is tried again by itself.",
        kind="bad",
        unit="waiting",
    ),
    "environment_gone": Words(
        "Harness FME no longer lists {}",
        "A row still maps to it. Map to another environment.",
        "Change the mapping",
        unit="waiting",
    ),
    "hook_failed": Words(
        "The service hook does not work", "Nothing arrives from Sentry.", "Correct", kind="bad", unit=""
    ),
    "connection_lost": Words(
        "The connection to Sentry is lost",
        "The hook can neither be checked nor changed.",
        "Correct",
        kind="bad",
        unit="",
    ),
    "uninstalled": Words(
        "The app was uninstalled in Sentry",
        "Nothing arrives from Sentry.",
        "Paste new ID",
        kind="bad",
        unit="",
    ),
    "silent": Words(
        "Sentry has gone quiet",
        "Messages came nearly every day before. See whether the hook is still there, and whether the app still "
        "reports to Sentry.",
        "Check the hook",
        unit="days",
    ),
    "events_failed": Words(
        "Track events were refused for good",
        "Harness FME took the others of the same batch. Once the reason is mended, they can be sent again.",
        "Resend…",
        kind="bad",
    ),
    "messages_failed": Words(
        "Messages could not be translated",
        "The reason stands on each message. Once it is mended, they can be tried again.",
        "Resend…",
        kind="bad",
        unit="in all",
    ),
}
UNKNOWN: Final = Words("Something fails", "")


def words_of(problem: Problem) -> Words:
    """The words for a problem's kind."""
    return KINDS.get(problem.kind, UNKNOWN)


def fix_of(problem: Problem) -> str:
    """The path of the page on which it is mended, without the subject, which notices mask; nothing without one."""
    if not words_of(problem).fix:
        return ""
    if problem.kind in ("key_missing", "key_refused"):
        return reverse("environments")
    if problem.kind in FAILED:
        return reverse("resend_failed", args=[problem.integration_id]) + "?range=all"
    if problem.kind == "silent":
        return reverse("integration", args=[problem.integration_id]) + "#hook"
    return reverse("integration_edit", args=[problem.integration_id])


def detail_of(problem: Problem) -> str:
    """What a peer said to it, masked; of skips the words say all there is."""
    return "" if problem.kind in FROM_SKIPS else mask_text(problem.detail)
