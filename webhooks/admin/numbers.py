"""Django admin of what is found and counted: problems, and the numbers that pages and metrics show."""

from django.contrib import admin

from webhooks.admin.parts import FlowAdmin
from webhooks.masking import mask_text
from webhooks.models import HourlyCount, Problem


class ProblemAdmin(FlowAdmin):
    list_display = (
        "kind", "shown_subject", "integration", "count", "first_seen_at", "last_seen_at", "gone_at", "muted_at",
    )  # fmt: skip
    list_filter = (
        "kind",
        ("gone_at", admin.EmptyFieldListFilter),
        ("muted_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("integration__project",)
    ordering = ("-id",)
    fields = (*list_display, "shown_detail")
    readonly_fields = fields

    @admin.display(description="Subject")
    def shown_subject(self, problem: Problem) -> str:
        return mask_text(problem.subject)

    @admin.display(description="Detail")
    def shown_detail(self, problem: Problem) -> str:
        return mask_text(problem.detail)


class ProblemScanAdmin(FlowAdmin):
    list_display = ("__str__", "state", "due_at", "attempts", "shown_error")
    fields = list_display
    readonly_fields = fields


class HourlyCountAdmin(FlowAdmin):
    list_display = ("hour", "integration", "name", "shown_label", "count", "last_at")
    list_select_related = ("integration__project",)
    ordering = ("-hour",)
    fields = (*list_display, "shown_note")
    readonly_fields = fields

    @admin.display(description="Label")
    def shown_label(self, row: HourlyCount) -> str:
        return mask_text(row.label)

    @admin.display(description="Note")
    def shown_note(self, row: HourlyCount) -> str:
        return mask_text(row.note)


class TotalAdmin(FlowAdmin):
    list_display = ("name", "label", "count")
    ordering = ("name", "label")
