"""The audit log of somebody who sees only a part of it: found in a bounded look that says how far it went."""

from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from tests.factories import IntegrationFactory
from webhooks.pages import audit


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
