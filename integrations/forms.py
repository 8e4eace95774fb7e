"""The forms: the three values from Sentry, an SDK key, the login."""

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.utils.html import format_html

from integrations.formsets import show_corrected
from integrations.models import Environment, Project, SentryIntegration
from integrations.roles import Access
from integrations.validation import (
    ALREADY_INTEGRATED,
    UNKNOWN_INSTALLATION,
    check_sdk_key,
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
        widget=forms.TextInput(_MONO),
        help_text="Shown after “Accept & Install” in Sentry, under Organization Settings → Integrations → "
        "Harness FME. 36 characters.",
        error_messages={"required": "Paste the Installation ID."},
    )
    organization = forms.CharField(
        label="Sentry Organization",
        widget=forms.TextInput(_MONO | {"list": "sentry-organizations"}),
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


class SdkKeyForm(forms.Form):
    """An SDK key on its way in; it is never shown again."""

    sdk_key = forms.CharField(
        validators=[check_sdk_key],
        widget=forms.PasswordInput({"class": "ctl mono", "autocomplete": "off"}),
        error_messages={"required": "Paste the server-side SDK key."},
    )

    def __init__(self, *args: Any, environment: Environment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | {"auto_id": f"id_%s_{environment.pk}"})
        bound = self.fields["sdk_key"]
        words = "New SDK key for {}<span class='hide'> in {}</span>"
        bound.label = format_html(words, environment, environment.project)
        bound.help_text = f"Harness FME → Admin settings → API keys → server-side, environment {environment}."


class LoginForm(AuthenticationForm):
    """Django's, in the look of the pages."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for bound in self.fields.values():
            bound.widget.attrs["class"] = "ctl"
        tries, minutes = settings.AXES_FAILURE_LIMIT, settings.AXES_COOLOFF_TIME // timedelta(minutes=1)
        password = self.fields["password"]
        password.help_text = f"{tries} wrong tries lock the account for {minutes} minutes."
