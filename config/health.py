"""For operators: /healthz (no I/O), /readyz (can it do its work), /metrics (Prometheus, protected)."""

import hmac
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from config.asking import Asker
from durable.models import Heartbeat
from webhooks import metrics as measured
from webhooks.spool import spool
from webhooks.writer import Inline, writer

PROBE_SECONDS = 2.0
"""How long the database may take to say how it is: balancers wait a few seconds for a probe."""

prober: Asker[dict[str, Any]] = Asker("prober")

SCRAPE_SECONDS = 8.0
"""Prometheus waits ten; counting a large backlog may take some of them."""

scraper: Asker[bytes] = Asker("scraper")
"""Another thread, so that a slow count makes no probe fail."""

DRAIN_SILENCE = timedelta(minutes=2)
"""A drain that looked for work longer ago than this is taken to have stopped."""


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """Database, migrations and drains; stays 200 while the spool still takes what the database cannot."""
    state = state_in_time()
    files, size = spool.sizes()
    facts = state | {"spool": {"files": files, "bytes": size}}
    if state == {"database": "ok", "migrations": "ok", "drain": "ok"} and not files:
        return JsonResponse({"status": "ok"} | facts)
    takes_messages = state["database"] == "ok" or not spool.is_full
    return JsonResponse(
        {"status": "degraded" if takes_messages else "failing"} | facts, status=200 if takes_messages else 503
    )


def state_in_time() -> dict[str, Any]:
    """`database_state`, or in what way there is none: a database that hangs must not hang the probe."""
    if isinstance(writer, Inline):
        return database_state()
    if writer.is_away:
        return {"database": "away"}
    try:
        return prober.ask(database_state, seconds=PROBE_SECONDS)
    except TimeoutError:
        return {"database": f"no answer within {PROBE_SECONDS:g} s"}
    except (DatabaseError, InterfaceError) as error:
        return {"database": type(error).__name__}


def database_state() -> dict[str, Any]:
    """What the database says: reachable, migrated, and when a drain last looked for work."""
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    last = Heartbeat.objects.order_by("-at").values_list("at", flat=True).first()
    silent = last is None or timezone.now() - last > DRAIN_SILENCE
    return {
        "database": "ok",
        "migrations": f"{len(pending)} pending" if pending else "ok",
        "drain": ("never ran" if last is None else f"last ran {last:%Y-%m-%dT%H:%M:%SZ}") if silent else "ok",
    }


def metrics(request: HttpRequest) -> HttpResponse:
    """The Prometheus page, for METRICS_TOKEN or a staff login."""
    if not may_read_metrics(request):
        return HttpResponse("Send METRICS_TOKEN as a bearer token, or log in as staff.\n", status=401)
    stored = stored_in_time()
    measured.database_up.set(stored is not None)
    return HttpResponse(measured.of_host() + (stored or b""), content_type=measured.CONTENT_TYPE)


def stored_in_time() -> bytes | None:
    """What the database tells Prometheus; None when it does not answer within the time a scrape has."""
    if isinstance(writer, Inline):
        return measured.of_database()
    if writer.is_away:
        return None
    try:
        return scraper.ask(measured.of_database, seconds=SCRAPE_SECONDS)
    except (TimeoutError, DatabaseError, InterfaceError):
        return None


def may_read_metrics(request: HttpRequest) -> bool:
    """Whether the request carries the token, or a staff session."""
    given = request.headers.get("Authorization", "")
    if settings.METRICS_TOKEN and hmac.compare_digest(
        given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode()
    ):
        return True
    user = getattr(request, "user", None)  # none where a token came: no session is read for a scrape
    return bool(user and user.is_staff)
