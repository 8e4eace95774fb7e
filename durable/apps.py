"""The app of durable rows."""

from django.apps import AppConfig


class DurableConfig(AppConfig):
    """Rows that are work; imports nothing of the packages above."""

    name = "durable"
    default_auto_field = "django.db.models.BigAutoField"
