"""For operators: /healthz (no I/O), /readyz (can it do its work), /metrics (Prometheus, protected)."""

import hmac
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from durable.models import Heartbeat
from webhooks import metrics as measured
from webhooks.spool import spool

DRAIN_SILENCE = timedelta(minutes=2)
"""A drain that looked for work longer ago than this is taken to have stopped."""


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """Database, migrations and drains; stays 200 while the spool still takes what the database cannot."""
    try:
        state = database_state()
    except (DatabaseError, InterfaceError) as error:
        state = {"database": type(error).__name__}
    files, size = spool.sizes()
    facts = state | {"spool": {"files": files, "bytes": size}}
    if state == {"database": "ok", "migrations": "ok", "drain": "ok"} and not files:
        return JsonResponse({"status": "ok"} | facts)
    has_room = size < settings.SPOOL_MAX_BYTES
    return JsonResponse(
        {"status": "degraded" if has_room else "failing"} | facts, status=200 if has_room else 503
    )


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
    return HttpResponse(measured.page(), content_type=measured.CONTENT_TYPE)


def may_read_metrics(request: HttpRequest) -> bool:
    """Whether the request carries the token, or a staff session."""
    given = request.headers.get("Authorization", "")
    if settings.METRICS_TOKEN and hmac.compare_digest(
        given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode()
    ):
        return True
    return bool(request.user.is_staff)
