"""A claim's lease in a column that no index knows, and pages with room for the row as it is while claimed.

Half of a page is left free when rows are added, so that a whole batch, which lies side by side, can be claimed in
place (HOT). What is there already is not moved. Processes of an older version go on moving `due_at`; they may take a
message that a new one holds, which then finishes nothing. Deliveries they do not know.
"""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

TABLES = ("webhooks_inboxmessage", "webhooks_delivery")


def leave_room(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        for table in TABLES:
            editor.execute(f"ALTER TABLE {table} SET (fillfactor = 50)")


def leave_none(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        for table in TABLES:
            editor.execute(f"ALTER TABLE {table} RESET (fillfactor)")


class Migration(migrations.Migration):
    # Each table by itself: drains of the version before lock both, some in one order and some in the other.
    atomic = False
    dependencies = [("webhooks", "0008_drop_double_index")]

    operations = [
        migrations.AddField("delivery", "leased_until", models.DateTimeField(editable=False, null=True)),
        migrations.AddField("inboxmessage", "leased_until", models.DateTimeField(editable=False, null=True)),
        migrations.RunPython(leave_room, leave_none),
    ]
