"""Which integrations a page looks at: those the person may see, less what the address leaves out."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.http import HttpRequest
from django.utils import timezone

from integrations.context import zone_named
from integrations.found import access_of
from integrations.models import EnvironmentMapping, SentryIntegration
from integrations.validation import storable
from webhooks import sql
from webhooks.pages.filters import Filter
from webhooks.rollups import BETWEEN, Count
from webhooks.spans import span_of

MOST_CHOICES = 100
MOST_LOOKED = 5000
"""Hourly counts that are looked at for the choices of a filter, in all integrations together."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Every integration the person may see, and those that were chosen."""

    everything: tuple[SentryIntegration, ...]
    chosen: tuple[SentryIntegration, ...]

    @property
    def one(self) -> SentryIntegration | None:
        """The integration, when exactly one was chosen among several or there is only one."""
        return self.chosen[0] if len(self.chosen) == 1 else None

    @property
    def ids(self) -> list[int]:
        """Ids of the chosen integrations."""
        return [integration.pk for integration in self.chosen]

    def by_id(self) -> dict[int, SentryIntegration]:
        """Every integration by its id."""
        return {integration.pk: integration for integration in self.everything}


def scope_of(request: HttpRequest) -> Scope:
    """Read `integration` and `project` of the address; an unknown id chooses nothing."""
    everything = tuple(access_of(request).integrations().select_related("project"))
    chosen = everything
    if integration := request.GET.get("integration", ""):
        chosen = tuple(one for one in chosen if str(one.pk) == integration)
    if project := request.GET.get("project", ""):
        chosen = tuple(one for one in chosen if str(one.project_id) == project)
    return Scope(everything, chosen)


def filter_of(request: HttpRequest, scope: Scope) -> Filter:
    """The filter that stands in the address."""
    query = request.GET
    names = (
        "fme_environment",
        "traffic_type",
        "event_state",
        "state",
        "environment",
        "reason",
        "subject",
        "event_type",
        "key",
        "stage",
    )
    return Filter(
        integrations=scope.chosen,
        span=span_of(query, zone=zone_named(request.COOKIES.get("zone", ""))),
        text=storable(query.get("q", "").strip())[:200],
        **{name: storable(query.get(name, ""))[:250] for name in names},
    )


def environments_seen(scope: Scope) -> list[str]:
    """Sentry environments that are mapped in the scope, or that messages of the last week named, in order."""
    mapped = EnvironmentMapping.objects.filter(integration__in=scope.ids).order_by()
    names = mapped.values_list("sentry_environment", flat=True).distinct()[:MOST_CHOICES]
    return sorted({*names, *_labels(scope, Count.MATCHED)} - {""})[:MOST_CHOICES]


def event_types_seen(scope: Scope) -> list[str]:
    """Event types that were made in the scope in the last week, the plain one first."""
    names = {label.split(BETWEEN)[0] for label in _labels(scope, Count.TYPE)}
    return sorted(names, key=lambda name: (len(name) > 16, name))[: 3 * MOST_CHOICES]


def _labels(scope: Scope, name: Count) -> list[str]:
    """What the newest counts of the last week are about, of each integration as many; one query."""
    if not scope.ids:
        return []
    week = sql.adapted(timezone.now() - timedelta(days=7))
    part = (
        "SELECT * FROM (SELECT label FROM webhooks_hourlycount WHERE integration_id = %s AND name = %s "
        "AND hour >= %s ORDER BY hour DESC LIMIT %s) AS part"
    )
    each = max(MOST_LOOKED // len(scope.ids), MOST_CHOICES)
    values = [value for pk in scope.ids for value in (pk, name.value, week, each)]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ".join([part] * len(scope.ids)) + " LIMIT %s", [*values, MOST_LOOKED])
        return [label for (label,) in cursor.fetchall()]
