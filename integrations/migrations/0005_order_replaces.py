"""An SDK key order remembers which key it replaces; those that wait or failed replace what is there now."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import OuterRef, Subquery


def remember(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    environments = apps.get_model("integrations", "Environment").objects.filter(pk=OuterRef("environment_id"))
    apps.get_model("integrations", "SdkKeyOrder").objects.exclude(state="done").update(
        replaces_set_at=Subquery(environments.values("sdk_key_set_at")[:1])
    )


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0004_names_of_rows"),
    ]

    operations = [
        migrations.AddField(
            model_name="sdkkeyorder",
            name="replaces_set_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.RunPython(remember, migrations.RunPython.noop),
    ]
