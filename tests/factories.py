"""The least that is needed of each thing: `IntegrationFactory()` is a whole, working configuration."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import factory
from django.contrib.auth.models import User
from django.utils import timezone
from factory.django import DjangoModelFactory, Password

from integrations.models import (
    Environment,
    EnvironmentMapping,
    IdentityMapping,
    Membership,
    Project,
    SentryInstallation,
    SentryIntegration,
    ServiceHook,
    TrafficType,
)
from webhooks.models import Delivery, DeliveryAttempt, InboxMessage, OutboxEvent

PASSWORD = "correct horse battery staple"


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User

    username = factory.Sequence("person{}".format)
    password = Password(PASSWORD)


class ProjectFactory(DjangoModelFactory[Project]):
    class Meta:
        model = Project

    fme_id = factory.Sequence("workspace-{}".format)
    name = factory.Sequence("Project {}".format)


class MembershipFactory(DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    project = factory.SubFactory(ProjectFactory)
    role = Membership.Role.PROJECT_ADMIN


class EnvironmentFactory(DjangoModelFactory[Environment]):
    class Meta:
        model = Environment

    project = factory.SubFactory(ProjectFactory)
    fme_id = factory.Sequence("environment-{}".format)
    name = factory.Sequence("Environment {}".format)
    sdk_key = factory.Sequence("sdk-key-of-environment-{:08}".format)
    sdk_key_set_at = factory.LazyFunction(timezone.now)


class TrafficTypeFactory(DjangoModelFactory[TrafficType]):
    class Meta:
        model = TrafficType

    project = factory.SubFactory(ProjectFactory)
    fme_id = factory.Sequence("traffic-type-{}".format)
    name = factory.Sequence("type{}".format)


class InstallationFactory(DjangoModelFactory[SentryInstallation]):
    """An installation with a token that lives for hours."""

    class Meta:
        model = SentryInstallation

    uuid = factory.LazyFunction(uuid4)
    organization = "acme-gmbh"
    announced_at = factory.LazyFunction(timezone.now)
    token = factory.Sequence("access-token-of-installation-{:08}".format)
    refresh_token = factory.Sequence("refresh-token-of-installation-{:08}".format)
    token_expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(hours=8))


class EnvironmentMappingFactory(DjangoModelFactory[EnvironmentMapping]):
    class Meta:
        model = EnvironmentMapping

    sentry_environment = "staging"
    environment = factory.SubFactory(
        EnvironmentFactory, project=factory.SelfAttribute("..integration.project"), name="Staging"
    )


class IdentityMappingFactory(DjangoModelFactory[IdentityMapping]):
    class Meta:
        model = IdentityMapping

    path = "data.error.user.id"
    traffic_type = factory.SubFactory(
        TrafficTypeFactory, project=factory.SelfAttribute("..integration.project"), name="user"
    )


class IntegrationFactory(DjangoModelFactory[SentryIntegration]):
    """Maps "staging" to Staging and the user's id to "user" in its project.

    `environments={"staging": environment}` and `identities={"data.error.user.id": traffic_type}` name other
    rows; an empty map means none.
    """

    class Meta:
        model = SentryIntegration
        skip_postgeneration_save = True

    project = factory.SubFactory(ProjectFactory)
    installation = factory.SubFactory(InstallationFactory)
    organization = "acme-gmbh"
    project_slug = factory.Sequence("front-end-{}".format)

    @factory.post_generation
    def environments(self: Any, create: bool, rows: dict[str, Environment] | None, **kwargs: Any) -> None:
        if rows is None:
            EnvironmentMappingFactory(integration=self)
        for name, environment in (rows or {}).items():
            EnvironmentMappingFactory(integration=self, sentry_environment=name, environment=environment)

    @factory.post_generation
    def identities(self: Any, create: bool, rows: dict[str, TrafficType] | None, **kwargs: Any) -> None:
        if rows is None:
            IdentityMappingFactory(integration=self)
        for path, traffic_type in (rows or {}).items():
            IdentityMappingFactory(integration=self, path=path, traffic_type=traffic_type)


class HookFactory(DjangoModelFactory[ServiceHook]):
    """A hook that exists at Sentry and whose secret is known."""

    class Meta:
        model = ServiceHook

    integration = factory.SubFactory(IntegrationFactory)
    installation = factory.SelfAttribute("integration.installation")
    organization = factory.SelfAttribute("integration.organization")
    project_slug = factory.SelfAttribute("integration.project_slug")
    remote_id = factory.LazyFunction(lambda: uuid4().hex)
    secret = factory.LazyFunction(lambda: uuid4().hex * 2)
    confirmed_at = factory.LazyFunction(timezone.now)


class MessageFactory(DjangoModelFactory[InboxMessage]):
    """A stored service hook delivery; `payload` is its body, and `body` the same as bytes."""

    class Meta:
        model = InboxMessage

    class Params:
        payload: Any = factory.LazyAttribute(lambda message: {"event": {"eventID": message.event_id}})

    integration = factory.SubFactory(IntegrationFactory)
    event_id = factory.LazyFunction(lambda: uuid4().hex)
    source = "service_hook"
    environment = "staging"
    title = "TypeError: x is undefined"
    body = factory.LazyAttribute(lambda message: json.dumps(message.payload).encode())


class DeliveryFactory(DjangoModelFactory[Delivery]):
    """Events that go to FME together, due now."""

    class Meta:
        model = Delivery

    environment = factory.SubFactory(EnvironmentFactory)
    event_count = 1
    byte_count = 100


class EventFactory(DjangoModelFactory[OutboxEvent]):
    """A track event of a message, alone in a delivery that waits; `delivery__state` and so on change that."""

    class Meta:
        model = OutboxEvent

    message = factory.SubFactory(MessageFactory)
    environment = factory.SubFactory(
        EnvironmentFactory, project=factory.SelfAttribute("..message.integration.project")
    )
    delivery = factory.SubFactory(
        DeliveryFactory,
        environment=factory.SelfAttribute("..environment"),
        byte_count=factory.LazyAttribute(lambda delivery: len(delivery.factory_parent.body.encode()) + 1),
    )
    event_type = "sentry_exception"
    traffic_type = "user"
    key = factory.Sequence("user-{}".format)
    timestamp_ms = 1_700_000_000_123
    body = factory.LazyAttribute(
        lambda event: json.dumps(
            {
                "eventTypeId": event.event_type,
                "trafficTypeName": event.traffic_type,
                "environmentName": event.environment.name,
                "key": event.key,
                "timestamp": event.timestamp_ms,
                "value": None,
                "source": "Sentry",
                "properties": {"event_id": event.message.event_id},
            }
        )
    )


def in_delivery(*events: OutboxEvent, **facts: Any) -> Delivery:
    """`events` together in a new delivery with these facts; one that they leave empty is removed."""
    left = [event.delivery_id for event in events if event.delivery_id]
    delivery: Delivery = DeliveryFactory(environment=events[0].environment, event_count=len(events), **facts)
    OutboxEvent.objects.filter(pk__in=[event.pk for event in events]).update(delivery=delivery)
    Delivery.objects.filter(pk__in=left, events=None).delete()
    return delivery


class AttemptFactory(DjangoModelFactory[DeliveryAttempt]):
    """One POST to FME; `events` are the events it carried."""

    class Meta:
        model = DeliveryAttempt

    class Params:
        events: tuple[OutboxEvent, ...] = ()

    environment = factory.SubFactory(EnvironmentFactory)
    outcome = DeliveryAttempt.Outcome.DELIVERED
    status_code = 202
    duration_ms = 41
    event_ids = factory.LazyAttribute(lambda attempt: [event.pk for event in attempt.events])
    event_count = factory.LazyAttribute(lambda attempt: len(attempt.event_ids))
    byte_count = factory.LazyAttribute(lambda attempt: sum(len(event.body) for event in attempt.events))
