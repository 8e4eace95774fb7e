"""Django admin of what flows through, for operators: looked at, sent again, never typed into. Payloads are masked."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from durable.models import State
from durable.wake import wake
from integrations.admin.parts import ReadOnlyAdmin, ReadOnlyInline
from webhooks.inbox import replay
from webhooks.masking import mask, mask_text
from webhooks.models import DeliveryAttempt, InboxMessage, OutboxEvent
from webhooks.revealing import record_replay, shown_payload


def as_pretty_json(value: Any) -> SafeString:
    """JSON as it reads best, escaped."""
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False))


class OutboxEventInline(ReadOnlyInline):
    model = OutboxEvent
    fields = (
        "event_type",
        "traffic_type",
        "shown_key",
        "environment",
        "state",
        "delivered_at",
        "shown_error",
    )
    readonly_fields = fields
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutboxEvent]:
        return super().get_queryset(request).select_related("environment")

    @admin.display(description="Key")
    def shown_key(self, event: OutboxEvent) -> str:
        return mask_text(event.key)

    @admin.display(description="Last error")
    def shown_error(self, event: OutboxEvent) -> str:
        return mask_text(event.last_error)


@admin.register(InboxMessage)
class InboxMessageAdmin(ReadOnlyAdmin):
    list_display = ("event_id", "integration", "source", "state", "environment", "skip_codes", "received_at")
    list_filter = ("state", "source", "received_at")
    list_select_related = ("integration__project",)
    search_fields = ("=event_id",)
    search_help_text = "The whole event id"
    ordering = ("-id",)
    fields = (
        "event_id", "integration", "source", "received_at", "environment", "shown_title", "hook_address", "state",
        "due_at", "attempts", "shown_error", "shown_skips", "shown_payload",
    )  # fmt: skip
    readonly_fields = fields
    inlines = (OutboxEventInline,)
    actions = ("replay_added", "replay_everything")

    def get_queryset(self, request: HttpRequest) -> QuerySet[InboxMessage]:
        messages = super().get_queryset(request).select_related("integration__project")
        is_list = (
            request.resolver_match and request.resolver_match.url_name == "webhooks_inboxmessage_changelist"
        )
        return messages.defer("body") if is_list else messages

    @admin.display(description="Skips")
    def skip_codes(self, message: InboxMessage) -> str:
        return ", ".join(skip["code"] for skip in message.skips)

    @admin.display(description="Title")
    def shown_title(self, message: InboxMessage) -> str:
        return mask_text(message.title)

    @admin.display(description="Last error")
    def shown_error(self, message: InboxMessage) -> str:
        return mask_text(message.last_error)

    @admin.display(description="Skips")
    def shown_skips(self, message: InboxMessage) -> SafeString:
        return as_pretty_json(mask(message.skips))

    @admin.display(description="Payload, masked")
    def shown_payload(self, message: InboxMessage) -> SafeString:
        return as_pretty_json(shown_payload(message))

    @admin.action(description="Replay: send what the mapping now adds", permissions=["operate"])
    def replay_added(self, request: HttpRequest, messages: QuerySet[InboxMessage]) -> None:
        self._replay(request, messages, everything=False)

    @admin.action(description="Replay: send everything again (counts twice in FME)", permissions=["operate"])
    def replay_everything(self, request: HttpRequest, messages: QuerySet[InboxMessage]) -> None:
        self._replay(request, messages, everything=True)

    def _replay(self, request: HttpRequest, messages: QuerySet[InboxMessage], *, everything: bool) -> None:
        chosen = list(messages.only("pk", "event_id", "integration_id"))
        count = replay(
            InboxMessage.objects.filter(pk__in=[each.pk for each in chosen]), everything=everything
        )
        for message in chosen:
            record_replay(message, everything=everything)
        self.message_user(request, f"{count} messages are translated again; those without a payload are not.")


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "event_type",
        "traffic_type",
        "shown_key",
        "environment",
        "state",
        "due_at",
        "delivered_at",
    )
    list_filter = ("state", "due_at")
    search_fields = ("=message__event_id",)
    search_help_text = "The whole event id of the message"
    ordering = ("-id",)
    fields = (
        "message", "environment", "state", "due_at", "attempts", "delivered_at", "shown_error", "shown_body",
    )  # fmt: skip
    readonly_fields = fields
    actions = ("send_again",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutboxEvent]:
        light = InboxMessage.objects.defer("body")
        return (
            super()
            .get_queryset(request)
            .select_related("environment")
            .prefetch_related(Prefetch("message", light))
        )

    @admin.display(description="Key")
    def shown_key(self, event: OutboxEvent) -> str:
        return mask_text(event.key)

    @admin.display(description="Last error")
    def shown_error(self, event: OutboxEvent) -> str:
        return mask_text(event.last_error)

    @admin.display(description="Track event, masked")
    def shown_body(self, event: OutboxEvent) -> SafeString:
        return as_pretty_json(mask(json.loads(event.body)))

    @admin.action(description="Send again now what is not delivered", permissions=["operate"])
    def send_again(self, request: HttpRequest, events: QuerySet[OutboxEvent]) -> None:
        keys = list(events.values_list("pk", flat=True))
        count = OutboxEvent.objects.filter(pk__in=keys).exclude(state=State.DONE).arm()
        wake("outbox")
        self.message_user(request, f"{count} events are due now.")


@admin.register(DeliveryAttempt)
class DeliveryAttemptAdmin(ReadOnlyAdmin):
    list_display = (
        "started_at", "environment", "outcome", "status_code", "event_count", "byte_count", "duration_ms", "next_at",
    )  # fmt: skip
    list_filter = ("outcome", "started_at")
    list_select_related = ("environment",)
    ordering = ("-started_at",)
    fields = (*list_display, "shown_answer", "event_ids")
    readonly_fields = fields

    @admin.display(description="Answer")
    def shown_answer(self, attempt: DeliveryAttempt) -> str:
        return mask_text(attempt.answer)
