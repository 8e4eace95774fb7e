"""Runs in the peers' environment: a Django site that is nothing but dj-stripe's webhook view, in its fast mode.

A callback is configured, as its documentation advises for sites that queue: no Event rows, no calls to Stripe.
Lasting connections, no middleware. `python -m benchmarks.peers.djstripe_site` migrates and adds the endpoint.
"""

import os
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import include, path

UUID = "6f1cf1f5-9a39-4bb5-8d2f-0f3f6cb7c111"
TOLERANCE_SECONDS = 30_000

address = urlsplit(os.environ["PEER_DATABASE_URL"])
settings.configure(
    SECRET_KEY="p" * 50, ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, USE_TZ=True,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "djstripe"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql", "NAME": address.path[1:], "HOST": address.hostname,
            "PORT": address.port, "USER": address.username, "CONN_MAX_AGE": None,
        }
    },
    DJSTRIPE_FOREIGN_KEY_TO_FIELD="id", DJSTRIPE_WEBHOOK_EVENT_CALLBACK=f"{__name__}.take",
    STRIPE_TEST_SECRET_KEY="sk_test_benchmark", STRIPE_LIVE_MODE=False,
)  # fmt: skip


def take(event: Any, *, api_key: str) -> None:
    """Where a site would queue the event."""


application = get_wsgi_application()  # first: its address patterns import models
urlpatterns = [path("stripe/", include("djstripe.urls", namespace="djstripe"))]

if __name__ == "__main__":
    django.setup()
    from djstripe.models import WebhookEndpoint

    call_command("migrate", verbosity=0)
    WebhookEndpoint.objects.create(
        id="we_1", enabled_events=["*"], secret=os.environ["PEER_SECRET"], status="enabled", livemode=False,
        url="http://127.0.0.1/", djstripe_uuid=UUID, djstripe_tolerance=TOLERANCE_SECONDS,
    )  # fmt: skip
