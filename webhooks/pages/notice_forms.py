"""The form that adds a receiver of notices; nothing is sent or looked up to check what was typed."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Q

from integrations.models import Project
from integrations.public_addresses import Unfit, target_of
from webhooks.models import NoticeReceiver

Kind = NoticeReceiver.Kind
MOST_RECEIVERS = 50
PUBLIC = "Webhooks go to https addresses on the public internet, port 443."
PRIVATE = (
    "Webhooks go to https addresses on the public internet; in development to this machine too, with http."
)
NEITHER = "Enter an e-mail address, or an address that begins with https://."
NO_EMAIL = "The server has no mail server set (EMAIL_URL), so only https addresses can be added."
THERE = "This address is told already: of {}."
TOO_MANY = f"There are {MOST_RECEIVERS} already. Remove one first, or let one address pass notices on."


class ReceiverForm(forms.Form):
    """An address, and the project it is told about."""

    use_required_attribute = False

    address = forms.CharField(
        label="E-mail or https address",
        max_length=500,
        widget=forms.TextInput(
            {"class": "ctl mono", "autocomplete": "off", "spellcheck": "false", "inputmode": "email"}
        ),
        error_messages={"required": NEITHER},
    )
    project = forms.ModelChoiceField(
        label="Tell it about",
        queryset=Project.objects.none(),
        required=False,
        empty_label="Every project",
        widget=forms.Select({"class": "ctl"}),
        error_messages={"invalid_choice": "Choose a project of the list."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["address"].help_text = PRIVATE if settings.NOTICES_ALLOW_PRIVATE else PUBLIC
        self.fields["project"].queryset = Project.objects.filter(gone_at=None)  # type: ignore[attr-defined]

    @property
    def kind(self) -> str:
        """What the address is."""
        return Kind.WEBHOOK if "://" in self.cleaned_data["address"] else Kind.EMAIL

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"].strip()
        if "://" in address:
            return _webhook(address)
        if "@" not in address:
            raise ValidationError(NEITHER)
        return _email(address)

    def clean(self) -> None:
        address = self.cleaned_data.get("address")
        if not address or "project" not in self.cleaned_data:
            return
        project = self.cleaned_data["project"]
        same = NoticeReceiver.objects.filter(address=address)
        overlap = same.filter(Q(project=None) | Q(project=project)) if project else same
        if found := overlap.select_related("project").first():
            self.add_error("address", THERE.format(found.project or "every project"))
        elif NoticeReceiver.objects.count() >= MOST_RECEIVERS:
            self.add_error("address", TOO_MANY)


def _webhook(address: str) -> str:
    try:
        target_of(address, may_be_private=settings.NOTICES_ALLOW_PRIVATE)
    except Unfit as reason:
        raise ValidationError(str(reason)) from None
    return address


def _email(address: str) -> str:
    if not settings.EMAIL_IS_SET:
        raise ValidationError(NO_EMAIL)
    try:
        validate_email(address)
    except ValidationError:
        raise ValidationError("This is no e-mail address. Write it as name@example.com.") from None
    return address
