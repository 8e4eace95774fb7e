"""Celery is the bell and the pool of workers; the rows in the database are the truth."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("sentry_fme")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
