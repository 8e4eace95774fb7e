"""REST API of what flows through: preview, messages, events, replay, and deleting with or without the rest."""

from functools import cached_property, partial
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.exceptions import APIException, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from durable.models import State
from integrations.api import AccessMixin, SentryIntegrationViewSet
from integrations.mapping import Translation
from integrations.models import SentryIntegration
from integrations.rules import rules_of
from integrations.services import remove_integration
from webhooks.api.paging import EventPages, MessagePages
from webhooks.api.queries import count_events, events_of_message, left_of, wanted_of
from webhooks.api.serializers import (
    DiscardSerializer,
    MessageDetailSerializer,
    MessageFilterSerializer,
    MessageSerializer,
    PayloadSerializer,
    PreviewSerializer,
    ReplayedSerializer,
    ReplayOrderSerializer,
    ReplaySerializer,
    RevealSerializer,
    StoredEventSerializer,
    TranslationSerializer,
    WouldReplaySerializer,
)
from webhooks.discarding import remove_and_discard
from webhooks.models import InboxMessage, OutboxEvent
from webhooks.pages.filters import Filter
from webhooks.preview import preview, rules_of_configuration
from webhooks.replaying import Choice, order_replay, replay
from webhooks.revealing import may_reveal, record_replay
from webhooks.spans import Span


class PayloadGone(APIException):
    """The body was pruned; there is nothing left to translate."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "The payload of this message is no longer kept, so it cannot be replayed."


class IntegrationViewSet(SentryIntegrationViewSet):
    """Integrations, with what only those who know the flow can do: preview and delete."""

    @extend_schema(parameters=[DiscardSerializer], responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Hide the integration at once and remove its hook; undelivered events go out first, or are dropped."""
        integration = self.get_object()
        query = DiscardSerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        remove = remove_and_discard if query.validated_data["discard"] else remove_integration
        remove(integration)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="sentry_integrations_preview_configuration",
        request=PreviewSerializer,
        responses=TranslationSerializer,
    )
    def preview_configuration(self, request: Request) -> Response:
        """What a configuration would make of a payload; stores nothing, sends nothing."""
        context = self.get_serializer_context() | {"writes": False}
        serializer = PreviewSerializer(data=request.data, context=context)
        serializer.is_valid(raise_exception=True)
        rules = rules_of_configuration(serializer.validated_data["configuration"])
        return Response(as_json(preview(serializer.validated_data["payload"], rules)))

    @extend_schema(
        operation_id="sentry_integrations_preview",
        request=PayloadSerializer,
        responses=TranslationSerializer,
    )
    def preview(self, request: Request, pk: int) -> Response:
        """What this integration would make of a payload; stores nothing, sends nothing."""
        integration = get_object_or_404(self.get_queryset(), pk=pk)
        serializer = PayloadSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(as_json(preview(serializer.validated_data["payload"], rules_of(integration))))

    @extend_schema(
        operation_id="sentry_integrations_replay",
        request=ReplayOrderSerializer,
        responses={200: WouldReplaySerializer, 202: ReplayedSerializer},
    )
    def replay(self, request: Request, pk: int) -> Response:
        """Send the messages of a time through the mapping again; with `dry_run` only say how many that would be."""
        integration = self.get_object()
        serializer = ReplayOrderSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wanted = serializer.validated_data
        choice = Choice(pk, wanted["until"], wanted["since"], wanted["reason"])
        if wanted["dry_run"]:
            return Response({"would_replay": choice.messages.count()})
        count = order_replay(integration, choice, everything=wanted["everything"])
        return Response({"replayed": count}, status=status.HTTP_202_ACCEPTED)


class OfIntegration(AccessMixin):
    """A view of something that belongs to the integration in its address."""

    @cached_property
    def integration(self) -> SentryIntegration:
        """The integration, if the caller may see it; raises Http404."""
        integrations = self.access.integrations().select_related("project")
        return get_object_or_404(integrations, pk=self.kwargs["integration_id"])


class MessageViewSet(
    OfIntegration,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    viewsets.GenericViewSet[InboxMessage],
):
    """The messages of an integration, newest first."""

    pagination_class = MessagePages

    def get_serializer_class(self) -> type[MessageSerializer]:
        return MessageSerializer if self.action == "list" else MessageDetailSerializer

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "reveal": self._reveals()}

    def get_queryset(self) -> QuerySet[InboxMessage]:
        if getattr(self, "swagger_fake_view", False):
            return InboxMessage.objects.none()
        messages = InboxMessage.objects.filter(integration=self.integration).annotate(
            events_total=events_of_message(), events_delivered=events_of_message(delivery__state=State.DONE)
        )
        events = OutboxEvent.objects.select_related("environment", "delivery").order_by("pk")
        return messages.prefetch_related(Prefetch("events", events))

    @extend_schema(parameters=[MessageFilterSerializer])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Where little fits the filter a page may be short, even empty; `next` goes on until it is null."""
        filters, pages = self._filters(), MessagePages()
        found = pages.read(request, wanted_of(self.integration, filters), partial(left_of, filters))
        count_events(found)
        return pages.get_paginated_response(self.get_serializer(found, many=True).data)

    @extend_schema(parameters=[RevealSerializer])
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The message with its payload, skips, events and attempts."""
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(request=ReplaySerializer, responses={202: ReplayedSerializer})
    def replay(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Send the message through the mapping again: what the mapping now adds, or everything."""
        if not self.access.may_write(self.integration.project):
            raise PermissionDenied
        message = self.get_object()
        serializer = ReplaySerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        if message.body is None:
            raise PayloadGone
        everything = serializer.validated_data["everything"]
        count = replay(InboxMessage.objects.filter(pk=message.pk), everything=everything)
        record_replay(message, everything=everything)
        return Response({"replayed": count}, status=status.HTTP_202_ACCEPTED)

    def _filters(self) -> dict[str, Any]:
        serializer = MessageFilterSerializer(data=self.request.query_params)
        serializer.is_valid(raise_exception=True)
        filters: dict[str, Any] = serializer.validated_data
        return filters

    def _reveals(self) -> bool:
        if self.action != "retrieve" or not self.request:
            return False
        query = RevealSerializer(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        if query.validated_data["reveal"] and not may_reveal(self.access, self.integration.project):
            raise PermissionDenied
        return bool(query.validated_data["reveal"])


class EventViewSet(OfIntegration, mixins.ListModelMixin, viewsets.GenericViewSet[OutboxEvent]):
    """The track events of an integration, newest first."""

    serializer_class = StoredEventSerializer
    pagination_class = EventPages
    queryset = OutboxEvent.objects.none()

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Those of the newest messages first; a page may be short, even empty, while `next` is not null."""
        pages, span = EventPages(), Span("")
        found = pages.read(request, Filter((self.integration,), span, stage="identified"))
        return pages.get_paginated_response(self.get_serializer(found, many=True).data)


def as_json(translation: Translation) -> dict[str, Any]:
    """A translation in the words of the API."""
    return {
        "events": [event.as_dict() for event in translation.events],
        "skips": [{"code": skip.code.value, "detail": skip.detail} for skip in translation.skips],
    }
