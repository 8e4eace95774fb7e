"""The forms: one integration with its two groups of rows, an SDK key, the login."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.html import format_html

from integrations.formsets import (
    EnvironmentFormSet,
    IdentityFormSet,
    MappingRows,
    RowButton,
    gone_row,
    lower_first,
    show_corrected,
    typed_rows,
)
from integrations.models import Environment, Project, SentryInstallation, SentryIntegration, TrafficType
from integrations.roles import Access
from integrations.services import Configuration
from integrations.validation import (
    ALREADY_INTEGRATED,
    UNKNOWN_INSTALLATION,
    clean_installation_id,
    clean_slug,
)

UNINSTALLED = (
    "This installation was removed in Sentry. Install the app again there and paste the new Installation ID."
)
_MONO = {"class": "ctl mono", "autocomplete": "off", "spellcheck": "false"}


class ConnectionForm(forms.Form):
    """The three values from Sentry, and whether the culprit becomes an event of its own."""

    use_required_attribute = False

    installation_id = forms.CharField(
        label="Sentry Installation ID",
        widget=forms.TextInput(_MONO | {"list": "sentry-installations"}),
        help_text="Shown after “Accept & Install” in Sentry, under Organization Settings → Integrations → "
        "Harness FME. 36 characters.",
        error_messages={"required": "Paste the Installation ID."},
    )
    organization = forms.CharField(
        label="Sentry Organization",
        widget=forms.TextInput(_MONO),
        help_text="The slug in Sentry’s address, under Settings → Organization → General Settings, "
        "for example acme-gmbh.",
        error_messages={"required": "Enter the organization’s slug."},
    )
    project_slug = forms.CharField(
        label="Sentry Project Slug",
        widget=forms.TextInput(_MONO | {"list": "sentry-projects"}),
        help_text="Settings → Projects → your project → General Settings, for example front-end.",
        error_messages={"required": "Enter the project’s slug."},
    )
    capture_culprit = forms.BooleanField(
        label="Capture Culprit as separate Event",
        required=False,
        help_text="Sends a second event per exception, named after its culprit, so that one Sentry issue can "
        "have its own metric.",
    )

    def __init__(
        self, *args: Any, project: Project, access: Access, current: SentryIntegration | None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.project, self.access, self.current = project, access, current
        self.notices: list[str] = []

    def clean_installation_id(self) -> Any:
        uuid = clean_installation_id(self.cleaned_data["installation_id"])
        known = self.access.installations(self.project).filter(uuid=uuid).first()
        kept = self.current is not None and self.current.installation.uuid == uuid
        if not known and not kept and not self.access.is_account_admin:
            raise ValidationError(UNKNOWN_INSTALLATION)
        if known and known.deleted_at and not kept:
            raise ValidationError(UNINSTALLED)
        return uuid

    def clean_organization(self) -> str:
        return self._slug("organization", of="organization")

    def clean_project_slug(self) -> str:
        return self._slug("project_slug", of="project")

    def clean(self) -> None:
        place = {name: self.cleaned_data.get(name) for name in ("organization", "project_slug")}
        same = SentryIntegration.objects.living().filter(project=self.project, **place)
        if self.current:
            same = same.exclude(pk=self.current.pk)
        if all(place.values()) and same.exists():
            self.add_error("project_slug", ALREADY_INTEGRATED)

    def _slug(self, name: str, *, of: Any) -> str:
        typed: str = self.cleaned_data[name].strip()
        slug = clean_slug(typed, of=of)
        if slug != typed:
            self.notices.append(f"{self.fields[name].label}: {slug} was taken out of the address you pasted.")
            show_corrected(self, name, slug)
        return slug


class IntegrationForms:
    """The form and its two groups, bound together: validated together, saved together."""

    def __init__(
        self, data: QueryDict | None, *, project: Project, access: Access,
        integration: SentryIntegration | None = None, installation_id: str = "",
    ) -> None:  # fmt: skip
        self.project, self.integration = project, integration
        self.installations = list(access.installations(project).filter(deleted_at=None))
        self.button = RowButton.of(data) if data else None
        self._data = data.copy() if data and not self.button else None
        typed = data if self.button else None
        first = typed or _stored(integration) or self._known(installation_id)
        self.connection = ConnectionForm(
            self._data, initial=dict(first.items()), project=project, access=access, current=integration
        )
        self.environments = self._group(EnvironmentFormSet, "environments", typed)
        self.identities = self._group(IdentityFormSet, "identities", typed)

    @property
    def groups(self) -> tuple[MappingRows, MappingRows]:
        return self.environments, self.identities

    @property
    def announcement(self) -> str:
        """What a screen reader hears after a row button."""
        if not self.button:
            return ""
        group = self.environments if self.button.group == "environments" else self.identities
        return f"{len(group.forms)} {group.words} mapping{'' if len(group.forms) == 1 else 's'}"

    @property
    def is_bound(self) -> bool:
        return self._data is not None

    def is_valid(self) -> bool:
        """Validate everything at once, so that every error is shown at once."""
        return False not in [part.is_valid() for part in (*self.groups, self.connection)]

    def problems(self) -> list[tuple[str, str]]:
        """All errors in the order of the page, as (id of the control, sentence)."""
        return [*self.environments.problems(), *self.identities.problems(), *self._connection_problems()]

    def notices(self) -> list[str]:
        """What was understood otherwise than typed."""
        rows = [row.notice for group in self.groups for row in group.forms if row.notice]
        return [*rows, *self.connection.notices]

    def warnings(self) -> list[str]:
        """What may be a mistake, or is none when Sentry renamed something; only after `is_valid`."""
        values = self.connection.cleaned_data
        known = SentryInstallation.objects.filter(uuid=values["installation_id"]).first()
        if not known or known.organization in ("", values["organization"]):
            return []
        return [
            f"The installation belongs to {known.organization}, you entered {values['organization']}. "
            "Unless Sentry renamed the organization, the hook cannot be created."
        ]

    def configuration(self) -> Configuration:
        """What was entered; only after `is_valid`."""
        values = self.connection.cleaned_data
        return Configuration(
            installation_id=values["installation_id"],
            organization=values["organization"],
            project_slug=values["project_slug"],
            capture_culprit=values["capture_culprit"],
            environments=self.environments.pairs(),
            identities=self.identities.pairs(),
            is_active=self.integration.is_active if self.integration else True,
        )

    def _known(self, installation_id: str) -> dict[str, Any]:
        """What a new form starts with: the ID from the address, and the organization it belongs to."""
        organization = next(
            (row.organization for row in self.installations if str(row.uuid) == installation_id), ""
        )
        return {"installation_id": installation_id, "organization": organization}

    def _connection_problems(self) -> Iterator[tuple[str, str]]:
        for bound in self.connection:
            for error in bound.errors:
                yield bound.auto_id, f"{bound.label}: {lower_first(str(error))}"

    def _group(self, formset: Any, prefix: str, typed: QueryDict | None) -> Any:
        kwargs = {"prefix": prefix, "form_kwargs": {"choices": self._choices(prefix)}}
        names = (formset.form.left_name, formset.form.right_name)
        if self._data is not None:
            return formset(self._data, gone=gone_row(self._data, prefix, names), **kwargs)
        if typed is None:
            return formset(initial=_stored_rows(self.integration, prefix) or [{}], **kwargs)
        rows, gone = typed_rows(typed, prefix, names), gone_row(typed, prefix, names)
        focus = None
        if self.button and self.button.group == prefix:
            rows, gone, focus = self.button.press(rows, gone)
        group = formset(initial=rows, gone=gone, **kwargs)
        group.focused = focus
        return group

    def _choices(self, prefix: str) -> QuerySet[Any]:
        """What FME lists now, and what it no longer lists but a row of this integration still uses."""
        if prefix == "environments":
            used = Q(environmentmapping__integration=self.integration) if self.integration else Q(pk=None)
            return Environment.objects.filter(Q(gone_at=None) | used, project=self.project).distinct()
        used = Q(identitymapping__integration=self.integration) if self.integration else Q(pk=None)
        return TrafficType.objects.filter(Q(gone_at=None) | used, project=self.project).distinct()


class SdkKeyForm(forms.Form):
    """An SDK key on its way in; it is never shown again."""

    sdk_key = forms.CharField(
        widget=forms.PasswordInput({"class": "ctl mono", "autocomplete": "off"}),
        error_messages={"required": "Paste the server-side SDK key."},
    )

    def __init__(self, *args: Any, environment: Environment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | {"auto_id": f"id_%s_{environment.pk}"})
        bound = self.fields["sdk_key"]
        words = "New SDK key for {}<span class='hide'> in {}</span>"
        bound.label = format_html(words, environment, environment.project)
        bound.help_text = f"Harness FME → Admin settings → API keys → server-side, environment {environment}."

    def clean_sdk_key(self) -> str:
        key: str = self.cleaned_data["sdk_key"]
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise ValidationError("A key is one word of letters and digits; more was pasted with it.")
        return key


class LoginForm(AuthenticationForm):
    """Django's, in the look of the pages."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
        for bound in self.fields.values():
            bound.widget.attrs["class"] = "ctl"
        self.fields[
            "password"
        ].help_text = f"{settings.AXES_FAILURE_LIMIT} wrong tries lock the account for {minutes} minutes."


def _stored(integration: SentryIntegration | None) -> dict[str, Any]:
    if integration is None:
        return {}
    return {
        "installation_id": integration.installation.uuid,
        "organization": integration.organization,
        "project_slug": integration.project_slug,
        "capture_culprit": integration.capture_culprit,
    }


def _stored_rows(integration: SentryIntegration | None, prefix: str) -> list[dict[str, Any]]:
    if integration is None:
        return []
    if prefix == "environments":
        return [
            dict(row) for row in integration.environment_mappings.values("sentry_environment", "environment")
        ]
    return [dict(row) for row in integration.identity_mappings.values("path", "traffic_type")]
