"""Django admin of what Harness FME owns, and of the SDK keys. A key can be entered and never be read."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from durable.models import State
from durable.wake import wake
from integrations.admin.parts import ROW, QuietAdmin, ReadOnlyAdmin, secret_in_words
from integrations.models import Environment, Project, SdkKeyOrder
from integrations.orders import request_refresh
from integrations.services import order_sdk_key, store_sdk_key
from integrations.validation import check_sdk_key


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
        validators=[check_sdk_key],
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Replaces the stored key; what waits for it goes out at once.",
    )

    class Meta:
        model = Environment
        fields = ()


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
        return secret_in_words(environment, "sdk_key")

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


class TrafficTypeAdmin(ReadOnlyAdmin):
    list_display = ("name", "project", "fme_id", "gone_at")
    list_filter = (("gone_at", admin.EmptyFieldListFilter),)
    list_select_related = ("project",)
    search_fields = ("name", "fme_id", "project__name")


class CatalogueRefreshAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "refreshed_at", *ROW)
    readonly_fields = ("refreshed_at", *ROW)
    fields = readonly_fields


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
