"""The sandbox as a WSGI application, static files included. Dropped connections need `python -m sandbox`."""

import os

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "sandbox.settings"
application = StaticFilesHandler(get_wsgi_application())
