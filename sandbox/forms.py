"""The form that throws an exception."""

import json
from typing import Any

from django import forms

from sandbox.examples import EXAMPLES, example
from sandbox.store import store

OWN = "own"


class JsonObjectField(forms.CharField):
    """A JSON object, typed as text; empty means none."""

    def clean(self, value: Any) -> dict[str, Any]:
        text = super().clean(value)
        try:
            found = json.loads(text or "{}")
        except ValueError as reason:
            raise forms.ValidationError(f"This is no JSON: {reason}.") from None
        if not isinstance(found, dict):
            raise forms.ValidationError('Write an object, such as {"id": 42}.')
        return found


class ThrowForm(forms.Form):
    """One of the examples, or an exception of one's own."""

    example = forms.ChoiceField(
        choices=[(found.name, found.title) for found in EXAMPLES] + [(OWN, "Your own")]
    )
    project = forms.CharField(required=False)
    twice = forms.BooleanField(required=False)
    environment = forms.CharField(required=False, max_length=100)
    user = JsonObjectField(required=False)
    tags = JsonObjectField(required=False)
    type = forms.CharField(required=False, max_length=100)
    value = forms.CharField(required=False, max_length=500)
    transaction = forms.CharField(required=False, max_length=300)

    def clean_project(self) -> str:
        slug = str(self.cleaned_data["project"])
        if not store().value("SELECT 1 FROM projects WHERE ? IN ('', slug)", slug):
            raise forms.ValidationError("There is no such project.")
        return slug

    def call(self) -> dict[str, Any]:
        """The choice as a `throw` call."""
        data = self.cleaned_data
        if found := example(data["example"]):
            return {"project": data["project"], "environment": found.environment, "user": found.user}
        written = {name: data[name] for name in ("environment", "user", "tags", "transaction") if data[name]}
        exception = {"type": data["type"] or "Error", "value": data["value"] or "Test error"}
        return {"project": data["project"], "exception": exception} | written
