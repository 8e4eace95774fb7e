"""The two lists of an integration in the API's JSON, and what is wrong with their rows."""

from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from integrations.validation import clean_environment_name, clean_path, repeated_rows

NO_ROWS = "Map at least one."

Errors = dict[str, Any]


class Rows(serializers.ListSerializer[Any]):
    """A list whose own errors are a list of messages, like those of any other field."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            return super().to_internal_value(data)
        except ValidationError as error:
            own = error.detail.get("non_field_errors") if isinstance(error.detail, dict) else None
            raise ValidationError(own or error.detail) from None


class Row(serializers.Serializer[Any]):
    """One row, always whole: a PATCH may leave out fields of the integration, but a list in it replaces a list."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            required = {name: [field.error_messages["required"]] for name, field in self.fields.items()}
            if missing := {name: words for name, words in required.items() if name not in data}:
                raise ValidationError(missing)
        return super().to_internal_value(data)


class EnvironmentMappingSerializer(Row):
    sentry_environment = serializers.CharField(allow_blank=True)
    environment = serializers.CharField(source="environment.fme_id")

    class Meta:
        list_serializer_class = Rows

    def validate_sentry_environment(self, value: str) -> str:
        return clean_environment_name(value)


class IdentityMappingSerializer(Row):
    path = serializers.CharField(allow_blank=True)
    traffic_type = serializers.CharField(source="traffic_type.fme_id")

    class Meta:
        list_serializer_class = Rows

    def validate_path(self, value: str) -> str:
        return clean_path(value)


def checked_rows(rows: list[Errors], keys: list[tuple[str, str]]) -> list[Errors]:
    """Refuse a list without rows, and one that says the same twice."""
    if not rows:
        raise ValidationError([NO_ROWS])
    if repeats := repeated_rows(keys):
        raise ValidationError([f"Row {again + 1} repeats row {row + 1}." for again, row in repeats.items()])
    return rows


def unknown_rows(
    rows: Iterable[tuple[str, str]], known: Mapping[str, object], **words: str
) -> dict[int, Errors]:
    """DRF's errors of a list, by the row's index; empty when every row names something known."""
    ((field, message),) = words.items()
    return {index: {field: [message]} for index, (_, fme_id) in enumerate(rows) if fme_id not in known}
