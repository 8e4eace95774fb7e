"""What an error page may show while DEBUG is on: keys are typed on a developer's machine too, and they are real."""

from collections.abc import ItemsView
from types import FrameType
from typing import Any

from django.http import HttpRequest, QueryDict
from django.views.debug import SafeExceptionReporterFilter


class ReportFilter(SafeExceptionReporterFilter):
    """Django's own hides nothing of a form and of variables under DEBUG, and knows no names without decorators."""

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any] | QueryDict:
        """The form's fields, without the values of those that are named like a secret."""
        if request is None:
            return {}
        fields = request.POST.copy()
        for name in filter(self.hidden_settings.search, fields):
            fields[name] = self.cleansed_substitute
        return fields

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> ItemsView[str, Any]:
        """None: what is named `data` or `serializer` holds keys and payloads as well."""
        return dict[str, Any]().items()
