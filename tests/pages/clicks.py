"""Every page and list that grows with the number of messages, as somebody opens it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.urls import reverse

from integrations.admin.parts import BoundedPaginator
from tests.pages.history import NEEDLE, RARE_TYPE, History
from webhooks.api.queries import FOLLOWED
from webhooks.pages.log import Cursor


@dataclass(frozen=True, slots=True)
class Click:
    """One address opened by somebody; `counts` when it counts up to a bound that is higher than a page's own."""

    name: str
    address: str
    person: User
    counts: bool = False


def clicks(history: History) -> Iterator[Click]:
    """All of them, as account admin unless they say otherwise."""
    yield from _pages(history)
    yield from _log(history)
    yield from _audit(history)
    yield from _as_project_admin(history)
    yield from _api(history)
    yield from _django_admin(history)


def _pages(history: History) -> Iterator[Click]:
    person, busy, quiet = history.operator, history.busy.pk, history.quiet.pk
    for name in ("integrations", "checklist", "problems", "notices", "event_types", "marketplace"):
        yield Click(name, reverse(name), person)
    yield Click("problems that are gone", _address("problems", tab="gone"), person)
    for words, query in (("24 hours", {}), ("7 days", {"range": "7d"}), ("by type", {"split": "type"})):
        yield Click(f"integration, {words}", _address("integration", busy, **query), person)
    yield Click("integration, a quiet one", reverse("integration", args=[quiet]), person)
    yield Click("integration's form", reverse("integration_edit", args=[busy]), person)
    yield Click("integration's form, a quiet one", reverse("integration_edit", args=[quiet]), person)
    yield Click("integration's deletion", reverse("integration_delete", args=[busy]), person)
    yield Click("export", reverse("integration_export", args=[busy]), person)
    yield Click("message", reverse("message", args=[history.middle.pk]), person)
    yield Click("message, raw", reverse("message_raw", args=[history.middle.pk]), person)
    reason = {"range": "all", "reason": "identity_missing"}
    for words, query in (("24 hours", {}), ("all time", {"range": "all"}), ("a reason", reason)):
        yield Click(f"replay, {words}", _address("replay_since", busy, **query), person, counts=True)
        if "reason" not in query:
            yield Click(f"resend, {words}", _address("resend_failed", busy, **query), person, counts=True)


def _log(history: History) -> Iterator[Click]:
    person, deep, place = history.operator, str(Cursor.of(history.middle)), str(history.middle.pk)
    week_ago, next_day = (f"{history.now - timedelta(days=days):%Y-%m-%dT%H:%M}" for days in (9, 8))
    filters: dict[str, dict[str, str]] = {
        "first page": {}, "next page": {"before": _after_fifty(history)}, "far back": {"before": deep},
        "newer than far back": {"after": deep}, "a time": {"range": "custom", "from": week_ago, "to": next_day},
        "up to a time": {"range": "custom", "to": week_ago}, "24 hours": {"range": "24h"},
        **{f"state {state}": {"state": state} for state in ("delivered", "partly", "waiting", "dropped", "failed")},
        "failed, far back": {"state": "failed", "before": deep},
        "environment": {"environment": "staging"}, "unknown environment": {"environment": "nowhere"},
        "reason": {"reason": "identity_missing"},
        "reason and subject": {"reason": "environment_unmapped", "subject": "preview", "state": "dropped"},
        "reason that never was": {"reason": "uninstalled"},
        "frequent event type": {"event_type": "sentry_exception"},
        "event type": {"event_type": "sentry_exception.page3"},
        "rare event type": {"event_type": RARE_TYPE}, "key": {"key": "user-7"}, "frequent key": {"key": "user-hot"},
        "text": {"q": "undefined 17"}, "text that is rare": {"q": NEEDLE},
        "text, far back": {"q": NEEDLE, "before": deep},
        "event id": {"q": history.middle.event_id}, "stage": {"stage": "identified"},
        "first stage": {"stage": "received"},
        "a quiet integration": {"integration": str(history.quiet.pk)},
        "text in a quiet integration": {"integration": str(history.quiet.pk), "q": NEEDLE},
        "failed in a quiet integration": {"integration": str(history.quiet.pk), "state": "failed"},
        "live tail": {"tail": str(history.count - 3), "moving": place},
        "live tail left open for long": {"tail": place},
        "live tail with a filter": {"tail": place, "q": NEEDLE},
    }  # fmt: skip
    for words, query in filters.items():
        yield Click(f"messages, {words}", _address("messages", **query), person)
    of_events = {
        "first page": {}, "far back": {"before": deep}, "key": {"key": "user-7"}, "frequent key": {"key": "user-hot"},
        "event type": {"event_type": RARE_TYPE}, "environment": {"fme_environment": str(history.production.pk)},
        "traffic type": {"traffic_type": "user"}, "delivered": {"event_state": "done"},
        "waiting": {"event_state": "pending"}, "failed": {"event_state": "dead"}, "text": {"q": NEEDLE},
        "a quiet integration": {"integration": str(history.quiet.pk)},
        "quiet environment": {"fme_environment": str(history.quiet_environment.pk)},
        "JSON of one": {"json": str(history.middle_event.pk)},
    }  # fmt: skip
    for words, query in of_events.items():
        yield Click(f"track events, {words}", _address("events", **query), person)


def _audit(history: History) -> Iterator[Click]:
    ago = f"{history.now - timedelta(days=9):%Y-%m-%dT%H:%M}"
    filters: dict[str, dict[str, str]] = {
        "first page": {}, "far back": {"before": str(_middle_record(history))}, "24 hours": {"range": "24h"},
        "who": {"who": str(history.operator.pk)}, "who, seldom": {"who": str(history.rare_actor.pk)},
        "up to a time": {"range": "custom", "to": ago}, "system": {"who": "system"}, "did": {"did": "changed"},
        "did, seldom": {"did": "deleted"}, "did, never": {"did": "replayed"},
        "about": {"about": "message"}, "about, seldom": {"about": "environment"},
        "about, never": {"about": "receiver"},
        "who did what": {"who": str(history.rare_actor.pk), "did": "added", "about": "message"},
    }  # fmt: skip
    for person, words in ((history.operator, ""), (history.project_admin, " (project admin)")):
        for name, query in filters.items():
            yield Click(f"audit log, {name}{words}", _address("audit", **query), person)
        yield Click(f"audit log, download{words}", _address("audit", format="csv"), person, counts=True)


def _as_project_admin(history: History) -> Iterator[Click]:
    mina = history.project_admin
    for name in ("integrations", "messages", "events", "problems", "event_types", "checklist"):
        yield Click(f"{name} (project admin)", reverse(name), mina)
    yield Click("message (project admin)", reverse("message", args=[history.middle.pk]), mina)


def _api(history: History) -> Iterator[Click]:
    person, middle = history.operator, history.middle
    root = "/api/v1/sentry-integrations/"
    yield Click("API, integrations", root, person)
    hour_ago, ago = (f"{history.now - timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}" for hours in (1, 480))
    filters: dict[str, dict[str, str]] = {
        "first page": {}, "200 a page": {"page_size": "200"}, "event id": {"event_id": middle.event_id},
        **{f"state {state}": {"state": state} for state in FOLLOWED},
        "after": {"received_after": hour_ago}, "before": {"received_before": ago},
        "state and before": {"state": "dead", "received_before": ago},
    }  # fmt: skip
    for integration in (history.busy, history.quiet):
        words = "" if integration == history.busy else ", a quiet integration"
        place = f"{root}{integration.pk}/"
        yield Click(f"API, integration{words}", place, person)
        for name, query in filters.items():
            yield Click(f"API, messages, {name}{words}", f"{place}messages/?{urlencode(query)}", person)
        yield Click(f"API, track events{words}", f"{place}events/", person)
        deep = urlencode({"cursor": f"b{Cursor.of(middle)}-{history.middle_event.pk}"})
        yield Click(f"API, track events, far back{words}", f"{place}events/?{deep}", person)
    deep = urlencode({"cursor": f"b{Cursor.of(middle)}"})
    yield Click("API, messages, far back", f"{root}{history.busy.pk}/messages/?{deep}", person)
    yield Click("API, message", f"{root}{history.busy.pk}/messages/{middle.pk}/", person)


def _django_admin(history: History) -> Iterator[Click]:
    today = f"{history.now:%Y-%m-%d} 00:00:00+00:00"
    last = str(min(BoundedPaginator.most_counted, history.count) // 50)
    lists: dict[str, dict[str, dict[str, str]]] = {
        "webhooks_inboxmessage": {
            "": {}, "far back": {"p": last}, "done": {"state__exact": "done"}, "dead": {"state__exact": "dead"},
            "pending": {"state__exact": "pending"},
            "event id": {"q": history.middle.event_id}, "nothing": {"q": "nothing"},
        },
        "webhooks_outboxevent": {"": {}, "event id": {"q": history.middle.event_id}, "nothing": {"q": "nothing"}},
        "webhooks_delivery": {
            "": {}, "dead": {"state__exact": "dead"}, "pending": {"state__exact": "pending"},
        },
        "webhooks_deliveryattempt": {
            "": {}, "refused": {"outcome__exact": "refused"}, "open": {"outcome__exact": "open"},
            "ambiguous": {"outcome__exact": "ambiguous"},
            "today": {"started_at__gte": today},
            "environment": {"environment__id__exact": str(history.quiet_environment.pk)},
        },
        "webhooks_hourlycount": {"": {}}, "webhooks_notice": {"": {}, "pending": {"state__exact": "pending"}},
        "webhooks_problem": {"": {}},
        "webhooks_replayorder": {"": {}},
        "auditlog_logentry": {"": {}, "deleted": {"action__exact": "2"}},
    }  # fmt: skip
    yield Click("Django admin", reverse("admin:index"), history.operator)
    for name, filters in lists.items():
        for words, query in filters.items():
            label = f"Django admin, {name.partition('_')[2]}{', ' if words else ''}{words}"
            yield Click(label, _address(f"admin:{name}_changelist", **query), history.operator, counts=True)
    address = reverse("admin:webhooks_inboxmessage_change", args=[history.middle.pk])
    yield Click("Django admin, one inboxmessage", address, history.operator)


def _address(name: str, *keys: int, **query: str) -> str:
    return f"{reverse(name, args=keys)}?{urlencode(query)}"


def _after_fifty(history: History) -> str:
    step = timedelta(days=30) / history.count
    return str(Cursor(history.now - 50 * step, history.count - 50))


def _middle_record(history: History) -> int:
    return history.count // 40
