"""Which integrations a page looks at: those the person may see, less what the address leaves out."""

from dataclasses import dataclass

from django.http import HttpRequest

from integrations.context import zone_named
from integrations.found import access_of
from integrations.models import SentryIntegration
from webhooks.filters import Filter
from webhooks.models import HourlyCount
from webhooks.rollups import BETWEEN, EVER, Count
from webhooks.spans import span_of

MOST_CHOICES = 100


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


def storable(text: str) -> str:
    """What a database can be asked for."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def environments_seen(scope: Scope) -> list[str]:
    """Sentry environments that messages of the scope named, in order."""
    rows = HourlyCount.objects.filter(integration__in=scope.ids, name=Count.MATCHED).exclude(label="")
    return sorted(rows.order_by().values_list("label", flat=True).distinct()[:MOST_CHOICES])


def event_types_seen(scope: Scope) -> list[str]:
    """Event types that were made in the scope, the plain one first."""
    rows = HourlyCount.objects.filter(integration__in=scope.ids, name=Count.TYPE).exclude(hour=EVER)
    labels = rows.order_by().values_list("label", flat=True).distinct()[: 3 * MOST_CHOICES]
    return sorted({label.split(BETWEEN)[0] for label in labels}, key=lambda name: (len(name) > 16, name))
