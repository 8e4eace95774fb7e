"""Encrypting stored secrets again with the newest of FIELD_ENCRYPTION_KEYS, so that an older one can go."""

from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.conf import settings
from django.db.models import F, Model, TextField, Value
from django.db.models.functions import Cast

from integrations.fields import EncryptedTextField, cipher

BATCH = 200


@dataclass(frozen=True, slots=True)
class Rotated:
    """What happened to one field of one model."""

    field: str
    renewed: int
    current: int
    """Were encrypted with the newest key already."""
    unreadable: int
    """Were encrypted with a key that is not in the list; nothing was changed there."""


def rotate_all() -> Iterator[Rotated]:
    """Encrypt every secret with the newest key, field by field.

    Idempotent, and safe while the product runs: a secret that changes meanwhile is left alone, since it is
    written with the newest key anyway.
    """
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield _rotate(model, field.name)


def _rotate(model: type[Model], name: str) -> Rotated:
    renewed = current = unreadable = 0
    for pk, stored in _stored(model, name):
        if _is_current(stored):
            current += 1
        elif fresh := _renew(stored):
            renewed += _replace(model, name, pk, stored, fresh)
        else:
            unreadable += 1
    return Rotated(f"{model._meta.label}.{name}", renewed, current, unreadable)


def _stored(model: type[Model], name: str) -> Iterator[tuple[int, str]]:
    """(key, ciphertext) of every row that has a secret, in batches by primary key."""
    rows = model._default_manager.annotate(stored=_raw(name)).exclude(stored="").order_by("pk")
    last = 0
    while batch := list(rows.filter(pk__gt=last).values_list("pk", "stored")[:BATCH]):
        yield from batch
        last = batch[-1][0]


def _replace(model: type[Model], name: str, pk: int, old: str, new: str) -> int:
    same = model._default_manager.annotate(stored=_raw(name)).filter(pk=pk, stored=old)
    return same.update(**{name: Value(new, output_field=TextField())})


def _raw(name: str) -> Cast:
    """The column as it is stored: reading the field itself would decrypt it."""
    return Cast(F(name), TextField())


def _is_current(stored: str) -> bool:
    try:
        Fernet(settings.FIELD_ENCRYPTION_KEYS[0]).decrypt(stored.encode())
    except InvalidToken:
        return False
    return True


def _renew(stored: str) -> str:
    try:
        return cipher(tuple(settings.FIELD_ENCRYPTION_KEYS)).rotate(stored.encode()).decode()
    except InvalidToken:
        return ""
