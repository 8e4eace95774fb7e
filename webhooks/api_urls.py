"""The REST API's addresses, its schema and its documentation page."""

from django.urls import path
from integrations.api import ProjectListView, SdkKeyView, SentryIntegrationViewSet

urlpatterns = [
    path("v1/projects/", ProjectListView.as_view()),
    path("v1/environments/<str:environment_id>/sdk-key/", SdkKeyView.as_view()),
    path("v1/sentry-integrations/", SentryIntegrationViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "v1/sentry-integrations/<int:pk>/",
        SentryIntegrationViewSet.as_view({"get": "retrieve", "put": "update", "patch": "partial_update"}),
    ),
]
