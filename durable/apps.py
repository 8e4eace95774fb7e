"""The app of durable rows."""

from django.apps import AppConfig


class DurableConfig(AppConfig):
    """Rows that are work; imports nothing of the packages above."""

    name = "durable"
    verbose_name = "Drains"
    default_auto_field = "django.db.models.BigAutoField"
