"""What the operators' pages of what flows through share."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from integrations.admin.parts import ReadOnlyAdmin
from integrations.models import SentryIntegration
from webhooks.masking import mask_text
from webhooks.models import InboxMessage


def as_pretty_json(value: Any) -> SafeString:
    """JSON as it reads best, escaped."""
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False))


def messages_with(event_id: str) -> QuerySet[InboxMessage]:
    """Messages of a Sentry event, however its id is written; by the index, which begins with the integration."""
    plain = event_id.strip().replace("-", "").lower()
    return InboxMessage.objects.filter(integration__in=SentryIntegration.objects.order_by(), event_id=plain)


class FlowAdmin(ReadOnlyAdmin):
    """Rows of which there may be millions: a list does not read what is long, and errors are masked."""

    long_fields: tuple[str, ...] = ()
    """Shown with one row only."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        match = request.resolver_match
        is_list = match is not None and (match.url_name or "").endswith("_changelist")
        return rows.defer(*self.long_fields) if is_list else rows

    @admin.display(description="Last error")
    def shown_error(self, row: Model) -> str:
        return mask_text(row.last_error)  # type: ignore[attr-defined]  # whoever lists it has it
