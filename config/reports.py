"""What an error page may show while DEBUG is on: a developer types real keys too, and pastes real payloads."""

import re
from collections.abc import ItemsView
from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter


class ReportFilter(SafeExceptionReporterFilter):
    """Django's own hides neither a form's fields nor variables under DEBUG, whatever decorators say."""

    hidden_settings = re.compile(
        f"{SafeExceptionReporterFilter.hidden_settings.pattern}|BROKER_URL", re.IGNORECASE
    )

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        """The names of the form's fields."""
        return dict.fromkeys(super().get_post_parameters(request), self.cleansed_substitute)

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> ItemsView[str, Any]:
        """None: what is named `data` or `serializer` holds keys and payloads as well."""
        return dict[str, Any]().items()
