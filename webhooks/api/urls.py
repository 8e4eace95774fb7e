"""The REST API's addresses, its schema and its documentation page."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from integrations.api import ProjectListView, SdkKeyView
from webhooks.api.openapi import unknown_address
from webhooks.api.views import EventViewSet, IntegrationViewSet, MessageViewSet

INTEGRATIONS = "v1/sentry-integrations/"
INTEGRATION = f"{INTEGRATIONS}<int:pk>/"
PART = f"{INTEGRATIONS}<int:integration_id>/"

urlpatterns = [
    path("v1/projects/", ProjectListView.as_view()),
    path("v1/environments/<str:environment_id>/sdk-key/", SdkKeyView.as_view()),
    path(INTEGRATIONS, IntegrationViewSet.as_view({"get": "list", "post": "create"})),
    path(f"{INTEGRATIONS}preview/", IntegrationViewSet.as_view({"post": "preview_configuration"})),
    path(
        INTEGRATION,
        IntegrationViewSet.as_view(
            {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
        ),
    ),
    path(f"{INTEGRATION}preview/", IntegrationViewSet.as_view({"post": "preview"})),
    path(f"{INTEGRATION}replay/", IntegrationViewSet.as_view({"post": "replay"})),
    path(f"{PART}messages/", MessageViewSet.as_view({"get": "list"})),
    path(f"{PART}messages/<int:pk>/", MessageViewSet.as_view({"get": "retrieve"})),
    path(f"{PART}messages/<int:pk>/replay/", MessageViewSet.as_view({"post": "replay"})),
    path(f"{PART}events/", EventViewSet.as_view({"get": "list"})),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path(
        "docs/",
        SpectacularSwaggerSplitView.as_view(template_name="webhooks/api_docs.html"),
        name="api-docs",
    ),
    path("<path:rest>", unknown_address),
]
