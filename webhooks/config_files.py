"""An integration as a file: JSON without secrets, and back again; names instead of ids, so that it fits elsewhere."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import QueryDict
from jsonschema import Draft202012Validator

from integrations.models import Project, SentryIntegration
from integrations.validation import storable

VERSION: Final = 1
MOST_BYTES: Final = 200_000

SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Sentry integration of Harness FME",
    "description": "One Sentry project mapped into one Harness FME project. Holds no secrets.",
    "type": "object",
    "required": ["version", "organization", "project_slug", "environment_mappings", "identity_mappings"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string"},
        "version": {"const": VERSION},
        "project": {"type": "string", "description": "Name of the Harness FME project it was exported from."},
        "installation_id": {"type": "string", "format": "uuid"},
        "organization": {"type": "string", "minLength": 1, "maxLength": 100},
        "project_slug": {"type": "string", "minLength": 1, "maxLength": 100},
        "capture_culprit": {"type": "boolean", "default": False},
        "environment_mappings": {
            "type": "array",
            "maxItems": 100,
            "items": {
                "type": "object",
                "required": ["sentry_environment", "environment"],
                "additionalProperties": False,
                "properties": {
                    "sentry_environment": {"type": "string", "minLength": 1, "maxLength": 64},
                    "environment": {"type": "string", "description": "Name of the Harness FME environment."},
                },
            },
        },
        "identity_mappings": {
            "type": "array",
            "maxItems": 100,
            "items": {
                "type": "object",
                "required": ["path", "traffic_type"],
                "additionalProperties": False,
                "properties": {
                    "path": {"type": "string", "minLength": 1, "maxLength": 250},
                    "traffic_type": {
                        "type": "string",
                        "description": "Name of the Harness FME traffic type.",
                    },
                },
            },
        },
    },
}


class NotAConfiguration(ValueError):
    """The text is no configuration; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Prefilled:
    """A form's data, and the names that the project does not have."""

    data: QueryDict
    missing: list[str] = field(default_factory=list)


def document_of(integration: SentryIntegration) -> dict[str, Any]:
    """The file of an integration."""
    return {
        "version": VERSION,
        "project": integration.project.name,
        "installation_id": str(integration.installation.uuid),
        "organization": integration.organization,
        "project_slug": integration.project_slug,
        "capture_culprit": integration.capture_culprit,
        "environment_mappings": [
            {"sentry_environment": row.sentry_environment, "environment": row.environment.name}
            for row in integration.environment_mappings.all()
        ],
        "identity_mappings": [
            {"path": row.path, "traffic_type": row.traffic_type.name}
            for row in integration.identity_mappings.all()
        ],
    }


def read(content: str | bytes) -> dict[str, Any]:
    """A file's content, valid by the schema; bytes in any of JSON's encodings. Raises NotAConfiguration."""
    if len(content) > MOST_BYTES:
        raise NotAConfiguration("The file is too long to be a configuration.")
    try:
        document = json.loads(content, object_hook=_storable)
    except UnicodeDecodeError:
        raise NotAConfiguration(
            "The file is not text in UTF-8. Save it as UTF-8 and choose it again."
        ) from None
    except (ValueError, RecursionError) as error:
        raise NotAConfiguration(f"This is not JSON: {error}") from None
    errors = sorted(
        Draft202012Validator(SCHEMA).iter_errors(document), key=lambda error: list(map(str, error.path))
    )
    if errors:
        first = errors[0]
        place = ".".join(map(str, first.path)) or "the file"
        raise NotAConfiguration(f"At {place}: {first.message[:300]}")
    result: dict[str, Any] = document
    return result


def _storable(found: dict[str, Any]) -> dict[str, Any]:
    """An object with its own texts as databases and pages take them; the schema knows no other texts."""
    return {name: storable(value) if isinstance(value, str) else value for name, value in found.items()}


def prefilled(document: dict[str, Any], project: Project) -> Prefilled:
    """The form filled in from a file, environments and traffic types found by their names in `project`."""
    environments = {row.name: str(row.pk) for row in project.environments.filter(gone_at=None)}
    traffic_types = {row.name.lower(): str(row.pk) for row in project.traffic_types.filter(gone_at=None)}
    data, missing = QueryDict(mutable=True), []
    data["add"] = (
        "preview"  # a row button of no group: the form comes up as typed, nothing is validated or stored
    )
    for name in ("installation_id", "organization", "project_slug"):
        data[name] = document.get(name, "")
    if document.get("capture_culprit"):
        data["capture_culprit"] = "on"
    groups = (
        ("environments", "environment_mappings", "sentry_environment", "environment", environments),
        ("identities", "identity_mappings", "path", "traffic_type", traffic_types),
    )
    for prefix, group, left, right, known in groups:
        rows = document[group]
        data[f"{prefix}-TOTAL_FORMS"], data[f"{prefix}-INITIAL_FORMS"] = str(len(rows)), "0"
        for place, row in enumerate(rows):
            name = row[right] if right == "environment" else row[right].lower()
            data[f"{prefix}-{place}-{left}"] = row[left]
            data[f"{prefix}-{place}-{right}"] = known.get(name, "")
            if name not in known and row[right] not in missing:
                missing.append(row[right])
    return Prefilled(data, missing)
