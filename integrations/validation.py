"""What forms and API accept, and the words when they do not.

One function per field: text in, clean value out. Each raises django's ValidationError with a sentence that
tells the administrator what to do.
"""

import re
from collections.abc import Hashable, Sequence
from typing import Literal
from urllib.parse import urlsplit
from uuid import UUID

from django.core.exceptions import ValidationError

from integrations.mapping.environments import check_environment_name
from integrations.mapping.path_advice import check_path

LONGEST_SLUG = 100
LONGEST_SDK_KEY = 500
UUID_CHARACTERS = 36
LONGEST_NUMBER = 18
"""Digits: one more may not fit into a database's key, and thousands are refused by Python itself."""
ALREADY_INTEGRATED = "This Sentry project is already integrated with this Harness FME project."
UNKNOWN_INSTALLATION = (
    "No installation with this ID is released to this project. "
    "Check the ID, or ask an account admin to release it."
)  # fmt: skip

_SLUG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")

SlugKind = Literal["organization", "project"]
_NAMES: dict[SlugKind, str] = {"organization": "Sentry Organization", "project": "Sentry Project Slug"}
_OWN_HOSTS = ("www", "us", "de", "eu")
"""First labels of Sentry's own hosts; any other label before `.sentry.io` is an organization's slug."""


def clean_path(text: str) -> str:
    """The path as it is stored: trimmed, a known misprint corrected (`data.erroruser.id`)."""
    advice = check_path(text.strip())
    if not advice.is_acceptable:
        raise ValidationError(advice.message, code="path")
    return advice.path


def clean_environment_name(text: str) -> str:
    """The name as Sentry sends it: trimmed, its letters' case kept."""
    if error := check_environment_name(text):
        raise ValidationError(error, code="environment")
    return text.strip()


def clean_slug(text: str, *, of: SlugKind = "project") -> str:
    """The slug, also out of a pasted address of Sentry such as `https://acme.sentry.io/projects/front-end/`."""
    text = text.strip()
    slug = _slug_of_address(text, of) if "://" in text else text
    if not text:
        raise ValidationError(f"Enter the {_NAMES[of]}.", code="required")
    if not slug:
        raise ValidationError(f"This address names no {of}. Enter the {_NAMES[of]} itself.", code="slug")
    if len(slug) > LONGEST_SLUG:
        words = f"A slug has at most {LONGEST_SLUG} characters; this has {len(slug)}."
        raise ValidationError(words, code="slug")
    if not _SLUG.fullmatch(slug):
        raise ValidationError(_no_slug(slug), code="slug")
    return slug


def is_slug(text: str) -> bool:
    """Whether this is a slug as it stands."""
    return len(text) <= LONGEST_SLUG and bool(_SLUG.fullmatch(text))


def clean_installation_id(text: str) -> UUID:
    """The Installation ID as a UUID; whether it is known is another question."""
    text = text.strip()
    if not text:
        raise ValidationError("Paste the Sentry Installation ID.", code="required")
    if not _UUID.fullmatch(text):
        raise ValidationError(_no_uuid(text), code="uuid")
    return UUID(text)


def is_sdk_key(text: str) -> bool:
    """Whether this is one word that can stand in a header."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


def check_sdk_key(text: str) -> None:
    """Pass one word that can stand in a header.

    The length is checked here and not in the browser: it would cut the end off a field that shows dots for letters.
    """
    if len(text) > LONGEST_SDK_KEY:
        raise ValidationError(
            "This is too long for a key; paste the server-side SDK key alone.", code="sdk_key"
        )
    if not is_sdk_key(text):
        raise ValidationError(
            "A key is one word of letters and digits; more was pasted with it.", code="sdk_key"
        )


def whole_number(text: str) -> int | None:
    """A row's number or key out of an address or a form; None for what no database and no page has."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER else None


def storable(text: str) -> str:
    """Text as both databases take it: PostgreSQL knows no NUL, and neither takes a lone surrogate."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def repeated_rows(rows: Sequence[Hashable]) -> dict[int, int]:
    """Which rows repeat an earlier one: index of the row → index of the first like it."""
    first: dict[Hashable, int] = {}
    return {index: first[row] for index, row in enumerate(rows) if first.setdefault(row, index) != index}


def _no_uuid(text: str) -> str:
    if len(text) == UUID_CHARACTERS:
        return "Not a UUID: it holds more than the digits 0–9, the letters a–f and four dashes."
    given = f"{UUID_CHARACTERS} characters are expected, {len(text)} were given"
    return f"Not a UUID: {given}. Copy it with Sentry’s copy button."


def _slug_of_address(address: str, of: SlugKind) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    segments = _segments(parts.path)
    return _organization_in(parts.hostname or "", segments) if of == "organization" else _project_in(segments)


def _organization_in(host: str, segments: list[str]) -> str:
    for before in ("organizations", "settings"):
        if before in segments and (named := _after(segments, before)) and named != "projects":
            return named
    if segments[:3] == ["api", "0", "projects"]:
        return _after(segments, "projects")
    label, _, domain = host.partition(".")
    return label if domain == "sentry.io" and label not in _OWN_HOSTS else ""


def _project_in(segments: list[str]) -> str:
    if segments[:3] == ["api", "0", "projects"]:
        segments = segments[3:] and ["projects", *segments[4:]]
    return _after(segments, "projects")


def _after(segments: list[str], name: str) -> str:
    """The segment that follows the first `name`; empty when there is none."""
    place = segments.index(name) + 1 if name in segments else len(segments)
    return segments[place] if place < len(segments) else ""


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _no_slug(text: str) -> str:
    suggestion = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:LONGEST_SLUG]
    hint = f" Did you mean “{suggestion}”?" if suggestion else ""
    return f"A slug holds only letters, digits, dashes and underscores, as in Sentry’s addresses.{hint}"
