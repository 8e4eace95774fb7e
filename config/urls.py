"""Every address of the product; webhooks, pages, API, operators."""

from django.contrib import admin
from django.urls import include, path

from config.health import healthz, metrics, readyz

urlpatterns = [
    path("webhooks/", include("webhooks.urls")),
    path("", include("integrations.urls")),
    path("", include("webhooks.pages.urls")),
    path("api/", include("webhooks.api.urls")),
    path("django-admin/", admin.site.urls),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
]
handler403 = "integrations.errors.forbidden"
handler404 = "integrations.errors.not_found"
handler500 = "integrations.errors.server_error"
