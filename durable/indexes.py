"""Indexes that are made while others write, where the database can; for migrations, which then are not atomic."""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def concurrently(editor: BaseDatabaseSchemaEditor) -> str:
    """The word for it in SQL; nothing on SQLite, which has one writer at a time anyway."""
    return "CONCURRENTLY" if editor.connection.vendor == "postgresql" else ""


class AddIndex(AddIndexConcurrently):
    """Concurrently where the database can."""

    def database_forwards(self, label: str, editor: Any, before: Any, after: Any) -> None:
        if concurrently(editor):
            super().database_forwards(label, editor, before, after)
        else:
            migrations.AddIndex.database_forwards(self, label, editor, before, after)

    def database_backwards(self, label: str, editor: Any, before: Any, after: Any) -> None:
        if concurrently(editor):
            super().database_backwards(label, editor, before, after)
        else:
            migrations.AddIndex.database_backwards(self, label, editor, before, after)
