"""Django admin of notices: who is told, how it fares, and sending again what failed. No address, no secret."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from webhooks.admin.parts import FlowAdmin, as_pretty_json
from webhooks.models import Notice
from webhooks.notices import send_again


class NoticeReceiverAdmin(FlowAdmin):
    """Added and removed on the page of notices, where a webhook's secret is shown once."""

    list_display = ("__str__", "kind", "project", "added_at", "delivered_at", "shown_error")
    list_filter = ("kind",)
    list_select_related = ("project",)
    ordering = ("-id",)
    fields = list_display
    readonly_fields = fields


class NoticeAdmin(FlowAdmin):
    list_display = (
        "made_at",
        "kind",
        "receiver",
        "state",
        "attempts",
        "due_at",
        "delivered_at",
        "shown_error",
    )
    list_filter = ("state", "kind")
    list_select_related = ("receiver",)
    ordering = ("-made_at",)
    fields = (*list_display, "uuid", "unlisted", "shown_content")
    readonly_fields = fields
    long_fields = ("content",)
    actions = ("send_again",)

    @admin.display(description="Problems, masked")
    def shown_content(self, notice: Notice) -> SafeString:
        return as_pretty_json(notice.content)

    @admin.action(description="Send again what failed", permissions=["operate"])
    def send_again(self, request: HttpRequest, notices: QuerySet[Notice]) -> None:
        """What waits goes out now; of what was given up, and not kept, the receivers hear what is open today."""
        self.message_user(request, f"{send_again(notices)} notices are due now.")
