"""Addresses of the pages; what shows messages, events or counts is mounted by `webhooks`."""

from django.contrib.auth.views import LogoutView
from django.urls import path
from django.views.generic import RedirectView

from integrations import door_views, key_views, views

SENTRY = "admin-settings/integrations/sentry"
ONE = "admin-settings/integrations/<int:pk>"
KEY = "admin-settings/environments/<int:pk>/sdk-key"

urlpatterns = [
    path("", door_views.home, name="home"),
    path("favicon.ico", door_views.favicon, name="favicon"),
    path("login/", door_views.login, name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("profile/", door_views.profile, name="profile"),
    path("display/", door_views.display, name="display"),
    path("sentry/setup/", door_views.sentry_setup, name="sentry_setup"),
    path("admin-settings/", RedirectView.as_view(pattern_name="integrations"), name="admin_settings"),
    path("admin-settings/integrations/", views.configured, name="integrations"),
    path("admin-settings/integrations/marketplace/", views.marketplace, name="marketplace"),
    path(f"{SENTRY}/enable/", views.enable, name="sentry_enable"),
    path(f"{SENTRY}/add/", views.choose, name="integration_choose"),
    path(f"{SENTRY}/add/<int:project_id>/", views.add, name="integration_add"),
    path(f"{ONE}/", views.integration, name="integration"),
    path(f"{ONE}/edit/", views.edit, name="integration_edit"),
    path(f"{ONE}/switch/", views.switch, name="integration_switch"),
    path(f"{ONE}/check/", views.check, name="integration_check"),
    path(f"{ONE}/delete/", views.delete, name="integration_delete"),
    path("admin-settings/environments/", key_views.environments, name="environments"),
    path(f"{KEY}/", key_views.sdk_key, name="sdk_key"),
    path(
        "admin-settings/environments/<int:pk>/sdk-key/order/", key_views.sdk_key_order, name="sdk_key_order"
    ),
    path("admin-settings/catalogue/refresh/", key_views.catalogue_refresh, name="catalogue_refresh"),
    path("admin-settings/installations/", key_views.installations, name="installations"),
    path("admin-settings/installations/<int:pk>/release/", key_views.release, name="installation_release"),
]
