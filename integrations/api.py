"""REST API of what an administrator configures: projects, SDK keys, integrations.

Whatever a person may not see answers 404, like what does not exist; what they see but may not change, 403.
"""

from functools import cached_property
from typing import Any

from auditlog.context import auditlog_value
from django.db import IntegrityError
from django.db.models import Prefetch, QuerySet
from django.utils.cache import add_never_cache_headers
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import build_bearer_security_scheme_object
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from integrations.models import Environment, Project, SentryIntegration, TrafficType
from integrations.roles import Access
from integrations.serializers import IntegrationSerializer, ProjectSerializer, SdkKeySerializer
from integrations.services import store_sdk_key
from integrations.validation import ALREADY_INTEGRATED, storable


class AccessMixin(APIView):
    """A view that knows what its caller may see and change."""

    @cached_property
    def access(self) -> Access:
        """The caller's roles, read once a request."""
        return Access(self.request.user)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # The audit log's middleware ran before the token was read, so it knows only those with a session.
        auditlog_value.get({})["actor"] = request.user

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Nothing is kept on the way: what stands here is for its caller alone, payloads shown unmasked above all."""
        add_never_cache_headers(answer := super().finalize_response(request, response, *args, **kwargs))
        return answer


class MayWrite(BasePermission):
    """Changing an integration takes its project's admin; everybody who sees it may read it."""

    def has_object_permission(self, request: Request, view: Any, obj: SentryIntegration) -> bool:
        return request.method in SAFE_METHODS or view.access.may_write(obj.project)


class ProjectListView(AccessMixin, ListAPIView[Project]):
    """The projects of the caller, with what their integrations may map to."""

    serializer_class = ProjectSerializer
    pagination_class = None

    def get_queryset(self) -> QuerySet[Project]:
        environments = Prefetch("environments", Environment.objects.filter(gone_at=None))
        traffic_types = Prefetch("traffic_types", TrafficType.objects.filter(gone_at=None))
        return (
            self.access.projects()
            .filter(gone_at=None)
            .prefetch_related(environments)
            .prefetch_related(traffic_types)
        )


class SdkKeyView(AccessMixin):
    """Store the SDK key of an environment; what waited for it goes out at once."""

    @extend_schema(
        operation_id="environment_sdk_key_update",
        request=SdkKeySerializer,
        responses={204: None},
        parameters=[
            OpenApiParameter("project", str, description="Needed only where several projects have the id.")
        ],
    )
    def put(self, request: Request, environment_id: str) -> Response:
        environment = self.environment(environment_id)
        serializer = SdkKeySerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        store_sdk_key(environment, serializer.validated_data["sdk_key"])
        return Response(status=status.HTTP_204_NO_CONTENT)

    def environment(self, fme_id: str) -> Environment:
        """The one environment of this id that the caller may change; raises NotFound and PermissionDenied."""
        seen = Environment.objects.filter(fme_id=storable(fme_id), project__in=self.access.projects())
        if project := self.request.query_params.get("project"):
            seen = seen.filter(project__fme_id=storable(project))
        found = list(seen.select_related("project"))
        if not found:
            raise NotFound
        writable = [environment for environment in found if self.access.may_write(environment.project)]
        if not writable:
            raise PermissionDenied
        if len(writable) > 1:
            raise ValidationError({"project": ["Several projects have this environment id: add ?project=…"]})
        return writable[0]


class SentryIntegrationViewSet(
    AccessMixin,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    viewsets.GenericViewSet[SentryIntegration],
):
    """Integrations of the caller's projects; saving leaves the hook at Sentry to the drain."""

    serializer_class = IntegrationSerializer
    permission_classes = (IsAuthenticated, MayWrite)
    pagination_class = None

    def get_queryset(self) -> QuerySet[SentryIntegration]:
        return (
            self.access.integrations()
            .select_related("project", "installation")
            .prefetch_related("environment_mappings__environment", "identity_mappings__traffic_type", "hooks")
        )

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "access": self.access}

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if not self.access.writes_somewhere:
            raise PermissionDenied
        return super().create(request, *args, **kwargs)

    def perform_create(self, serializer: BaseSerializer[SentryIntegration]) -> None:
        self._save(serializer)

    def perform_update(self, serializer: BaseSerializer[SentryIntegration]) -> None:
        self._save(serializer)

    def _save(self, serializer: BaseSerializer[SentryIntegration]) -> None:
        """Save, and show the answer as it is now stored: mappings and hook are new rows."""
        try:
            integration = serializer.save()
        except SentryIntegration.DoesNotExist:  # somebody deleted it in the meantime
            raise NotFound from None
        except IntegrityError:
            # The one constraint an administrator can run into; two at once run into it too.
            raise ValidationError({"non_field_errors": [ALREADY_INTEGRATED]}) from None
        serializer.instance = self.get_queryset().get(pk=integration.pk)


class ApiTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its base registers itself
    """How the OpenAPI schema names API tokens."""

    target_class = "integrations.authentication.ApiToken"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        scheme: dict[str, Any] = build_bearer_security_scheme_object("Authorization", "Token")
        return scheme
