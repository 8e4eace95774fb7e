"""Django admin of the outbox: track events, the deliveries that carry them, and each attempt at one."""

import json

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from webhooks.admin.parts import FlowAdmin, as_pretty_json, messages_with
from webhooks.masking import mask, mask_text
from webhooks.models import Delivery, DeliveryAttempt, InboxMessage, OutboxEvent
from webhooks.resending import send_now


class OutboxEventAdmin(FlowAdmin):
    list_display = ("id", "event_type", "traffic_type", "shown_key", "environment", "state", "delivered_at")
    search_fields = ("message__event_id",)
    search_help_text = "The whole event id of the message"
    ordering = ("-id",)
    fields = ("message", "environment", "delivery", "state", "delivered_at", "shown_error", "shown_body")
    readonly_fields = fields
    actions = ("send_again",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutboxEvent]:
        light = InboxMessage.objects.defer("body")
        return (
            super()
            .get_queryset(request)
            .select_related("environment", "delivery")
            .prefetch_related(Prefetch("message", light))
        )

    def get_search_results(
        self, request: HttpRequest, events: QuerySet[OutboxEvent], search_term: str
    ) -> tuple[QuerySet[OutboxEvent], bool]:
        return (events.filter(message__in=messages_with(search_term)) if search_term else events), False

    @admin.display(description="Key")
    def shown_key(self, event: OutboxEvent) -> str:
        return mask_text(event.key)

    @admin.display(description="Track event, masked")
    def shown_body(self, event: OutboxEvent) -> SafeString:
        return as_pretty_json(mask(json.loads(event.body)))

    @admin.action(description="Send again now what is not delivered", permissions=["operate"])
    def send_again(self, request: HttpRequest, events: QuerySet[OutboxEvent]) -> None:
        count = send_now(Delivery.objects.filter(pk__in=events.order_by().values("delivery")))
        self.message_user(request, f"{count} deliveries are due now.")


class DeliveryAdmin(FlowAdmin):
    list_display = (
        "id", "environment", "state", "event_count", "byte_count", "due_at", "attempts", "delivered_at",
    )  # fmt: skip
    list_filter = ("state",)  # by environment there are the attempts
    list_select_related = ("environment",)
    ordering = ("-id",)
    fields = (*list_display, "claim", "faults", "shown_error")
    readonly_fields = fields
    actions = ("send_again",)

    @admin.action(description="Send again now what is not delivered", permissions=["operate"])
    def send_again(self, request: HttpRequest, deliveries: QuerySet[Delivery]) -> None:
        self.message_user(request, f"{send_now(deliveries)} deliveries are due now.")


class DeliveryAttemptAdmin(FlowAdmin):
    list_display = (
        "started_at", "environment", "outcome", "status_code", "event_count", "byte_count", "duration_ms", "next_at",
    )  # fmt: skip
    list_filter = ("environment", "outcome", "started_at")
    list_select_related = ("environment",)
    ordering = ("-started_at",)
    fields = (*list_display, "shown_answer", "event_ids")
    readonly_fields = fields
    long_fields = ("answer", "event_ids")

    @admin.display(description="Answer")
    def shown_answer(self, attempt: DeliveryAttempt) -> str:
        return mask_text(attempt.answer)
