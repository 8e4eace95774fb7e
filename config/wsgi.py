"""WSGI entry point for granian and gunicorn; also starts what takes in the spool that an earlier process left."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django.setup(set_prefix=False)

from config.handler import Handler  # noqa: E402 - these need the settings and the apps
from webhooks.keeper import ensure_keeper  # noqa: E402

application = Handler()

ensure_keeper()
