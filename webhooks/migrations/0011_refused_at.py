"""When FME first refused an event by itself: it is given up only once FME has taken another one since."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0010_attempt_outcome")]

    operations = [migrations.AddField("delivery", "refused_at", models.DateTimeField(null=True))]
