"""Django admin of installations, integrations and their hooks. Secrets show four characters at most.

Integrations are edited on the product's pages, which check them as a whole.
"""

from typing import Any

from django.contrib import admin
from django.contrib import messages as flash
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from durable.models import State
from durable.wake import wake
from integrations.admin.parts import ROW, QuietAdmin, ReadOnlyAdmin, ReadOnlyInline, secret_in_words
from integrations.models import (
    EnvironmentMapping,
    IdentityMapping,
    SentryInstallation,
    SentryIntegration,
    ServiceHook,
)
from integrations.orders import check_hook_now
from integrations.services import remove_integration, set_active


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
        return secret_in_words(installation, "token")

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


class SentryIntegrationAdmin(ReadOnlyAdmin):
    list_display = (
        "project_slug", "organization", "project", "is_active", "capture_culprit", "hook_phase", "deleted_at",
    )  # fmt: skip
    list_filter = ("is_active", "capture_culprit", ("deleted_at", admin.EmptyFieldListFilter))
    search_fields = ("project_slug", "organization", "project__name")
    inlines = (EnvironmentMappingInline, IdentityMappingInline)
    actions = ("pause", "resume", "check_hook", "replay_since", "delete_integrations")

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

    @admin.action(description="Replay messages since a time…", permissions=["operate"])
    def replay_since(
        self, request: HttpRequest, integrations: QuerySet[SentryIntegration]
    ) -> HttpResponseRedirect | None:
        """To the page that shows the number first."""
        found = list(integrations.filter(deleted_at=None)[:2])
        if len(found) == 1:
            return HttpResponseRedirect(reverse("replay_since", args=[found[0].pk]))
        self.message_user(request, "Choose one integration that is not deleted.", level=flash.ERROR)
        return None

    @admin.action(
        description="Delete: remove the hook, let undelivered events go out", permissions=["operate"]
    )
    def delete_integrations(self, request: HttpRequest, integrations: QuerySet[SentryIntegration]) -> None:
        for integration in integrations.filter(deleted_at=None):
            remove_integration(integration)


class EnvironmentMappingAdmin(ReadOnlyAdmin):
    list_display = ("sentry_environment", "environment", "integration")
    list_select_related = ("environment", "integration__project")
    search_fields = ("sentry_environment", "environment__name", "integration__project_slug")


class IdentityMappingAdmin(ReadOnlyAdmin):
    list_display = ("path", "traffic_type", "integration")
    list_select_related = ("traffic_type", "integration__project")
    search_fields = ("path", "traffic_type__name", "integration__project_slug")


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
        return secret_in_words(hook, "secret")

    @admin.action(description="Check again at Sentry now", permissions=["operate"])
    def check_again(self, request: HttpRequest, hooks: QuerySet[ServiceHook]) -> None:
        tombstones = {"wanted": ServiceHook.Wanted.ABSENT, "state": State.DONE}
        count = ServiceHook.objects.filter(pk__in=hooks).exclude(**tombstones).arm()
        wake("hooks")
        self.message_user(request, f"{count} hooks are being checked.")


class SentryListingAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "installation", "is_cut", "asked_at", "read_at", *ROW)
    list_filter = ("state",)
    list_select_related = ("installation",)
    search_fields = ("organization", "project_slug")
    fields = (*list_display, "names")
    readonly_fields = fields
