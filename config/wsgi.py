"""WSGI entry point for granian and gunicorn; also starts what takes in the spool that an earlier process left."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

from webhooks.keeper import ensure_keeper  # noqa: E402 - needs the settings and the apps

ensure_keeper()
