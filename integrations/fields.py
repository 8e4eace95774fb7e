"""Secrets at rest: text encrypted with the newest of FIELD_ENCRYPTION_KEYS, readable with any of them.

A row is loaded with its secrets closed; one is opened where it is read. So a secret whose key is gone is in nobody's
way but that of whoever needs it. `values()` gives it closed.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models.query_utils import DeferredAttribute

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


class UnreadableSecret(ImproperlyConfigured):
    """A secret whose key is not among FIELD_ENCRYPTION_KEYS; the message names it and the remedy."""

    silent_variable_failure = True  # a template shows nothing in its place


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret as the database has it, and the name of its field."""

    name: str
    stored: str = field(repr=False)

    def open(self) -> str:
        """The secret; raises UnreadableSecret."""
        try:
            return cipher(tuple(settings.FIELD_ENCRYPTION_KEYS)).decrypt(self.stored.encode()).decode()
        except InvalidToken as error:
            raise UnreadableSecret(
                f"{self.name} was encrypted with a key that is not among FIELD_ENCRYPTION_KEYS. "
                "Put the old key back at the end of the list."
            ) from error

    def renewed(self) -> str:
        """The same under the newest key; as it is when it cannot be read."""
        try:
            return cipher(tuple(settings.FIELD_ENCRYPTION_KEYS)).rotate(self.stored.encode()).decode()
        except InvalidToken:
            return self.stored


class SecretAttribute(DeferredAttribute):
    """Opens the secret of a row when it is read; raises UnreadableSecret then."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if isinstance(value, Sealed):
            value = instance.__dict__[self.field.attname] = value.open()
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


if TYPE_CHECKING:
    PlainTextField = models.TextField[str, str]
else:
    PlainTextField = models.TextField  # generic only for the type checker


class EncryptedTextField(PlainTextField):
    """Text that is stored encrypted; an empty value stays empty, so that "no secret" can be asked in SQL."""

    descriptor_class = SecretAttribute

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        return model_instance.__dict__[self.attname]  # closed, if nobody opened it

    def get_prep_value(self, value: Any) -> str:
        if isinstance(value, Sealed):
            return value.renewed()
        text = super().get_prep_value(value) or ""
        return cipher(tuple(settings.FIELD_ENCRYPTION_KEYS)).encrypt(text.encode()).decode() if text else ""

    def from_db_value(self, value: str | None, expression: object, connection: object) -> Sealed | str:
        return Sealed(f"{self.model.__name__}.{self.name}", value) if value else ""


def has_secret(row: models.Model, name: str) -> bool:
    """Whether there is one, readable or not."""
    return bool(row.__dict__[name] if name in row.__dict__ else getattr(row, name))


def tail_of(row: models.Model, name: str) -> str:
    """What may be shown of a row's secret; nothing of one that cannot be read."""
    try:
        return tail(getattr(row, name))
    except UnreadableSecret:
        return ""


def tail(secret: str) -> str:
    """What may be shown of a secret: its last four characters, or nothing of a short one."""
    return f"…{secret[-TAIL:]}" if len(secret) >= 4 * TAIL else "…" if secret else ""
