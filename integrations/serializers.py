"""The API's JSON of projects and integrations: what is shown, and how what is sent becomes a `Configuration`.

Ids of projects, environments and traffic types are FME's own, as text. What a person may not see is refused
with the words for what does not exist.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError

from integrations.mapping_rows import (
    EnvironmentMappingSerializer,
    Errors,
    IdentityMappingSerializer,
    checked_rows,
    unknown_rows,
)
from integrations.models import Environment, Project, SentryIntegration, ServiceHook, TrafficType
from integrations.roles import Access
from integrations.services import Configuration, save_integration
from integrations.validation import (
    LONGEST_SDK_KEY,
    UNKNOWN_INSTALLATION,
    check_sdk_key,
    clean_installation_id,
    clean_slug,
)

UNKNOWN_PROJECT = "Unknown project."
UNKNOWN_ENVIRONMENT = "Unknown environment of this project."
UNKNOWN_TRAFFIC_TYPE = "Unknown traffic type of this project."
OTHER_PROJECT = "An integration stays in its project; make a new one in the other project."
HOOK_STATES = ("pending", "active", "failed", "deleting")


class EnvironmentSerializer(serializers.ModelSerializer[Environment]):
    id = serializers.CharField(source="fme_id")
    has_sdk_key = serializers.BooleanField()

    class Meta:
        model = Environment
        fields = ("id", "name", "has_sdk_key")


class TrafficTypeSerializer(serializers.ModelSerializer[TrafficType]):
    id = serializers.CharField(source="fme_id")

    class Meta:
        model = TrafficType
        fields = ("id", "name")


class ProjectSerializer(serializers.ModelSerializer[Project]):
    id = serializers.CharField(source="fme_id")
    environments = EnvironmentSerializer(many=True)
    traffic_types = TrafficTypeSerializer(many=True)

    class Meta:
        model = Project
        fields = ("id", "name", "environments", "traffic_types")


class SdkKeySerializer(serializers.Serializer[Environment]):
    sdk_key = serializers.CharField(
        write_only=True,
        max_length=LONGEST_SDK_KEY,
        validators=[check_sdk_key],
        help_text="Never shown again.",
    )


class HookSerializer(serializers.ModelSerializer[ServiceHook]):
    state = serializers.ChoiceField(source="phase", choices=HOOK_STATES)
    error = serializers.CharField(source="last_error")
    url = serializers.CharField()

    class Meta:
        model = ServiceHook
        fields = ("state", "url", "error")


class IntegrationSerializer(serializers.Serializer[SentryIntegration]):
    """An integration; needs `access` in its context. PATCH replaces a list whole."""

    id = serializers.IntegerField(read_only=True)
    project = serializers.CharField(source="project.fme_id")
    installation_id = serializers.CharField(source="installation.uuid", allow_blank=True)
    organization = serializers.CharField(allow_blank=True)
    project_slug = serializers.CharField(allow_blank=True)
    capture_culprit = serializers.BooleanField(default=False)
    is_active = serializers.BooleanField(default=True)
    environment_mappings = EnvironmentMappingSerializer(many=True)
    identity_mappings = IdentityMappingSerializer(many=True)
    hook = HookSerializer(read_only=True)

    def validate_installation_id(self, value: str) -> UUID:
        return clean_installation_id(value)

    def validate_organization(self, value: str) -> str:
        return clean_slug(value, of="organization")

    def validate_project_slug(self, value: str) -> str:
        return clean_slug(value)

    def validate_environment_mappings(self, rows: list[Errors]) -> list[Errors]:
        return checked_rows(rows, [(row["sentry_environment"], row["environment"]["fme_id"]) for row in rows])

    def validate_identity_mappings(self, rows: list[Errors]) -> list[Errors]:
        return checked_rows(rows, [(row["path"], row["traffic_type"]["fme_id"]) for row in rows])

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The project and the `Configuration` that these fields, over those stored, amount to."""
        project = self._project(attrs)
        errors: Errors = {}
        installation_id = self._installation_id(attrs, project, errors)
        environments = self._environments(attrs, project, errors)
        identities = self._identities(attrs, project, errors)
        if errors:
            raise ValidationError(errors)
        configuration = Configuration(
            installation_id=installation_id,
            organization=self._value(attrs, "organization"),
            project_slug=self._value(attrs, "project_slug"),
            capture_culprit=self._value(attrs, "capture_culprit"),
            is_active=self._value(attrs, "is_active"),
            environments=environments,
            identities=identities,
        )
        return {"project": project, "configuration": configuration}

    def create(self, validated_data: dict[str, Any]) -> SentryIntegration:
        return save_integration(validated_data["project"], validated_data["configuration"])

    def update(self, instance: SentryIntegration, validated_data: dict[str, Any]) -> SentryIntegration:
        return save_integration(
            validated_data["project"], validated_data["configuration"], integration=instance
        )

    @property
    def _access(self) -> Access:
        access: Access = self.context["access"]
        return access

    def _value(self, attrs: Mapping[str, Any], name: str) -> Any:
        return attrs[name] if name in attrs else getattr(self.instance, name)

    def _project(self, attrs: Mapping[str, Any]) -> Project:
        if "project" not in attrs and self.instance:
            return self.instance.project
        project = self._access.projects().filter(fme_id=attrs["project"]["fme_id"], gone_at=None).first()
        if self.instance and self.instance.project.fme_id == attrs["project"]["fme_id"]:
            return self.instance.project
        if project is None:
            raise ValidationError({"project": [UNKNOWN_PROJECT]})
        if self.instance:
            raise ValidationError({"project": [OTHER_PROJECT]})
        if self.context.get("writes", True) and not self._access.may_write(project):
            raise PermissionDenied
        return project

    def _installation_id(self, attrs: Mapping[str, Any], project: Project, errors: Errors) -> UUID:
        stored: UUID | None = self.instance.installation.uuid if self.instance else None
        uuid: Any = attrs["installation"]["uuid"] if "installation" in attrs else stored
        released = self._access.is_account_admin or uuid == stored
        if not released and not self._access.installations(project).filter(uuid=uuid).exists():
            errors["installation_id"] = [UNKNOWN_INSTALLATION]
        return UUID(str(uuid))

    def _environments(
        self, attrs: Mapping[str, Any], project: Project, errors: Errors
    ) -> tuple[tuple[str, Environment], ...]:
        mapped = list(self.instance.environment_mappings.all()) if self.instance else []
        if "environment_mappings" not in attrs:
            return tuple((row.sentry_environment, row.environment) for row in mapped)
        rows = [
            (row["sentry_environment"], row["environment"]["fme_id"]) for row in attrs["environment_mappings"]
        ]
        usable = Q(gone_at=None) | Q(pk__in=[row.environment_id for row in mapped])
        known = {found.fme_id: found for found in Environment.objects.filter(usable, project=project)}
        if unknown := unknown_rows(rows, known, environment=UNKNOWN_ENVIRONMENT):
            errors["environment_mappings"] = unknown
        return tuple((name, known[fme_id]) for name, fme_id in rows if fme_id in known)

    def _identities(
        self, attrs: Mapping[str, Any], project: Project, errors: Errors
    ) -> tuple[tuple[str, TrafficType], ...]:
        mapped = list(self.instance.identity_mappings.all()) if self.instance else []
        if "identity_mappings" not in attrs:
            return tuple((row.path, row.traffic_type) for row in mapped)
        rows = [(row["path"], row["traffic_type"]["fme_id"]) for row in attrs["identity_mappings"]]
        usable = Q(gone_at=None) | Q(pk__in=[row.traffic_type_id for row in mapped])
        known = {found.fme_id: found for found in TrafficType.objects.filter(usable, project=project)}
        if unknown := unknown_rows(rows, known, traffic_type=UNKNOWN_TRAFFIC_TYPE):
            errors["identity_mappings"] = unknown
        return tuple((path, known[fme_id]) for path, fme_id in rows if fme_id in known)
