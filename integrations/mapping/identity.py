"""From the value at an identity path to the key of a track event.

FME's keys are texts of 1 to 250 characters, compared with the key that the program itself passes to the SDK;
so a text stays exactly as it is, outer blanks included.
"""

import re

from integrations.mapping.skips import Skip, SkipCode, skip
from integrations.payloads.lenient import JsonValue

LONGEST_KEY = 250

_BEYOND_LONGEST = 10**LONGEST_KEY
# C0, DEL and C1 controls, and halves of surrogate pairs: in no identity, and refused by stores and peers.
_NO_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def key_of(value: JsonValue, path: str) -> str | Skip:
    """Return the key, or why this value cannot be one: `path` is how the reason names it."""
    if value is None:
        return skip(SkipCode.IDENTITY_MISSING, f"{path} is null.", path)
    if isinstance(value, str):
        return _key_of_text(value, path)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 42.0 is the 42 that some SDKs write so
    if isinstance(value, int) and not isinstance(value, bool):
        return _key_of_number(value, path)
    return skip(
        SkipCode.IDENTITY_NOT_TEXT, f"{path} is {kind_of(value)}; a key is a text or a whole number.", path
    )


def kind_of(value: JsonValue) -> str:
    """Say in words what kind of JSON value this is, without giving the value away."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int):
        return "a whole number"
    if isinstance(value, float):
        return "a whole number" if value.is_integer() else "a number that is not whole"
    if isinstance(value, str):
        return f"a text of {_count(len(value), 'character')}"
    if isinstance(value, list):
        return f"a list of {_count(len(value), 'item')}"
    return f"an object with {_count(len(value), 'key')}"


def _key_of_text(value: str, path: str) -> str | Skip:
    if not value or value.isspace():
        return skip(SkipCode.IDENTITY_MISSING, f"{path} is blank.", path)
    if _NO_TEXT.search(value):
        return skip(
            SkipCode.IDENTITY_NOT_TEXT, f"{path} is {kind_of(value)} with control characters in it.", path
        )
    if len(value) > LONGEST_KEY:
        return _too_long(path, kind_of(value))
    return value


def _key_of_number(value: int, path: str) -> str | Skip:
    if abs(value) >= _BEYOND_LONGEST:  # before str(): Python refuses to write out thousands of digits
        return _too_long(path, f"a number of more than {LONGEST_KEY} digits")
    key = str(value)
    return key if len(key) <= LONGEST_KEY else _too_long(path, f"a number of {len(key)} characters")


def _too_long(path: str, what: str) -> Skip:
    return skip(SkipCode.IDENTITY_TOO_LONG, f"{path} is {what}; a key has at most {LONGEST_KEY}.", path)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
