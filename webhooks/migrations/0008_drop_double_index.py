"""Indexes as they are asked for: one that another begins with goes, one for reading attempts comes.

`problem_once` begins with the integration too. Attempts of all environments, newest first, were found by reading all of
them. Nothing that an old process does waits for this on PostgreSQL; SQLite has one writer at a time anyway.
"""

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from durable.indexes import AddIndex, concurrently

DOUBLE = "webhooks_problem_integration_id_4851ce38"


def drop(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    editor.execute(f"DROP INDEX {concurrently(editor)} IF EXISTS {DOUBLE}")


def make(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    editor.execute(
        f"CREATE INDEX {concurrently(editor)} IF NOT EXISTS {DOUBLE} ON webhooks_problem (integration_id)"
    )


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("webhooks", "0007_notices")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop, make)],
            state_operations=[
                migrations.AlterField(
                    model_name="problem",
                    name="integration",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="problems",
                        to="integrations.sentryintegration",
                    ),
                )
            ],
        ),
        AddIndex("deliveryattempt", models.Index(fields=["started_at"], name="attempt_time")),
    ]
