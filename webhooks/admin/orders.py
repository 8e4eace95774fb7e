"""Django admin of work on many rows: replays and discards."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from durable.models import State
from durable.wake import wake
from webhooks.admin.parts import FlowAdmin


class OrderAdmin(FlowAdmin):
    """Work on many rows that a drain does in batches; dead when our own code failed over it."""

    list_filter = ("state",)
    list_select_related = ("integration__project",)
    ordering = ("-id",)
    actions = ("try_again",)

    @admin.action(description="Go on now where it stopped", permissions=["operate"])
    def try_again(self, request: HttpRequest, orders: QuerySet[Any]) -> None:
        count = self.model._default_manager.filter(pk__in=orders).exclude(state=State.DONE).arm()
        wake("replays", "discards")
        self.message_user(request, f"{count} orders are due now.")


class ReplayOrderAdmin(OrderAdmin):
    list_display = ("integration", "since", "until", "reason", "kind", "state", "reached", "shown_error")
    fields = (*list_display, "due_at", "attempts")


class DiscardAdmin(OrderAdmin):
    list_display = ("integration", "state", "due_at", "shown_error")
    fields = (*list_display, "attempts")
