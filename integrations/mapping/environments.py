"""Names of Sentry environments: what Sentry can send at all, and what is nearly the same.

Sentry's ingestion (sentry-relay) trims names, and drops those it finds invalid: the exception then arrives
without an environment.
"""

import re

from integrations.mapping.skips import quoted

LONGEST_NAME = 64

_REFUSED = re.compile(r"[\n\r\f/]")


def check_environment_name(name: str) -> str | None:
    """Return why Sentry can never send this environment, or None when it can. Outer blanks do not count."""
    trimmed = name.strip()
    if not trimmed:
        return "Enter the name of the environment as your program gives it to Sentry."
    if "/" in trimmed:
        return "Sentry drops environment names with a slash, so this one never arrives."
    if _REFUSED.search(trimmed):
        return "Sentry drops environment names with a line break, so this one never arrives."
    if len(trimmed) > LONGEST_NAME:
        return (
            f"Sentry drops environment names of more than {LONGEST_NAME} characters; this has {len(trimmed)}."
        )
    if trimmed.lower() == "none":
        return f"Sentry takes {quoted(trimmed)} for “no environment”, so it never arrives under this name."
    return None


def near_miss(sent: str, typed: str) -> str | None:
    """Say how a typed name is the one Sentry sent but for letter case or blanks; None when it is not."""
    if sent == typed:
        return None
    same_letters = sent.casefold() == typed.casefold()
    if not same_letters and _without_blanks(sent) != _without_blanks(typed):
        return None
    what = "letter case counts" if same_letters else "blanks count"
    return f"Sentry sends {quoted(sent)}, the mapping says {quoted(typed)}: {what}."


def _without_blanks(name: str) -> str:
    return "".join(name.casefold().split())
