"""A month of traffic in the database, however much: messages and all that follows from them, by set-based SQL.

The shape is the same at every size: two integrations share nearly all of it, a third had ten messages a month ago.
Per message there are 1.3 track events, per four messages a delivery and a POST. Hourly counts are as many at every
size, because hours and labels bound them; so are problems, which the configuration bounds.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.utils import timezone

from integrations.models import Environment, SentryIntegration
from tests.factories import (
    EnvironmentFactory,
    HookFactory,
    IntegrationFactory,
    MembershipFactory,
    ProjectFactory,
    TrafficTypeFactory,
    UserFactory,
)
from webhooks.models import InboxMessage, Notice, NoticeReceiver, OutboxEvent, Problem, ReplayOrder

DAYS = 30
BODY_DAYS = 14
NEEDLE = "Nothing like it anywhere"
RARE_TYPE = "sentry_exception.rare"
DEAD_MESSAGE, DEAD_DELIVERY = "n % 2000 = 901 OR n = 401", "n % 500 = 250 OR n = 101"


@dataclass(frozen=True, slots=True)
class History:
    """What the clicks need to know of it."""

    count: int
    now: datetime
    busy: SentryIntegration
    second: SentryIntegration
    quiet: SentryIntegration
    production: Environment
    quiet_environment: Environment
    operator: User
    project_admin: User
    rare_actor: User

    @property
    def middle(self) -> InboxMessage:
        """A delivered message of the busy integration, half way back."""
        rows = InboxMessage.objects.filter(integration=self.busy, outcome="whole", state="done")
        found = rows.filter(pk__lte=self.count // 2).order_by("-pk").first()
        assert found
        return found

    @property
    def middle_event(self) -> OutboxEvent:
        """A track event of it."""
        return self.middle.events.get(event_type="sentry_exception")


def fill(count: int, *, hours: int = DAYS * 24) -> History:
    """Put `count` messages and their consequences into an empty database; `hours` have counts."""
    history = _configure(count, timezone.now())
    _messages(history)
    _deliveries(history)
    _events(history)
    _attempts(history)
    _rollups(history, hours)
    _problems_and_notices(history)
    _records(history)
    _run("ANALYZE")
    return history


def _configure(count: int, now: datetime) -> History:
    shop, office = ProjectFactory(name="Webshop"), ProjectFactory(name="Back office")
    places = {
        "production": EnvironmentFactory(project=shop, name="Production"),
        "staging": EnvironmentFactory(project=shop, name="Staging"),
    }
    kinds = {"data.error.user.id": TrafficTypeFactory(project=shop, name="user")}
    busy, second = (
        IntegrationFactory(project=shop, project_slug=slug, environments=places, identities=kinds)
        for slug in ("front-end", "payments-api")
    )
    quiet = IntegrationFactory(project=office, project_slug="mailer")
    for integration in (busy, second, quiet):
        HookFactory(integration=integration)
    return History(
        count, now, busy, second, quiet, places["production"], quiet.environment_mappings.get().environment,
        operator=UserFactory(username="operator", is_superuser=True, is_staff=True),
        project_admin=MembershipFactory(user__username="mina", project=shop).user,
        rare_actor=UserFactory(username="seldom"),
    )  # fmt: skip


GROUP = "(n - 1) / 4"
"""Four messages come together: of one integration, into one environment, with one delivery."""


def _messages(history: History) -> None:
    last, step = history.count, DAYS * 86400 / history.count
    body = "'\\x7b7d'::bytea" if _is_postgres() else "x'7b7d'"
    dropped, partly = "n % 50 IN (0, 7)", "n % 50 = 13"
    dead, pending = DEAD_MESSAGE, f"n > {last - 10}"
    _insert(
        "webhooks_inboxmessage",
        {
            "id": "n",
            "integration_id": _by_group(history.quiet.pk, history.busy.pk, history.second.pk),
            "event_id": f"'{'0' * 24}' || substr('00000000' || n, length('00000000' || n) - 7)",
            "source": "CASE WHEN n % 20 = 3 THEN 'app' ELSE 'service_hook' END",
            "received_at": _ago(f"({last} - n) * {step}"),
            "body": f"CASE WHEN ({last} - n) * {step} < {BODY_DAYS * 86400} THEN {body} END",
            "unverified_signature": "''",
            "environment": f"CASE WHEN n % 50 = 0 THEN 'preview' WHEN {GROUP} % 5 = 0 THEN 'staging' "
            "ELSE 'production' END",
            "title": f"CASE WHEN n = {last // 2} THEN '{NEEDLE}' ELSE 'TypeError: x is undefined ' || n % 1000 END",
            "skips": "'[]'" + ("::jsonb" if _is_postgres() else ""),
            "outcome": f"CASE WHEN {pending} OR {dead} THEN '' WHEN {dropped} THEN 'dropped' "
            f"WHEN {partly} THEN 'partly' ELSE 'whole' END",
            "reason": f"CASE WHEN {pending} OR {dead} THEN '' WHEN n % 50 = 0 THEN 'environment_unmapped' "
            f"WHEN {dropped} OR {partly} THEN 'identity_missing' ELSE '' END",
            "subject": f"CASE WHEN {pending} OR {dead} THEN '' WHEN n % 50 = 0 THEN 'preview' "
            f"WHEN {dropped} OR {partly} THEN 'data.error.user.id' ELSE '' END",
            "replay": "''",
            "state": f"CASE WHEN {pending} THEN 'pending' WHEN {dead} THEN 'dead' ELSE 'done' END",
            "due_at": _ago(f"({last} - n) * {step}"),
            "attempts": "1",
            "faults": "0",
            "last_error": f"CASE WHEN {dead} THEN 'The signature is wrong.' ELSE '' END",
        },
        _series(last),
    )


def _deliveries(history: History) -> None:
    last, step = (history.count + 3) // 4, 4 * DAYS * 86400 / history.count
    pending, dead = f"n > {last - 5}", DEAD_DELIVERY
    _insert(
        "webhooks_delivery",
        {
            "id": "n",
            "environment_id": _environment(history, "n - 1"),
            "event_count": "5",
            "byte_count": "3000",
            "state": f"CASE WHEN {pending} THEN 'pending' WHEN {dead} THEN 'dead' ELSE 'done' END",
            "due_at": _ago(f"({last} - n) * {step}"),
            "attempts": "1",
            "faults": "0",
            "last_error": f"CASE WHEN {dead} THEN 'FME refused this event (400)' ELSE '' END",
            "delivered_at": f"CASE WHEN {pending} OR {dead} THEN NULL ELSE {_ago(f'({last} - n) * {step}')} END",
        },
        _series(last),
    )


def _events(history: History) -> None:
    """One for each message that gave any, and one of its culprit for every third."""
    last = history.count
    kinds = f"CASE WHEN n = {last // 2 + 1} THEN '{RARE_TYPE}' ELSE 'sentry_exception.page' || n % 10 END"
    _insert(
        "webhooks_outboxevent",
        {
            "message_id": "n",
            "environment_id": _environment(history, GROUP),
            "delivery_id": f"{GROUP} + 1",
            "event_type": f"CASE WHEN copy = 0 THEN 'sentry_exception' ELSE {kinds} END",
            "traffic_type": "'user'",
            "key": f"CASE WHEN n % 10 = 0 THEN 'user-hot' ELSE 'user-' || n % {max(last // 50, 1)} END",
            "timestamp_ms": "1700000000000 + n",
            "body": """'{"eventTypeId": "sentry_exception", "key": "user", "properties": {}}'""",
        },
        f"{_series(last)} CROSS JOIN (SELECT 0 AS copy UNION ALL SELECT 1) AS copies "
        f"WHERE (copy = 0 OR n % 3 = 0 OR n = {last // 2 + 1}) AND n % 50 NOT IN (0, 7) AND NOT ({DEAD_MESSAGE}) "
        f"AND n <= {last - 10} ORDER BY n, copy",
    )


def _attempts(history: History) -> None:
    token, ids = (
        ("gen_random_uuid()", "jsonb_agg(e.id)")
        if _is_postgres()
        else ("lower(hex(randomblob(16)))", "json_group_array(e.id)")
    )
    step = 4 * DAYS * 86400 / history.count
    _insert(
        "webhooks_deliveryattempt",
        {
            "id": token,
            "environment_id": "d.environment_id",
            "started_at": _ago(f"({(history.count + 3) // 4} - d.id) * {step}"),
            "outcome": f"CASE WHEN {DEAD_DELIVERY.replace('n', 'd.id')} THEN 'refused' "
            "WHEN d.id % 200 = 100 THEN 'held' WHEN d.id % 5000 = 17 THEN 'ambiguous' ELSE 'delivered' END",
            "duration_ms": "41",
            "status_code": "202",
            "event_count": "count(*)",
            "byte_count": "3000",
            "event_ids": ids,
            "answer": "''",
        },
        "webhooks_delivery d JOIN webhooks_outboxevent e ON e.delivery_id = d.id WHERE d.state <> 'pending' "
        "GROUP BY d.id, d.environment_id ORDER BY d.id",
    )


def _rollups(history: History, hours: int) -> None:
    place, share = history.production.pk, max(history.count // hours, 1)
    labels = [
        ("received", ""), ("matched", "production"), ("matched", "staging"), ("matched", "preview"),
        ("dropped", "environment_unmapped\tpreview"), ("dropped", "identity_missing\tdata.error.user.id"),
        ("skipped", "environment_unmapped\tpreview"), ("skipped", "identity_missing\tdata.error.user.id"),
        ("partly", ""), ("event", f"{place}\tuser"), ("delivered", f"{place}\tuser"), ("latency", "2"),
        ("type", "sentry_exception\tuser"), *(("type", f"sentry_exception.page{n}\tuser") for n in range(10)),
    ]  # fmt: skip
    values = ", ".join(f"('{name}', '{label}')" for name, label in labels)
    counted = f"{_series(hours)} CROSS JOIN (VALUES {values}) AS l"
    for integration in (history.busy, history.second):
        facts = {
            "integration_id": str(integration.pk), "name": "column1", "label": "column2", "count": str(share),
            "last_at": _ago("n * 3600"), "hour": _hour("n * 3600"), "note": "''",
        }  # fmt: skip
        _insert("webhooks_hourlycount", facts, counted)
        ever = facts | {"hour": "'1970-01-01 00:00:00" + ("+00'" if _is_postgres() else "'"), "label": "''"}
        rows = "(VALUES ('received'), ('event'), ('delivered')) AS l CROSS JOIN (SELECT 1 AS n) AS one"
        _insert("webhooks_hourlycount", ever, rows)


def _problems_and_notices(history: History) -> None:
    now = history.now
    Problem.objects.bulk_create(
        Problem(
            integration=integration, kind="environment_unmapped", subject=f"preview-{number}",
            first_seen_at=now - timedelta(days=2), last_seen_at=now, gone_at=now if number > 20 else None,
        )
        for integration in (history.busy, history.second) for number in range(40)
    )  # fmt: skip
    receivers = NoticeReceiver.objects.bulk_create(
        NoticeReceiver(kind="email", address=f"team-{number}@example.com") for number in range(5)
    )
    Notice.objects.bulk_create(
        Notice(receiver=receivers[n % 5], kind="problem.opened", state="pending" if n == 1 else "done", made_at=now)
        for n in range(history.count // 200)
    )  # fmt: skip
    ReplayOrder.objects.bulk_create(
        ReplayOrder(integration=history.busy, until=now, kind="added", state="done")
        for _ in range(history.count // 1000)
    )


def _records(history: History) -> None:
    """The audit log: one entry for twenty messages, most of them of messages that somebody looked at."""
    types = ContentType.objects.get_for_models(InboxMessage, SentryIntegration, Environment, User)
    about = {
        InboxMessage: lambda n: n, SentryIntegration: lambda n: history.busy.pk,
        Environment: lambda n: history.production.pk, User: lambda n: history.operator.pk,
    }  # fmt: skip

    def entry(n: int) -> LogEntry:
        model = User if n % 2 else InboxMessage if n % 20 else SentryIntegration if n % 60 else Environment
        pk = about[model](max(n * 20, 1))
        actor = history.rare_actor if n % 997 == 1 else history.operator if n % 4 else history.project_admin
        return LogEntry(
            content_type=types[model], object_pk=str(pk), object_id=pk, object_repr=f"{model.__name__} {pk}",
            action=2 if n % 500 == 2 else 3 if n % 2 else 1, changes={"name": ["old", "new"]}, actor=actor,
            timestamp=history.now - timedelta(seconds=(1 - n * 20 / history.count) * DAYS * 86400),
        )  # fmt: skip

    LogEntry.objects.bulk_create((entry(n) for n in range(history.count // 20)), batch_size=2000)


def _by_group(quiet: int, busy: int, second: int, group: str = GROUP) -> str:
    return f"CASE WHEN {group} < 3 THEN {quiet} WHEN ({group}) % 10 < 7 THEN {busy} ELSE {second} END"


def _environment(history: History, group: str) -> str:
    staging = Environment.objects.get(project=history.busy.project, name="Staging").pk
    return (
        f"CASE WHEN {group} < 3 THEN {history.quiet_environment.pk} WHEN ({group}) % 5 = 0 THEN {staging} "
        f"ELSE {history.production.pk} END"
    )


def _series(last: int) -> str:
    if _is_postgres():
        return f"generate_series(1, {last}) AS s(n)"
    rows = f"WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {last}) SELECT n FROM c"
    return f"({rows}) AS s"


def _ago(seconds: str) -> str:
    """The moment so many seconds ago; `seconds` is SQL."""
    if _is_postgres():
        return f"now() - ({seconds}) * interval '1 second'"
    return f"strftime('%Y-%m-%d %H:%M:%f000', julianday('now') - ({seconds}) / 86400.0)"


def _hour(seconds: str) -> str:
    if _is_postgres():
        return f"date_trunc('hour', {_ago(seconds)})"
    return f"strftime('%Y-%m-%d %H:00:00', julianday('now') - ({seconds}) / 86400.0)"


def _insert(table: str, columns: dict[str, str], rows: str) -> None:
    _run(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(columns.values())} FROM {rows}")


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _is_postgres() -> bool:
    return connection.vendor == "postgresql"
