"""The environment as the product reads it: one `Env`, the `.env` file, and what production must not lack.

A value that cannot be meant is refused at the start, with its name and what it has to be: found out later, by
the first webhook or the first key, it would cost messages.
"""

import base64
import os
import re
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
SWITCH = {
    **dict.fromkeys(("1", "on", "true", "yes", "y", "ok"), True),
    **dict.fromkeys(("0", "off", "false", "no", "n"), False),
}
FERNET_KEY_BYTES = 32


class Env(environ.Env):  # type: ignore[misc]  # django-environ's stubs leave its class untyped
    """Readers that name the setting they cannot read; each raises ImproperlyConfigured."""

    def text(self, name: str, *, default: str, like: str, meant: str) -> str:
        """A text of the form `like`, which is described as `meant`."""
        value = str(self.str(name, default=default)).strip()
        if not re.fullmatch(like, value):
            raise unfit(name, value, meant)
        return value

    def number(self, name: str, *, default: float, least: float, most: float | None = None) -> Any:
        """A number within bounds: whole unless `default` has a fraction."""
        value = self.str(name, default=str(default))
        is_whole = isinstance(default, int)
        meant = f"{'a whole number' if is_whole else 'a number'}, {least:g} or more"
        meant += f" and at most {most:,}" if most else ""
        try:
            number = int(value) if is_whole else float(value)
        except ValueError:
            raise unfit(name, value, meant) from None
        if not (least <= number <= (most or number)):
            raise unfit(name, value, meant)
        return number

    def switch(self, name: str, *, default: str) -> bool:
        """On or off."""
        value = self.str(name, default=default)
        if value.strip().lower() not in SWITCH:
            raise unfit(name, value, "on or off")
        return SWITCH[value.strip().lower()]

    def words(self, name: str, default: Sequence[str] = ()) -> list[str]:
        """What stands between the commas, without blanks around it and without nothing."""
        given = self.str(name, default=",".join(default)).split(",")
        return [word.strip() for word in given if word.strip()]

    def networks(self, name: str) -> list[str]:
        """Addresses and networks."""
        for word in (found := self.words(name)):
            try:
                ip_network(word)
            except ValueError:
                raise unfit(name, word, "addresses or networks, such as 10.0.0.0/8") from None
        return found

    def address(self, name: str, *, default: str) -> str:
        """An http or https address, without a slash at the end."""
        value = str(self.str(name, default=default)).strip().rstrip("/")
        if not is_address(value):
            raise unfit(name, value, "an address such as https://fme.example.com")
        return value

    def keys(self, name: str, default: Sequence[str] = ()) -> list[str]:
        """Fernet keys; a wrong one is not repeated in words, since it may be most of a right one."""
        for key in (found := self.words(name, default)):
            try:
                size = len(base64.urlsafe_b64decode(key))
            except ValueError:
                size = 0
            if size != FERNET_KEY_BYTES:
                raise unfit(
                    name, "", "keys of 32 bytes in URL-safe base64, as .env.example shows how to make"
                )
        return found


def is_address(value: str) -> bool:
    """Whether it is an http or https address with a host and nothing after its path."""
    try:
        parts = urlsplit(value)
        is_known = parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:  # a port or a host that is none
        return False
    return is_known and bool(parts.hostname) and not (parts.query or parts.fragment)


def unfit(name: str, value: str, meant: str) -> ImproperlyConfigured:
    """The error for a value that cannot be meant."""
    return ImproperlyConfigured(
        f"{name} is {value!r}; it has to be {meant}." if value else f"{name} has to be {meant}."
    )


Env.read_env(os.environ.get("ENV_FILE", BASE_DIR / ".env"))
env = Env()
env.ENVIRON = {name: value for name, value in os.environ.items() if value}  # set to nothing counts as unset


def required(names: tuple[str, ...], *, debug: bool) -> None:
    """Refuse to start in production while one of `names` is unset; raises ImproperlyConfigured naming all of them."""
    missing = [name for name in names if not env.words(name)]
    if missing and not debug:
        raise ImproperlyConfigured(
            f"With DEBUG off these settings are needed and missing: {', '.join(missing)}. "
            "See .env.example for what each of them is."
        )
