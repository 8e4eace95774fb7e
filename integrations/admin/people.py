"""Django admin of people: who may do what, and their API tokens."""

from typing import Any

from auditlog.admin import LogEntryAdmin
from axes.admin import AccessAttemptAdmin
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from knox.models import AuthToken

from integrations.admin.parts import BoundedPaginator, QuietAdmin, ReadOnlyAdmin, TabularInline
from integrations.models import Account, Membership


class AccountAdmin(QuietAdmin):
    list_display = ("__str__", "sentry_enabled_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return not Account.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MembershipAdmin(QuietAdmin):
    list_display = ("user", "role", "project")
    list_filter = ("role",)
    list_select_related = ("user", "project")
    search_fields = ("user__username", "project__name")
    autocomplete_fields = ("user", "project")


class MembershipInline(TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ("project",)


class PersonAdmin(UserAdmin):  # type: ignore[type-arg]  # generic only in the stubs
    """Django's own, with the roles in the product beside it."""

    inlines = (MembershipInline,)


class ApiTokenAdmin(ReadOnlyAdmin):
    """Tokens by owner; made with `manage.py create_api_token`, withdrawn here."""

    list_display = ("user", "created", "expiry")
    list_display_links = None
    list_filter = ("expiry",)
    list_select_related = ("user",)
    search_fields = ("user__username",)
    fields = ("user", "created", "expiry")
    actions = ("withdraw",)

    @admin.action(description="Withdraw: these tokens stop working now", permissions=["operate"])
    def withdraw(self, request: HttpRequest, tokens: QuerySet[AuthToken]) -> None:
        count = tokens.update(expiry=timezone.now())
        self.message_user(request, f"{count} tokens are withdrawn.")


class RecordAdmin(LogEntryAdmin):  # type: ignore[misc]  # auditlog ships no types
    """The audit log, which only grows: nothing here reads all of it."""

    date_hierarchy = None
    show_full_result_count = False
    paginator = BoundedPaginator
    list_filter = ("action",)  # auditlog's own filters read every entry to list what there is
    search_fields = ("object_repr", "actor__username")


class FailedLoginAdmin(AccessAttemptAdmin):  # type: ignore[misc]  # axes ships no types
    """Failed logins; deleting one lets its person try again at once.

    Without axes' own action: it breaks outside of a login (axes 8), and whoever may look could run it. Nothing needs
    it: what has expired goes with the next login.
    """

    actions = ()
    date_hierarchy = None
    show_full_result_count = False
    paginator = BoundedPaginator
