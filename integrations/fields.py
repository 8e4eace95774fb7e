"""Secrets at rest: text encrypted with the newest of FIELD_ENCRYPTION_KEYS, readable with any of them."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models

TAIL = 4
"""Characters of a secret that may be shown, and only of secrets long enough that they give nothing away."""


@lru_cache(maxsize=4)
def cipher(keys: tuple[str, ...]) -> MultiFernet:
    """The cipher for `keys`, newest first; raises ImproperlyConfigured when one of them is no Fernet key."""
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured(
            "FIELD_ENCRYPTION_KEYS needs at least one key of 32 bytes in URL-safe base64; make one with "
            "`python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'`."
        ) from error


if TYPE_CHECKING:
    PlainTextField = models.TextField[str, str]
else:
    PlainTextField = models.TextField  # generic only for the type checker


class EncryptedTextField(PlainTextField):
    """Text that is stored encrypted; an empty value stays empty, so that "no secret" can be asked in SQL."""

    def get_prep_value(self, value: Any) -> str:
        text = super().get_prep_value(value) or ""
        return cipher(tuple(settings.FIELD_ENCRYPTION_KEYS)).encrypt(text.encode()).decode() if text else ""

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str:
        if not value:
            return ""
        try:
            return cipher(tuple(settings.FIELD_ENCRYPTION_KEYS)).decrypt(value.encode()).decode()
        except InvalidToken as error:
            raise ImproperlyConfigured(
                f"{self.model.__name__}.{self.name} was encrypted with a key that is not among "
                "FIELD_ENCRYPTION_KEYS. Put the old key back at the end of the list."
            ) from error


def tail(secret: str) -> str:
    """What may be shown of a secret: its last four characters, or nothing of a short one."""
    return f"…{secret[-TAIL:]}" if len(secret) >= 4 * TAIL else "…" if secret else ""
