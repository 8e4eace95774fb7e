"""WSGI entry point for granian and gunicorn; also starts what takes in the spool that an earlier process left."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django.setup(set_prefix=False)

import config.urls  # noqa: E402, F401 - these need the settings and the apps; the pages are there for the first request
from config.handler import Handler  # noqa: E402
from durable.freezing import freeze_what_is_loaded  # noqa: E402
from webhooks.keeper import ensure_keeper  # noqa: E402

application = Handler()

ensure_keeper()
freeze_what_is_loaded()
