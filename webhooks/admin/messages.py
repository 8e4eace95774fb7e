"""Django admin of the inbox: what came, masked, and replaying it."""

from django.contrib import admin
from django.contrib import messages as flash
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from integrations.admin.parts import ReadOnlyInline
from webhooks.admin.parts import FlowAdmin, as_pretty_json, messages_with
from webhooks.masking import mask, mask_text
from webhooks.models import InboxMessage, OutboxEvent
from webhooks.replaying import replay, replayable
from webhooks.revealing import record_replay, shown_payload

MOST_REPLAYED = 500
"""Messages one action replays: each has its line in the audit log. A time of an integration has no bound."""


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
        return super().get_queryset(request).select_related("environment", "delivery")

    @admin.display(description="Key")
    def shown_key(self, event: OutboxEvent) -> str:
        return mask_text(event.key)

    @admin.display(description="Last error")
    def shown_error(self, event: OutboxEvent) -> str:
        return mask_text(event.last_error)


class InboxMessageAdmin(FlowAdmin):
    list_display = ("event_id", "integration", "source", "state", "environment", "skip_codes", "received_at")
    list_filter = ("state",)  # no index knows more; the message log looks further
    list_select_related = ("integration__project",)
    search_fields = ("event_id",)
    search_help_text = "The whole event id"
    ordering = ("-id",)
    fields = (
        "event_id", "integration", "source", "received_at", "environment", "shown_title", "hook_address", "state",
        "due_at", "attempts", "shown_error", "shown_skips", "shown_payload",
    )  # fmt: skip
    readonly_fields = fields
    inlines = (OutboxEventInline,)
    long_fields = ("body",)
    actions = ("replay_added", "replay_everything")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """What waits in the order in which it is taken, which is that of its index."""
        return ("due_at", "id") if request.GET.get("state__exact") == "pending" else self.ordering

    def get_search_results(
        self, request: HttpRequest, messages: QuerySet[InboxMessage], search_term: str
    ) -> tuple[QuerySet[InboxMessage], bool]:
        return (messages.filter(pk__in=messages_with(search_term)) if search_term else messages), False

    @admin.display(description="Skips")
    def skip_codes(self, message: InboxMessage) -> str:
        return ", ".join(skip["code"] for skip in message.skips)

    @admin.display(description="Title")
    def shown_title(self, message: InboxMessage) -> str:
        return mask_text(message.title)

    @admin.display(description="Skips")
    def shown_skips(self, message: InboxMessage) -> SafeString:
        return as_pretty_json(mask(message.skips))

    @admin.display(description="Payload, masked")
    def shown_payload(self, message: InboxMessage) -> SafeString:
        return as_pretty_json(shown_payload(message))

    @admin.action(description="Replay: send what the mapping now adds", permissions=["operate"])
    def replay_added(self, request: HttpRequest, messages: QuerySet[InboxMessage]) -> TemplateResponse | None:
        return self._replay(request, messages, everything=False)

    @admin.action(description="Replay: send everything again (counts twice in FME)", permissions=["operate"])
    def replay_everything(
        self, request: HttpRequest, messages: QuerySet[InboxMessage]
    ) -> TemplateResponse | None:
        return self._replay(request, messages, everything=True)

    def _replay(
        self, request: HttpRequest, messages: QuerySet[InboxMessage], *, everything: bool
    ) -> TemplateResponse | None:
        """Show the number; once that is confirmed, do it and write each message to the audit log."""
        chosen = list(messages.only("pk", "event_id", "integration_id")[: MOST_REPLAYED + 1])
        if len(chosen) > MOST_REPLAYED:
            words = (
                f"At most {MOST_REPLAYED:,} here. For more, choose the integration and replay since a time."
            )
            self.message_user(request, words, level=flash.ERROR)
            return None
        found = InboxMessage.objects.filter(pk__in=[each.pk for each in chosen])
        able = set(replayable(found).values_list("pk", flat=True))
        if "confirmed" not in request.POST:
            return self._confirm_replay(request, chosen, len(able), everything=everything)
        for message in chosen:
            if message.pk in able:
                record_replay(message, everything=everything)
        count = replay(found, everything=everything)
        self.message_user(request, f"{count} messages are translated again.")
        return None

    def _confirm_replay(
        self, request: HttpRequest, chosen: list[InboxMessage], count: int, *, everything: bool
    ) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"Replay {count} message{'' if count == 1 else 's'}?",
            "chosen": chosen,
            "count": count,
            "rest": len(chosen) - count,
            "everything": everything,
            "action": request.POST["action"],
            "checkbox": ACTION_CHECKBOX_NAME,
            "opts": self.model._meta,
        }
        return TemplateResponse(request, "webhooks/admin_replay.html", context)
