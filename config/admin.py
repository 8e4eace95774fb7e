"""The operators' admin site."""

from django.contrib import admin


class OperatorSite(admin.AdminSite):
    """Django admin under the product's name; administrators of FME use the pages instead."""

    site_header = "Sentry for Harness FME"
    site_title = "Sentry for Harness FME"
    index_title = "Operators"
    site_url = "/admin-settings/integrations/"
