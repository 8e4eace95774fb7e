"""Pages of the API's lists: each row once, however a window or a quiet integration cuts them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import EventFactory, IntegrationFactory, MessageFactory
from webhooks.pages import log

pytestmark = pytest.mark.django_db


@pytest.fixture
def integration(project):
    return IntegrationFactory(project=project)


@pytest.fixture
def pages(api, viewer, integration):
    """`pages(list, link)` follows a link of each answer to the end, and gives the ids of each page."""

    def follow(part, link="next", start=""):
        client, address = api(viewer), start or f"/api/v1/sentry-integrations/{integration.pk}/{part}"
        found, last = [], ""
        while address:
            answer = client.get(address).json()
            found.append([row["id"] for row in answer["results"]])
            last, address = address, answer[link]
        return found, last

    return follow


def test_track_events_are_paged_across_their_messages_and_back(pages, integration):
    messages = [MessageFactory(integration=integration) for _ in range(3)]
    events = [EventFactory(message=message).pk for message in messages for _ in range(3)]
    EventFactory()

    older, last = pages("events/?page_size=2")
    newer, _ = pages("", "previous", start=last)

    assert [pk for page in older for pk in page] == events[::-1]
    assert newer[:4] == older[::-1][:4]


def test_a_window_without_track_events_is_an_empty_page_that_goes_on(pages, integration, monkeypatch):
    monkeypatch.setattr(log, "WINDOW", 2)
    event = EventFactory(message__integration=integration)
    for _ in range(4):
        MessageFactory(integration=integration)

    found, _ = pages("events/")

    assert [pk for page in found for pk in page] == [event.pk]
    assert found[0] == []


def test_messages_are_in_the_order_in_which_they_came(pages, integration):
    """One that waited on disk was stored later than what came after it."""
    now = timezone.now()
    ages = [3, 1, 2]
    rows = [MessageFactory(integration=integration, received_at=now - timedelta(hours=age)) for age in ages]

    found, last = pages("messages/?page_size=1")
    back, _ = pages("", "previous", start=last)

    assert [pk for page in found for pk in page] == [rows[place].pk for place in (1, 2, 0)]
    assert back == found[::-1]


def test_a_rare_state_is_found_far_back(pages, integration, monkeypatch):
    monkeypatch.setattr(log, "WINDOW", 2)
    dead = MessageFactory(integration=integration, state="dead")
    for _ in range(4):
        MessageFactory(integration=integration, state="done")

    assert pages("messages/?state=dead")[0] == [[dead.pk]]
    assert [pk for page in pages("messages/?event_id=unknown")[0] for pk in page] == []


@pytest.mark.parametrize("cursor", ["b", "bx", "a1", "b1-2-x", "c1-2", "b1-2-3-4"])
def test_a_wrong_cursor_is_not_found(api, viewer, integration, cursor):
    root = f"/api/v1/sentry-integrations/{integration.pk}/"

    assert api(viewer).get(f"{root}messages/?cursor={cursor}").status_code == 404
    assert api(viewer).get(f"{root}events/?cursor={cursor}").status_code == 404
