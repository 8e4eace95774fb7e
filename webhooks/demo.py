"""A month of invented traffic, for looking at every page with something on it; the same for the same seed.

Messages go through the real translation; only Sentry's sending and FME's answers are made up. A sandbox that was told
of it (`integrations.sandboxing.introduce`) lets it live on: hooks are checked, tokens renewed, events delivered.
"""

import json
import math
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from integrations.models import (
    Account,
    CatalogueRefresh,
    Environment,
    EnvironmentMapping,
    IdentityMapping,
    Project,
    SentryInstallation,
    SentryIntegration,
    ServiceHook,
    TrafficType,
)
from webhooks.inbox import drain_inbox
from webhooks.message_rows import NewMessage, insert_messages
from webhooks.models import Delivery, DeliveryAttempt, InboxMessage, OutboxEvent
from webhooks.rollups import Count, Tally, count_dead, count_delivered

BATCH = 200
HOLD = (
    "FME refused the SDK key (401). Enter a valid server-side SDK key of this environment; "
    "what waits is then delivered at once."
)
FILLING = "The demonstration is being filled; it takes a minute."
Kind = tuple[str, str, str, str]

KINDS: dict[str, tuple[Kind, ...]] = {  # exception type, its value, culprit, platform
    "front-end": (
        ("TypeError", "Cannot read properties of null (reading 'items')", "onCheckout(/checkout.html)", "javascript"),
        ("Error", "Test error", "?(/checkout.html)", "javascript"),
        ("RangeError", "Invalid time value", "formatDate(/account.html)", "javascript"),
        ("NetworkError", "Failed to fetch cart", "loadCart(/cart.html)", "javascript"),
    ),
    "payments-api": (
        ("RuntimeError", "checkout aborted", "/checkout/{order_id}/", "python"),
        ("IntegrityError", "duplicate key value violates unique constraint", "payments.views in capture", "python"),
        ("TimeoutError", "card issuer did not answer in 10 s", "payments.gateway in authorise", "python"),
    ),
    "mailer": (
        ("MailError", "SMTP 421 try later", "send(mailer)", "node"),
        ("Error", "connect ECONNREFUSED", "Worker.run(queue)", "node"),
    ),
    "android-app": (
        ("NullPointerException", "Attempt to invoke a method on null", "MainActivity in onCreate", "java"),
    ),
    "ios-app": (("NSRangeException", "index 4 beyond bounds", "CartViewController in reload", "cocoa"),),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """One integration of the demonstration: how it is mapped and how much it gets a day."""

    slug: str
    project: str
    environments: dict[str, str]
    identities: dict[str, str]
    sent: tuple[str, ...]
    a_day: int
    organization: str = "demo-gmbh"
    wants_culprit: bool = True
    is_active: bool = True


USER = {"data.error.user.id": "user"}
BOTH = {"production": "Production", "Staging": "Staging"}
PLANS = (
    Plan(
        "front-end", "Demo shop", BOTH, USER | {"data.error.user.orgId": "org"},
        ("production",) * 16 + ("Staging",) * 2 + ("preview",), 130,
    ),
    Plan("payments-api", "Demo shop", BOTH, USER, ("production",) * 9 + ("Staging",), 40, wants_culprit=True),
    Plan(
        "mailer", "Demo back office", {"production": "Production", "staging": "Staging"}, USER,
        ("production", "staging"), 8,
    ),
    Plan("android-app", "Demo apps", BOTH, {"data.error.user.id": "device"}, ("production",), 0, "demo-mobile"),
    Plan("ios-app", "Demo apps", BOTH, USER, ("production",), 12, "demo-mobile", is_active=False),
)  # fmt: skip


@transaction.atomic
def configure() -> dict[str, SentryIntegration]:
    """Projects, keys, installations and integrations, as if somebody had entered them three weeks ago."""
    now = timezone.now()
    Account.objects.update_or_create(pk=1, defaults={"sentry_enabled_at": now - timedelta(days=31)})
    CatalogueRefresh.objects.update_or_create(
        pk=1, defaults={"refreshed_at": now, "due_at": now + timedelta(hours=1)}
    )
    integrations = {}
    for plan in PLANS:
        project, _ = Project.objects.get_or_create(
            fme_id=_slug(plan.project), defaults={"name": plan.project}
        )
        for name in ("Production", "Staging"):
            key = "" if (plan.project, name) == ("Demo apps", "Staging") else f"demo-{uuid4().hex}"
            Environment.objects.get_or_create(
                project=project, fme_id=f"{_slug(plan.project)}-{name.lower()}",
                defaults={"name": name, "sdk_key": key, "sdk_key_set_at": now, "is_production": name == "Production"},
            )  # fmt: skip
        for name in {"user", "org", "device", *plan.identities.values()}:
            TrafficType.objects.get_or_create(
                project=project, fme_id=f"{_slug(plan.project)}-{name}", defaults={"name": name}
            )
        integrations[plan.slug] = _integration(plan, project, now)
    return integrations


def _integration(plan: Plan, project: Project, now: datetime) -> SentryIntegration:
    installation, _ = SentryInstallation.objects.get_or_create(
        uuid=UUID(int=sum(map(ord, plan.organization)) << 64, version=4),
        defaults={
            "organization": plan.organization, "token": uuid4().hex, "refresh_token": uuid4().hex, "announced_at": now,
            "token_expires_at": now + timedelta(hours=8), "token_renewed_at": now,
            "due_at": now + timedelta(hours=7), "verified_at": now,
        },
    )  # fmt: skip
    installation.projects.add(project)
    integration, is_new = SentryIntegration.objects.get_or_create(
        project=project, organization=plan.organization, project_slug=plan.slug, deleted_at=None,
        defaults={
            "installation": installation, "capture_culprit": plan.wants_culprit, "is_active": plan.is_active,
            "created_at": now - timedelta(days=31),
        },
    )  # fmt: skip
    if not is_new:
        return integration
    for name, environment in plan.environments.items():
        target = Environment.objects.get(project=project, name=environment)
        EnvironmentMapping.objects.create(
            integration=integration, sentry_environment=name, environment=target
        )
    for path, traffic_type in plan.identities.items():
        kind = TrafficType.objects.get(project=project, name=traffic_type)
        IdentityMapping.objects.create(integration=integration, path=path, traffic_type=kind)
    is_gone = plan.slug == "android-app"
    ServiceHook.objects.create(
        integration=integration, installation=installation, organization=plan.organization, project_slug=plan.slug,
        remote_id=uuid4().hex, secret=uuid4().hex, confirmed_at=now, due_at=now + timedelta(hours=1),
        state="dead" if is_gone else "pending",
        last_error="Sentry finds no project “android-app” in the organization “demo-mobile” for this installation. "
        "Check both slugs, and that the app is installed in that organization." if is_gone else "",
    )  # fmt: skip
    return integration


def flow(integrations: dict[str, SentryIntegration], *, days: int, share: float, seed: int) -> int:
    """Let `days` days of messages come in and go out; `share` scales how many. Returns how many came in.

    Environments are held meanwhile, until `open_up`: a worker beside this one would deliver all of it now.
    """
    held_until = timezone.now() + timedelta(hours=1)
    mine().update(hold_reason=FILLING, hold_until=held_until, hold_attempts=0)
    dice = random.Random(seed)  # noqa: S311 - invented traffic guards nothing
    now = timezone.now()
    incoming = sorted(
        (
            message
            for plan in PLANS
            for message in _messages(plan, integrations[plan.slug], now, days, share, dice)
        ),
        key=lambda message: message.received_at,
    )
    for start in range(0, len(incoming), BATCH):
        insert_messages(incoming[start : start + BATCH])
    _translate(integrations.values())
    _deliver(dice, now)
    _refuse(integrations["front-end"], now, days, dice)
    return len(incoming)


def open_up() -> None:
    """What comes from now on is delivered."""
    mine().filter(hold_reason=FILLING).update(hold_reason="", hold_until=None)


def mine() -> QuerySet[Environment]:
    """The environments of the demonstration."""
    return Environment.objects.filter(fme_id__startswith="demo-")


def _translate(integrations: Iterable[SentryIntegration]) -> None:
    """All of it, by whichever worker is quicker."""
    waiting = InboxMessage.objects.filter(integration__in=list(integrations), state="pending")
    drain_inbox()
    while waiting.exists():
        time.sleep(0.1)
        drain_inbox()


def _messages(
    plan: Plan, integration: SentryIntegration, now: datetime, days: int, share: float, dice: random.Random
) -> Iterator[NewMessage]:
    for day in range(days):
        weekday = (now - timedelta(days=day)).weekday()
        amount = plan.a_day * share * (0.5 if weekday > 4 else 1) * dice.uniform(0.7, 1.3)
        for _ in range(round(amount)):
            at = now - timedelta(days=day, seconds=_seconds_of_day(now, dice))
            if at > now - timedelta(seconds=8) and day == 0:
                at = now - timedelta(seconds=dice.uniform(1, 8))
            environment = dice.choice(plan.sent)
            if environment == "preview" and now - at > timedelta(hours=7):
                environment = "production"
            yield _message(plan, integration.pk, at, environment, dice)
    if "preview" in plan.sent:  # whatever the hour, somebody has just begun to use it
        for minutes in (9, 33, 71):
            yield _message(plan, integration.pk, now - timedelta(minutes=minutes), "preview", dice)


def _seconds_of_day(now: datetime, dice: random.Random) -> float:
    """How long ago within a day: busy in the afternoon, quiet at night, by the clock of UTC."""
    while True:
        ago = dice.uniform(0, 86400)
        hour = ((now - timedelta(seconds=ago)).hour - 4) / 24
        if dice.random() < 0.2 + 0.8 * math.sin(math.pi * max(hour, 0)) ** 2:
            return ago


def _message(plan: Plan, integration: int, at: datetime, environment: str, dice: random.Random) -> NewMessage:
    event_id = f"{dice.getrandbits(128):032x}"
    body = json.dumps(_body(plan, event_id, at, environment, dice)).encode()
    return NewMessage(integration, event_id, "service_hook", at, body)


def _body(plan: Plan, event_id: str, at: datetime, environment: str, dice: random.Random) -> dict[str, Any]:
    """A service hook's body as Sentry sends it, as far as anything here reads it."""
    kind, value, culprit, platform = dice.choice(KINDS[plan.slug])
    is_message = dice.random() < 0.03
    number = dice.randrange(1000, 1400)
    user: dict[str, Any] = {
        "id": str(number), "email": f"user{number}@example.com", "ip_address": f"203.0.113.{number % 250}",
        "username": None, "data": {"orgId": number % 60},
    }  # fmt: skip
    if dice.random() < 0.04:
        user = {"id": None, "ip_address": "203.0.113.9", "data": {}}
    elif dice.random() < 0.002:
        user["id"] = {"uid": number}
    title = "Payment provider slow" if is_message else f"{kind}: {value}"
    tags = {
        "environment": environment,
        "level": "error",
        "release": f"web@2.{dice.randrange(4)}.1",
        "handled": "no",
    }
    if dice.random() < 0.001:
        del tags["environment"]
    when = (at - timedelta(seconds=dice.uniform(0.2, 2))).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    exception = {
        "values": [{"type": kind, "value": value, "mechanism": {"type": "generic", "handled": False}}]
    }
    return {
        "project": {"slug": plan.slug, "name": plan.slug},
        "group": {"id": str(30 + len(value)), "title": title, "culprit": culprit, "level": "error"},
        "event": {
            "id": event_id, "eventID": event_id, "groupID": str(30 + len(value)), "projectID": "2",
            "type": "default" if is_message else "error", "title": title, "message": "", "platform": platform,
            "culprit": culprit if dice.random() > 0.01 else "", "dateCreated": when, "dateReceived": when,
            "user": user, "tags": [{"key": key, "value": word} for key, word in tags.items()],
            "entries": [] if is_message else [{"type": "exception", "data": exception}],
            "contexts": {"browser": {"name": "Chrome", "version": "126.0.0", "type": "browser"}},
            "context": {"cart": {"items": number % 9, "coupon": None}},
            "sdk": {"name": f"sentry.{platform}", "version": "8.2.0"},
            "url": f"https://demo-gmbh.sentry.example/issues/{30 + len(value)}/events/{event_id}/",
        },
    }  # fmt: skip


def _deliver(dice: random.Random, now: datetime) -> None:
    """FME takes what is older than a few seconds, refuses one key, and was away for a while some days ago."""
    held = Environment.objects.get(fme_id="demo-back-office-staging")
    waiting = OutboxEvent.objects.filter(delivery__state="pending", environment__fme_id__startswith="demo-")
    rows = waiting.order_by("message__received_at", "id").values_list(
        "id", "environment_id", "message__received_at", "timestamp_ms"
    )
    batches: dict[tuple[int, int], list[tuple[int, datetime]]] = {}
    for pk, environment, received_at, _ in rows:
        if environment == held.pk and now - received_at < timedelta(hours=5):
            continue
        if now - received_at > timedelta(seconds=9):
            batches.setdefault((environment, int(received_at.timestamp()) // 4), []).append((pk, received_at))
    for (environment, _), events in batches.items():
        _post(environment, events, dice, now)
    Delivery.objects.filter(environment__fme_id__startswith="demo-", events=None).delete()
    Environment.objects.filter(pk=held.pk).update(
        hold_reason=HOLD, hold_until=now + timedelta(minutes=20), hold_attempts=6
    )


def _refuse(integration: SentryIntegration, now: datetime, days: int, dice: random.Random) -> None:
    """Somebody knocks at the address of one hook now and then, and one body in a month is too large."""
    refused = [(now - timedelta(hours=dice.uniform(1, 24 * days)), "bad_signature") for _ in range(2 * days)]
    refused += [
        (now - timedelta(hours=5), "bad_signature"),
        (now - timedelta(hours=dice.uniform(30, 160)), "too_large"),
    ]
    tally = Tally()
    for at, outcome in refused:
        tally.add(integration.pk, Count.REFUSED, at, outcome)
    tally.store()


def _post(environment: int, events: list[tuple[int, datetime]], dice: random.Random, now: datetime) -> None:
    ids, received_at = [pk for pk, _ in events], events[-1][1]
    taken = timedelta(seconds=dice.lognormvariate(0.6, 0.5))
    attempts = 1
    if 400 < (now - received_at).total_seconds() % 500_000 / 60 < 412:  # FME answered 503 for a while
        attempts, later = 2, timedelta(seconds=dice.uniform(3, 90))
        _attempt(environment, ids, received_at + taken, "held", 503, dice, received_at + taken + later)
        taken += later
    started_at = received_at + taken
    if dice.random() < 0.0008:
        refused = "FME refused this event (400): key is not allowed here"
        dead = _delivery(environment, ids[:1], state="dead", attempts=attempts, last_error=refused)
        _attempt(environment, ids[:1], started_at, "refused", 400, dice, None)
        count_dead([dead.pk])
        ids = ids[1:]
    if ids:
        _attempt(environment, ids, started_at, "delivered", 202, dice, None)
        delivered_at = started_at + timedelta(milliseconds=60)
        done = _delivery(environment, ids, state="done", attempts=attempts, delivered_at=delivered_at)
        count_delivered([done.pk], delivered_at)


def _delivery(environment: int, ids: list[int], **facts: Any) -> Delivery:
    """These events in a delivery of their own, settled already."""
    delivery = Delivery.objects.create(
        environment_id=environment, event_count=len(ids), byte_count=600 * len(ids), **facts
    )
    OutboxEvent.objects.filter(pk__in=ids).update(delivery=delivery)
    return delivery


def _attempt(
    environment: int,
    ids: list[int],
    at: datetime,
    outcome: str,
    status: int,
    dice: random.Random,
    next_at: datetime | None,
) -> None:
    DeliveryAttempt.objects.create(
        environment_id=environment, started_at=at, outcome=outcome, status_code=status, event_count=len(ids),
        byte_count=600 * len(ids), event_ids=ids, duration_ms=round(dice.lognormvariate(4, 0.4)), next_at=next_at,
        answer={503: "upstream connect error", 400: '{"message": "key is not allowed here"}'}.get(status, ""),
    )  # fmt: skip


def _slug(name: str) -> str:
    return name.lower().replace(" ", "-")


def remove() -> None:
    """Take away everything an earlier run made, so that a run begins anew."""
    old = SentryIntegration.objects.filter(project__fme_id__startswith="demo-")
    OutboxEvent.objects.filter(message__integration__in=old).delete()
    InboxMessage.objects.filter(integration__in=old).delete()
    ServiceHook.objects.filter(integration__in=old).delete()
    Delivery.objects.filter(environment__fme_id__startswith="demo-").delete()
    DeliveryAttempt.objects.filter(environment__fme_id__startswith="demo-").delete()
    old.delete()
