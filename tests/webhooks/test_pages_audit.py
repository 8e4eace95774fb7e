"""The audit log of somebody who sees only a part of it: found in a bounded look that says how far it went."""

from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.urls import reverse
from django.utils import timezone

from tests.factories import IntegrationFactory
from webhooks.models import InboxMessage, Problem
from webhooks.pages import audit
from webhooks.pages.audit_entries import ABOUT


@pytest.fixture
def mine(client, project, project_admin, monkeypatch):
    """One entry of an own integration below five of others', where a page looks at three."""
    monkeypatch.setattr(audit, "LOOK", 3)
    own, other = IntegrationFactory(project=project), IntegrationFactory()
    LogEntry.objects.all().delete()
    for integration in (own, *[other] * 5):
        LogEntry.objects.log_create(integration, action=LogEntry.Action.UPDATE, changes={"note": ["", "x"]})
    client.force_login(project_admin)
    return own


def test_a_look_that_found_nothing_says_how_far_it_went_and_goes_on(client, mine):
    first = client.get(reverse("audit"))
    second = client.get(reverse("audit"), {"before": first.context["older"]})

    assert (first.context["entries"], "Looked back to" in first.content.decode()) == ([], True)
    assert [each.entry.object_id for each in second.context["entries"]] == [mine.pk]


def test_the_download_looks_further(client, mine):
    text = client.get(reverse("audit"), {"format": "csv"}).content.decode()

    assert len(text.splitlines()) == 2


def test_what_says_most_stands_first(client, account_admin):
    client.force_login(account_admin)
    LogEntry.objects.all().delete()
    changes = {
        "id": ["None", "5"],
        "is_active": ["None", "True"],
        "organization": ["", "acme"],
        "note": ["a", ""],
    }
    LogEntry.objects.log_create(account_admin, action=0, changes=changes)

    (entry,) = client.get(reverse("audit")).context["entries"]

    first, *rest = [name for name, _, _ in entry.changes]
    assert (first, set(rest)) == (
        "organization",
        {"id", "is active", "note"},
    )  # PostgreSQL sorts the names itself


@pytest.mark.parametrize(
    ("query", "count"), [({"range": "24h"}, 1), ({"to": "2020-01-01T00:00"}, 1), ({}, 2)]
)
def test_a_time_is_looked_up(client, account_admin, query, count):
    client.force_login(account_admin)
    LogEntry.objects.all().delete()
    for days in (0, 4000):
        entry = LogEntry.objects.log_create(account_admin, action=1, changes={"note": ["", "x"]})
        LogEntry.objects.filter(pk=entry.pk).update(timestamp=timezone.now() - timedelta(days=days))

    assert len(client.get(reverse("audit"), query).context["entries"]) == count


MARKS = {
    "changed": (1, {"note": ["", "x"]}), "replayed": (1, {"replay": ["", "9 messages"]}),
    "resent": (1, {"resend": ["", "2 messages"]}), "tested": (1, {"test": ["", "staging"]}),
    "noticed": (1, {"test_notice": ["", "sent"]}), "showed": (3, {"payload": ["masked", "revealed"]}),
    "exported": (3, {"export": ["", "as a file"]}), "added": (0, {"note": ["", "x"]}), "deleted": (2, {}),
}  # fmt: skip


@pytest.mark.parametrize("did", MARKS)
@pytest.mark.parametrize("who", ["account_admin", "project_admin"])
def test_the_filter_lists_what_says_so_and_nothing_else(client, request, project, who, did):
    client.force_login(request.getfixturevalue(who))
    integration = IntegrationFactory(project=project)
    LogEntry.objects.all().delete()
    for action, changes in MARKS.values():
        LogEntry.objects.log_create(integration, action=action, changes=changes, force_log=True)

    context = client.get(reverse("audit"), {"did": did}).context

    assert [each.did.word for each in context["entries"]] == [context["did"][did]]


def test_an_entry_without_changes_was_a_change(client, account_admin, project):
    entry = LogEntry.objects.log_create(project, action=1, changes={"note": ["", "x"]})
    LogEntry.objects.filter(pk=entry.pk).update(changes=None)
    client.force_login(account_admin)

    shown = client.get(reverse("audit"), {"did": "changed"}).context["entries"]

    assert entry.pk in [each.entry.pk for each in shown]


def test_a_look_for_what_was_done_seldom_is_bounded_and_goes_on(client, account_admin, monkeypatch):
    monkeypatch.setattr(audit, "LOOK", 3)
    client.force_login(account_admin)
    LogEntry.objects.all().delete()
    for changes in ({"replay": ["", "x"]}, *[{"note": ["", "x"]}] * 5):
        LogEntry.objects.log_create(account_admin, action=LogEntry.Action.UPDATE, changes=changes)

    first = client.get(reverse("audit"), {"did": "replayed"})
    second = client.get(reverse("audit"), {"did": "replayed", "before": first.context["older"]})

    assert "Nothing like it among the last entries" in first.content.decode()
    assert [each.did.word for each in second.context["entries"]] == ["Replayed"]


def test_everything_on_record_can_be_asked_for(client, account_admin):
    recorded = {*auditlog.get_models(), InboxMessage, Problem}
    client.force_login(account_admin)

    assert {model for model, _ in ABOUT.values()} == recorded
    assert len(client.get(reverse("audit")).context["about"]) == len(recorded)


@pytest.mark.parametrize(("about", "word"), [("user", "User"), ("membership", "Membership")])
def test_the_filter_by_object_speaks_as_the_rows_do(client, account_admin, project_admin, about, word):
    client.force_login(account_admin)

    context = client.get(reverse("audit"), {"about": about}).context

    assert {each.about for each in context["entries"]} == {word} == {context["about"][about]}


def test_a_project_admin_is_offered_what_can_be_found(client, project_admin):
    client.force_login(project_admin)

    assert list(client.get(reverse("audit")).context["about"]) == [
        "integration", "message", "environment", "problem",
    ]  # fmt: skip
