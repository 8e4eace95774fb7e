"""The API's JSON of what flows through. Payloads, titles, keys and answers are shown masked."""

import json
from typing import Any, cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from durable.models import State
from integrations.serializers import IntegrationSerializer
from webhooks.attempts import attempts_with
from webhooks.masking import mask, mask_text
from webhooks.models import DeliveryAttempt, InboxMessage, OutboxEvent
from webhooks.reasons import REASONS
from webhooks.revealing import revealed_payload, shown_payload

MESSAGE_STATES = {
    "pending": "not translated yet, or to be translated again",
    "done": "translated",
    "dead": "given up; `last_error` says why",
    "skipped": "translated, and no track event came of it",
    "waiting": "has a track event that is not delivered yet",
    "delivered": "all of its track events are delivered",
}


class SkipSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


class TrackEventSerializer(serializers.Serializer[Any]):
    """A track event as FME receives it."""

    eventTypeId = serializers.CharField()
    trafficTypeName = serializers.CharField()
    environmentName = serializers.CharField()
    key = serializers.CharField()
    timestamp = serializers.IntegerField(help_text="Milliseconds since 1970.")
    value = serializers.FloatField(allow_null=True)
    source = serializers.CharField()  # type: ignore[assignment]  # a field of that name, not DRF's attribute
    properties = serializers.DictField()


class StoredEventSerializer(TrackEventSerializer):
    """A track event with what became of it."""

    id = serializers.IntegerField()
    message_id = serializers.IntegerField()
    environment = serializers.CharField(help_text="FME's id of the environment.")
    state = serializers.ChoiceField(choices=State.choices)
    delivered_at = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField(help_text="Why it waits or was given up.")

    def to_representation(self, instance: OutboxEvent) -> dict[str, Any]:
        wire = json.loads(instance.body)
        waits_for = instance.environment.hold_reason if instance.state == "pending" else ""
        return {
            "id": instance.pk,
            "message_id": instance.message_id,
            "environment": instance.environment.fme_id,
            "state": instance.state,
            "delivered_at": self.fields["delivered_at"].to_representation(instance.delivered_at)
            if instance.delivered_at
            else None,
            "error": mask_text(instance.last_error or waits_for),
            **(wire if self.context.get("reveal") else cast("dict[str, Any]", mask(wire))),
        }


class AttemptSerializer(serializers.ModelSerializer[DeliveryAttempt]):
    answer = serializers.SerializerMethodField(help_text="What FME answered, or what broke.")

    class Meta:
        model = DeliveryAttempt
        fields = (
            "id", "started_at", "outcome", "status_code", "duration_ms", "event_count", "answer", "next_at",
        )  # fmt: skip

    def get_answer(self, attempt: DeliveryAttempt) -> str:
        return mask_text(attempt.answer)


class MessageSerializer(serializers.ModelSerializer[InboxMessage]):
    """One Sentry event that came in; `state` is pending, done or dead."""

    title = serializers.SerializerMethodField()
    skips = serializers.SerializerMethodField()
    last_error = serializers.SerializerMethodField()
    events_total = serializers.IntegerField()
    events_delivered = serializers.IntegerField()

    class Meta:
        model = InboxMessage
        fields: tuple[str, ...] = (
            "id", "event_id", "received_at", "source", "state", "environment", "title", "skips",
            "last_error", "events_total", "events_delivered",
        )  # fmt: skip

    def get_title(self, message: InboxMessage) -> str:
        return mask_text(message.title)

    @extend_schema_field(SkipSerializer(many=True))
    def get_skips(self, message: InboxMessage) -> list[dict[str, str]]:
        return [{"code": skip["code"], "detail": mask_text(skip["detail"])} for skip in message.skips]

    def get_last_error(self, message: InboxMessage) -> str:
        return mask_text(message.last_error)


class MessageDetailSerializer(MessageSerializer):
    payload = serializers.SerializerMethodField(
        help_text="As received, masked. Text when it was no JSON object, null when it is no longer kept."
    )
    events = serializers.SerializerMethodField()
    attempts = serializers.SerializerMethodField(help_text="POSTs to FME that carried its events.")

    class Meta(MessageSerializer.Meta):
        fields = (*MessageSerializer.Meta.fields, "payload", "events", "attempts")

    @extend_schema_field(
        {"oneOf": [{"type": "object", "additionalProperties": {}}, {"type": "string"}], "nullable": True}
    )
    def get_payload(self, message: InboxMessage) -> Any:
        return revealed_payload(message) if self.context.get("reveal") else shown_payload(message)

    @extend_schema_field(StoredEventSerializer(many=True))
    def get_events(self, message: InboxMessage) -> Any:
        return StoredEventSerializer(message.events.all(), many=True, context=self.context).data

    @extend_schema_field(AttemptSerializer(many=True))
    def get_attempts(self, message: InboxMessage) -> Any:
        return AttemptSerializer(attempts_with(message.events.all()), many=True).data


class MessageFilterSerializer(serializers.Serializer[Any]):
    """The filters of the message log."""

    state = serializers.ChoiceField(
        choices=list(MESSAGE_STATES),
        required=False,
        help_text="; ".join(f"`{word}`: {meaning}" for word, meaning in MESSAGE_STATES.items()),
    )
    received_after = serializers.DateTimeField(required=False, help_text="At this time or later.")
    received_before = serializers.DateTimeField(required=False, help_text="Before this time.")
    event_id = serializers.CharField(required=False, help_text="Sentry's event id, with or without dashes.")


class RevealSerializer(serializers.Serializer[Any]):
    reveal = serializers.BooleanField(
        default=False, help_text="Unmasked; needs the permission, and is written to the audit log."
    )


class DiscardSerializer(serializers.Serializer[Any]):
    discard = serializers.BooleanField(default=False, help_text="Drop what is not delivered yet.")


class ReplaySerializer(serializers.Serializer[Any]):
    everything = serializers.BooleanField(
        default=False, help_text="Send again also what was sent before; FME then counts it twice."
    )


class ReplayOrderSerializer(ReplaySerializer):
    """Which messages of an integration to replay: those that are translated and whose payload is still kept."""

    since = serializers.DateTimeField(help_text="Received at this time or later.")
    until = serializers.DateTimeField(required=False, help_text="Received before this time; now by default.")
    reason = serializers.ChoiceField(
        choices=list(REASONS), default="", allow_blank=True, help_text="Only those first skipped for this."
    )
    dry_run = serializers.BooleanField(default=False, help_text="Only say how many that would be.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {"until": timezone.now()} | attrs


class ReplayedSerializer(serializers.Serializer[Any]):
    replayed = serializers.IntegerField(
        help_text="How many messages. One that still waits for its first translation is not replayed."
    )


class WouldReplaySerializer(serializers.Serializer[Any]):
    would_replay = serializers.IntegerField(help_text="How many messages.")


class PayloadSerializer(serializers.Serializer[Any]):
    payload = serializers.JSONField(write_only=True, help_text="A webhook body of Sentry, in either form.")

    def validate_payload(self, payload: Any) -> dict[str, Any]:
        if not isinstance(payload, dict):
            raise ValidationError("A payload is a JSON object.")
        return payload


class PreviewSerializer(PayloadSerializer, IntegrationSerializer):
    """A configuration that need not be saved, and the payload to try it on."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return super().validate(attrs) | {"payload": attrs["payload"]}


class TranslationSerializer(serializers.Serializer[Any]):
    """What would be sent, and why there is not more."""

    events = TrackEventSerializer(many=True)
    skips = SkipSerializer(many=True)
