"""A configured hook, real signed deliveries to it, and an FME that answers as told."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import responses
from django.conf import settings
from django.test import Client
from requests import ReadTimeout

from integrations.models import Environment, ServiceHook
from tests.factories import (
    EnvironmentFactory,
    EventFactory,
    HookFactory,
    IntegrationFactory,
    MessageFactory,
    ProjectFactory,
    TrafficTypeFactory,
    in_delivery,
)
from webhooks import hook_secrets
from webhooks.models import Delivery, OutboxEvent

PAYLOADS = Path(__file__).parent.parent / "fixtures" / "payloads"
SECRET = "test-secret"

Post = Callable[..., Any]


@pytest.fixture(autouse=True)
def forgotten_secrets() -> None:
    """What one test cached of hooks is not there in the next."""
    hook_secrets.cache.clear()


@pytest.fixture
def hook(db: None) -> ServiceHook:
    """front-end → Webshop: staging and production, user and org, as in the product document."""
    project = ProjectFactory(name="Webshop")
    environments = {
        name: EnvironmentFactory(project=project, name=name.title()) for name in ("staging", "production")
    }
    identities = {
        "data.error.user.id": TrafficTypeFactory(project=project, name="user"),
        "data.error.user.orgId": TrafficTypeFactory(project=project, name="org"),
    }
    integration = IntegrationFactory(
        project=project, project_slug="front-end", environments=environments, identities=identities
    )
    hook: ServiceHook = HookFactory(integration=integration, secret=SECRET)
    return hook


def body_of(name: str, form: str = "service-hook-v0") -> bytes:
    """The exact bytes of one recorded webhook."""
    return (PAYLOADS / f"{name}.{form}.json").read_bytes()


def headers_of(name: str, form: str = "service-hook-v0") -> dict[str, str]:
    """The Sentry headers that came with it."""
    headers: dict[str, str] = json.loads((PAYLOADS / f"{name}.{form}.headers.json").read_text())
    return headers


@pytest.fixture
def deliver(client: Client) -> Post:
    """Post one recorded service hook delivery to a hook, as Sentry did."""

    def post(hook: ServiceHook, name: str = "seed-staging", **changes: Any) -> Any:
        body = changes.pop("body", None) or body_of(name)
        headers = headers_of(name) | changes.pop("headers", {})
        address = changes.pop("address", hook.address)
        return client.post(
            f"/webhooks/sentry/hooks/{address}/",
            body,
            content_type="application/json",
            headers=headers,
            **changes,
        )

    return post


@pytest.fixture
def deliver_app(client: Client) -> Post:
    """Post one recorded Sentry App webhook."""

    def post(name: str, form: str = "error-created", **changes: Any) -> Any:
        body = changes.pop("body", None) or body_of(name, form)
        headers = headers_of(name, form) | changes.pop("headers", {})
        return client.post("/webhooks/sentry/app/", body, content_type="application/json", headers=headers)

    return post


@pytest.fixture
def environment(db: None) -> Environment:
    """Where `waiting` events go."""
    environment: Environment = EnvironmentFactory(name="Production")
    return environment


@pytest.fixture
def waiting(environment: Environment) -> Callable[..., list[OutboxEvent]]:
    """A maker of events that wait for `environment`."""
    message = MessageFactory()
    return lambda *keys: [EventFactory(message=message, environment=environment, key=key) for key in keys]


@pytest.fixture
def together(waiting: Callable[..., list[OutboxEvent]]) -> Callable[..., Delivery]:
    """A maker of events that wait in one delivery."""
    return lambda *keys: in_delivery(*waiting(*keys))


class Fme:
    """FME's intake of events: answers 202 unless told otherwise, and remembers what it took."""

    def __init__(self, mock: responses.RequestsMock) -> None:
        self.mock = mock
        self.answers: list[tuple[int, dict[str, str], str]] = []
        self.poison: set[str] = set()
        self.batches: list[list[dict[str, Any]]] = []
        self.keys: list[str] = []
        self._loses_answer = False
        self.on_post: Callable[[], object] = lambda: None
        mock.add_callback(responses.POST, f"{settings.FME_EVENTS_URL}/events/bulk", self.take)

    def take(self, request: Any) -> tuple[int, dict[str, str], str]:
        """One POST."""
        batch = json.loads(request.body)
        self.on_post()
        if self.answers:
            return self.answers.pop(0)
        if self.poison & {event["key"] for event in batch}:
            return 400, {}, '{"message": "bad event"}'
        self.keys.append(request.headers["Authorization"])
        self.batches.append(batch)
        if self._loses_answer:
            self._loses_answer = False
            raise ReadTimeout
        return 202, {}, ""

    def lose_next_answer(self) -> None:
        """Take the next batch, and never say so."""
        self._loses_answer = True

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every event it accepted."""
        return [event for batch in self.batches for event in batch]


@pytest.fixture
def fme() -> Iterator[Fme]:
    """An FME that answers as the test says."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield Fme(mock)
