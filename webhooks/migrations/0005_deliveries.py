"""The state of track events moves to deliveries, a row for up to a thousand of them.

The columns it moves from stay in the table, with values that processes of an older version leave alone: these go on
storing and delivering their own events meanwhile, and `webhooks.adopting` gives what they stored a delivery.
"""

import django.db.models.deletion
import django.utils.timezone
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

EAGER = "autovacuum_vacuum_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.02"


def tune(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(f"ALTER TABLE webhooks_delivery SET ({EAGER})")


def drop_double(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """The index of the foreign key alone: others begin with the same column, and every message pays for it."""
    table = "webhooks_inboxmessage"
    with editor.connection.cursor() as cursor:
        names = list(editor.connection.introspection.get_constraints(cursor, table))
    for name in names:
        if name.startswith(f"{table}_integration_id_") and "_fk_" not in name:
            editor.execute(f"DROP INDEX {editor.quote_name(name)}")


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0001_initial"),
        ("webhooks", "0004_problems"),
    ]

    operations = [
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("pending", "Pending"), ("done", "Done"), ("dead", "Dead")],
                        default="pending",
                        editable=False,
                        max_length=8,
                    ),
                ),
                ("due_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                ("faults", models.PositiveSmallIntegerField(default=0, editable=False)),
                ("claim", models.UUIDField(editable=False, null=True)),
                ("last_error", models.TextField(blank=True, default="", editable=False)),
                ("event_count", models.PositiveIntegerField()),
                ("byte_count", models.PositiveIntegerField()),
                ("delivered_at", models.DateTimeField(null=True)),
                (
                    "environment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="integrations.environment",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "pending")),
                        fields=["environment", "due_at", "id"],
                        name="delivery_due",
                    ),
                    models.Index(
                        condition=models.Q(("state", "dead")), fields=["environment"], name="delivery_dead"
                    ),
                ],
            },
        ),
        migrations.RunPython(tune, migrations.RunPython.noop),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop_double, migrations.RunPython.noop)],
            state_operations=[
                migrations.AlterField(
                    model_name="inboxmessage",
                    name="integration",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="integrations.sentryintegration",
                    ),
                )
            ],
        ),
        migrations.AddField(
            model_name="outboxevent",
            name="delivery",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="events",
                to="webhooks.delivery",
            ),
        ),
        migrations.AlterField(
            model_name="outboxevent", name="state", field=models.CharField(db_default="moved", max_length=8)
        ),
        migrations.AlterField(model_name="outboxevent", name="due_at", field=models.DateTimeField(null=True)),
        migrations.AlterField(
            model_name="outboxevent", name="attempts", field=models.PositiveIntegerField(db_default=0)
        ),
        migrations.AlterField(
            model_name="outboxevent", name="faults", field=models.PositiveSmallIntegerField(db_default=0)
        ),
        migrations.AlterField(
            model_name="outboxevent", name="last_error", field=models.TextField(db_default="")
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveIndex("outboxevent", "outboxevent_due"),
                migrations.RemoveIndex("outboxevent", "outboxevent_dead"),
                *(
                    migrations.RemoveField("outboxevent", name)
                    for name in (
                        "state",
                        "due_at",
                        "attempts",
                        "faults",
                        "claim",
                        "last_error",
                        "delivered_at",
                    )
                ),
            ]
        ),
    ]
