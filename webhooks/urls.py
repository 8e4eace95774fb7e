"""The two addresses Sentry posts to."""

from django.urls import path

from webhooks.views import app_webhook, service_hook

urlpatterns = [
    path("sentry/hooks/<uuid:address>/", service_hook, name="service_hook"),
    path("sentry/app/", app_webhook, name="app_webhook"),
]
