"""Django admin of the configuration, for operators. Secrets are never shown, but for the last four characters.

Integrations themselves are edited on the product's pages, which check them as a whole.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone
from knox.models import AuthToken

from durable.models import Heartbeat, State
from durable.wake import wake
from integrations.admin_parts import QuietAdmin, ReadOnlyAdmin, ReadOnlyInline, TabularInline
from integrations.fields import tail
from integrations.models import (
    Account,
    CatalogueRefresh,
    Environment,
    EnvironmentMapping,
    IdentityMapping,
    Membership,
    Project,
    SdkKeyOrder,
    SentryInstallation,
    SentryIntegration,
    ServiceHook,
    TrafficType,
)
from integrations.orders import check_hook_now, request_refresh
from integrations.services import order_sdk_key, remove_integration, set_active, store_sdk_key

ROW = ("state", "due_at", "attempts", "last_error")
"""How the work of a durable row stands."""


@admin.register(Project)
class ProjectAdmin(ReadOnlyAdmin):
    list_display = ("name", "fme_id", "gone_at")
    list_filter = (("gone_at", admin.EmptyFieldListFilter),)
    search_fields = ("name", "fme_id")
    actions = ("refresh",)

    @admin.action(description="Read all projects from Harness FME again", permissions=["operate"])
    def refresh(self, request: HttpRequest, projects: QuerySet[Project]) -> None:
        request_refresh()
        self.message_user(request, "The catalogue is being read.")


class EnvironmentForm(ModelForm):  # type: ignore[type-arg]  # generic only in the stubs
    """An SDK key can be entered here and never be read."""

    new_sdk_key = forms.CharField(
        label="New SDK key",
        required=False,
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Replaces the stored key; what waits for it goes out at once.",
    )

    class Meta:
        model = Environment
        fields = ()


@admin.register(Environment)
class EnvironmentAdmin(QuietAdmin):
    form = EnvironmentForm
    list_display = (
        "name",
        "project",
        "fme_id",
        "key_tail",
        "sdk_key_set_at",
        "hold_reason",
        "hold_until",
        "gone_at",
    )
    list_filter = (
        "is_production",
        ("sdk_key", admin.EmptyFieldListFilter),
        ("hold_reason", admin.EmptyFieldListFilter),
        ("gone_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("project",)
    search_fields = ("name", "fme_id", "project__name")
    readonly_fields = (
        "name", "project", "fme_id", "is_production", "gone_at", "key_tail", "sdk_key_set_at",
        "hold_reason", "hold_until", "hold_attempts",
    )  # fmt: skip
    fields = (*readonly_fields, "new_sdk_key")
    actions = ("order_key", "lift_hold")

    @admin.display(description="SDK key", empty_value="none")
    def key_tail(self, environment: Environment) -> str | None:
        return tail(environment.sdk_key) or None

    @admin.action(description="Have an SDK key created at Harness FME", permissions=["change"])
    def order_key(self, request: HttpRequest, environments: QuerySet[Environment]) -> None:
        for environment in environments:
            order_sdk_key(environment)
        self.message_user(request, f"{len(environments)} keys are being created.")

    @admin.action(description="Deliver again now (lift the hold)", permissions=["change"])
    def lift_hold(self, request: HttpRequest, environments: QuerySet[Environment]) -> None:
        held = environments.exclude(hold_reason="")
        count = held.update(hold_reason="", hold_until=None, hold_attempts=0)
        wake("outbox")
        self.message_user(request, f"{count} environments are delivered to again.")

    def save_model(self, request: HttpRequest, obj: Environment, form: EnvironmentForm, change: bool) -> None:
        if key := form.cleaned_data["new_sdk_key"]:
            store_sdk_key(obj, key)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(TrafficType)
class TrafficTypeAdmin(ReadOnlyAdmin):
    list_display = ("name", "project", "fme_id", "gone_at")
    list_filter = (("gone_at", admin.EmptyFieldListFilter),)
    list_select_related = ("project",)
    search_fields = ("name", "fme_id", "project__name")


@admin.register(CatalogueRefresh)
class CatalogueRefreshAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "refreshed_at", *ROW)
    readonly_fields = ("refreshed_at", *ROW)
    fields = readonly_fields


@admin.register(SdkKeyOrder)
class SdkKeyOrderAdmin(ReadOnlyAdmin):
    list_display = ("name", "environment", "ordered_at", *ROW)
    list_filter = ("state",)
    list_select_related = ("environment",)
    search_fields = ("name", "environment__name")
    fields = ("name", "environment", "ordered_at", *ROW)
    actions = ("try_again",)

    @admin.action(description="Try again now", permissions=["operate"])
    def try_again(self, request: HttpRequest, orders: QuerySet[SdkKeyOrder]) -> None:
        count = SdkKeyOrder.objects.filter(pk__in=orders).exclude(state=State.DONE).arm()
        wake("sdk_keys")
        self.message_user(request, f"{count} orders are due now.")


@admin.register(Account)
class AccountAdmin(QuietAdmin):
    list_display = ("__str__", "sentry_enabled_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return not Account.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Membership)
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


admin.site.unregister(User)


@admin.register(User)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]  # generic only in the stubs
    """Django's own, with the roles in the product beside it."""

    inlines = (MembershipInline,)


admin.site.unregister(AuthToken)


@admin.register(AuthToken)
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


@admin.register(SentryInstallation)
class SentryInstallationAdmin(QuietAdmin):
    list_display = (
        "uuid", "organization", "state", "token_tail", "token_expires_at", "deleted_at", "due_at", "last_error",
    )  # fmt: skip
    list_filter = ("state", ("deleted_at", admin.EmptyFieldListFilter))
    search_fields = ("uuid", "organization")
    filter_horizontal = ("projects",)
    readonly_fields = (
        "uuid", "organization", "announced_at", "code_received_at", "token_tail", "token_expires_at",
        "token_renewed_at", "verified_at", "deleted_at", *ROW,
    )  # fmt: skip
    fields = (*readonly_fields, "projects")
    actions = ("renew_token",)

    @admin.display(description="Token", empty_value="none")
    def token_tail(self, installation: SentryInstallation) -> str | None:
        return tail(installation.token) or None

    @admin.action(description="Renew the token now", permissions=["change"])
    def renew_token(self, request: HttpRequest, installations: QuerySet[SentryInstallation]) -> None:
        living = SentryInstallation.objects.filter(pk__in=installations, deleted_at=None)
        count = living.arm(token_expires_at=timezone.now())
        wake("installations")
        self.message_user(request, f"{count} tokens are being renewed.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class EnvironmentMappingInline(ReadOnlyInline):
    model = EnvironmentMapping
    fields = ("sentry_environment", "environment")
    readonly_fields = fields


class IdentityMappingInline(ReadOnlyInline):
    model = IdentityMapping
    fields = ("path", "traffic_type")
    readonly_fields = fields


@admin.register(SentryIntegration)
class SentryIntegrationAdmin(ReadOnlyAdmin):
    list_display = (
        "project_slug", "organization", "project", "is_active", "capture_culprit", "hook_phase", "deleted_at",
    )  # fmt: skip
    list_filter = ("is_active", "capture_culprit", ("deleted_at", admin.EmptyFieldListFilter))
    search_fields = ("project_slug", "organization", "project__name")
    inlines = (EnvironmentMappingInline, IdentityMappingInline)
    actions = ("pause", "resume", "check_hook", "delete_integrations")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SentryIntegration]:
        return (
            super().get_queryset(request).select_related("project", "installation").prefetch_related("hooks")
        )

    @admin.display(description="Hook", empty_value="none")
    def hook_phase(self, integration: SentryIntegration) -> str | None:
        return integration.hook.phase if integration.hook else None

    @admin.action(description="Pause", permissions=["operate"])
    def pause(self, request: HttpRequest, integrations: QuerySet[SentryIntegration]) -> None:
        for integration in integrations:
            set_active(integration, is_active=False)

    @admin.action(description="Resume", permissions=["operate"])
    def resume(self, request: HttpRequest, integrations: QuerySet[SentryIntegration]) -> None:
        for integration in integrations:
            set_active(integration, is_active=True)

    @admin.action(description="Check the hook at Sentry now", permissions=["operate"])
    def check_hook(self, request: HttpRequest, integrations: QuerySet[SentryIntegration]) -> None:
        for integration in integrations.filter(deleted_at=None):
            check_hook_now(integration)

    @admin.action(
        description="Delete: remove the hook, let undelivered events go out", permissions=["operate"]
    )
    def delete_integrations(self, request: HttpRequest, integrations: QuerySet[SentryIntegration]) -> None:
        for integration in integrations.filter(deleted_at=None):
            remove_integration(integration)


@admin.register(EnvironmentMapping)
class EnvironmentMappingAdmin(ReadOnlyAdmin):
    list_display = ("sentry_environment", "environment", "integration")
    list_select_related = ("environment", "integration__project")
    search_fields = ("sentry_environment", "environment__name", "integration__project_slug")


@admin.register(IdentityMapping)
class IdentityMappingAdmin(ReadOnlyAdmin):
    list_display = ("path", "traffic_type", "integration")
    list_select_related = ("traffic_type", "integration__project")
    search_fields = ("path", "traffic_type__name", "integration__project_slug")


@admin.register(ServiceHook)
class ServiceHookAdmin(ReadOnlyAdmin):
    list_display = (
        "project_slug",
        "organization",
        "wanted",
        "hook_phase",
        "confirmed_at",
        "due_at",
        "last_error",
    )
    list_filter = ("wanted", "state")
    search_fields = ("project_slug", "organization", "address", "remote_id")
    fields = (
        "integration", "installation", "organization", "project_slug", "wanted", "url", "remote_id", "secret_tail",
        "created_at", "confirmed_at", "retired_at", *ROW,
    )  # fmt: skip
    readonly_fields = fields
    actions = ("check_again",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ServiceHook]:
        return super().get_queryset(request).select_related("integration__project", "installation")

    @admin.display(description="Phase")
    def hook_phase(self, hook: ServiceHook) -> str:
        return hook.phase

    @admin.display(description="Secret", empty_value="none")
    def secret_tail(self, hook: ServiceHook) -> str | None:
        return tail(hook.secret) or None

    @admin.action(description="Check again at Sentry now", permissions=["operate"])
    def check_again(self, request: HttpRequest, hooks: QuerySet[ServiceHook]) -> None:
        tombstones = {"wanted": ServiceHook.Wanted.ABSENT, "state": State.DONE}
        count = ServiceHook.objects.filter(pk__in=hooks).exclude(**tombstones).arm()
        wake("hooks")
        self.message_user(request, f"{count} hooks are being checked.", messages.SUCCESS)


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("drain", "at")
