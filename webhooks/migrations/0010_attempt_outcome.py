"""Attempts of one outcome, newest first: what was refused is seldom, and was found by reading all."""

from django.db import migrations, models

from durable.indexes import AddIndex


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("webhooks", "0009_leases")]

    operations = [
        AddIndex("deliveryattempt", models.Index(fields=["outcome", "started_at"], name="attempt_outcome")),
    ]
