"""What the operators' admin pages share: rows that are looked at but not typed into, and lists that stay quick."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from integrations.fields import has_secret, tail_of

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
    AnyPaginator = Paginator[Any]
else:  # generic only for the type checker
    ModelAdmin, TabularInline, AnyPaginator = admin.ModelAdmin, admin.TabularInline, Paginator


ROW = ("state", "due_at", "attempts", "last_error")
"""How the work of a durable row stands."""


def secret_in_words(row: Model, name: str) -> str | None:
    """The end of a row's secret, or that it cannot be read; None without one."""
    return tail_of(row, name) or (
        "cannot be read with any of FIELD_ENCRYPTION_KEYS" if has_secret(row, name) else None
    )


class BoundedPaginator(AnyPaginator):
    """Counts no further than people turn pages, so that a list of millions opens at once."""

    most_counted = 10_000

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Model] = self.object_list  # type: ignore[assignment]  # an admin list is a queryset
        return rows.order_by()[: self.most_counted].count()


class QuietAdmin(ModelAdmin):
    """A list that never counts a whole table."""

    show_full_result_count = False
    paginator = BoundedPaginator
    list_per_page = 50


class ReadOnlyAdmin(QuietAdmin):
    """Rows made by the product: nothing is added, typed or deleted here; what may be done is an action.

    Actions need the permission to change the rows: `@admin.action(permissions=["operate"])`.
    """

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether this person may run the actions."""
        return super().has_change_permission(request)


class ReadOnlyInline(TabularInline):
    """Rows that belong to another, shown with it."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
