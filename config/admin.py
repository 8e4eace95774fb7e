"""The operators' admin site."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.contrib import admin
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

FIRST = ("webhooks", "integrations", "durable")
"""Apps in the order in which an operator looks; Django's and other people's follow by name."""


class OperatorSite(admin.AdminSite):
    """Django admin under the product's name; administrators of FME use the pages instead."""

    site_header = "Sentry for Harness FME"
    site_title = "Sentry for Harness FME"
    index_title = "Operators"
    site_url = "/admin-settings/integrations/"

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """Nothing of an address reaches PostgreSQL with a NUL, which it refuses: there is no such page."""

        @wraps(view)
        def without_nul(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if "%00" in request.get_full_path():
                raise Http404
            return view(request, *args, **kwargs)

        return super().admin_view(cast("View", without_nul), cacheable)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Each app's models in the order in which they are registered, which is that of the flow."""
        apps: list[Any] = super().get_app_list(request, app_label)
        places = {model: place for place, model in enumerate(self._registry)}
        for app in apps:
            app["models"].sort(key=lambda each: places[each["model"]])
        return sorted(apps, key=lambda app: (*FIRST, app["app_label"]).index(app["app_label"]))
