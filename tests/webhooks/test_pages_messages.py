"""The message log and the page of a message, by the eyes of people."""

from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import (
    AttemptFactory,
    EventFactory,
    HookFactory,
    IntegrationFactory,
    MembershipFactory,
    MessageFactory,
)
from tests.webhooks.conftest import body_of
from webhooks.inbox import drain_inbox
from webhooks.models import InboxMessage
from webhooks.pages import log, replay, tail
from webhooks.pages.filters import Filter
from webhooks.pages.tail import Tail
from webhooks.replaying import drain_replays
from webhooks.spans import Span


@pytest.fixture
def integration(project):
    return HookFactory(integration__project=project, integration__project_slug="front-end").integration


@pytest.fixture
def admin(client, project_admin):
    client.force_login(project_admin)
    return client


@pytest.fixture
def make(integration):
    """`make(title=…, minutes=5)`: a translated message that came in so many minutes ago."""

    def message(minutes=0, events=1, **fields):
        at = timezone.now() - timedelta(minutes=minutes)
        fields = {"state": "done", "outcome": "whole" if events else "dropped", "received_at": at} | fields
        made = MessageFactory(integration=integration, **fields)
        for _ in range(events):
            EventFactory(message=made, delivery__state="done", delivery__delivered_at=at)
        return made

    return message


def shown(client, **query):
    """Titles in the log, in their order."""
    response = client.get(reverse("messages"), query)
    assert response.status_code == 200
    return [row.title for row in response.context["rows"]]


def test_the_log_is_newest_first_and_says_states_in_words(admin, make):
    make(title="Old", minutes=9)
    make(title="New", events=0, reason="environment_unmapped", subject="preview", environment="preview")

    text = admin.get(reverse("messages")).content.decode()

    assert text.index("New") < text.index("Old")
    assert "Dropped" in text
    assert "preview not mapped" in text


def test_pages_stay_put_while_messages_arrive(admin, make):
    for number in range(60):
        make(title=f"E{number}", minutes=100 - number)
    first = admin.get(reverse("messages"))
    make(title="Late")

    older = shown(admin, before=first.context["page_of_log"].older)

    assert older == [f"E{number}" for number in range(9, -1, -1)]


def test_the_way_back_leads_to_the_same_page(admin, make):
    for number in range(120):
        make(title=f"E{number}", minutes=200 - number)
    first = admin.get(reverse("messages")).context["page_of_log"]
    second = admin.get(reverse("messages"), {"before": first.older}).context["page_of_log"]

    back = shown(admin, after=second.newer)

    assert back == [message.title for message in first.messages]


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ({"state": "delivered"}, ["whole"]),
        ({"state": "partly"}, ["partly"]),
        ({"state": "dropped"}, ["dropped"]),
        ({"state": "waiting"}, ["waiting", "untranslated"]),
        ({"state": "failed"}, ["refused", "faulty"]),
        ({"reason": "identity_missing"}, ["partly"]),
        ({"environment": "preview"}, ["dropped"]),
        ({"key": "key-9"}, ["waiting"]),
        ({"event_type": "sentry_exception.cart"}, ["refused"]),
        ({"q": "FAULT"}, ["faulty"]),
        ({"range": "1h"}, ["whole", "partly"]),
        ({"key": "nobody"}, []),
        ({"state": "dropped", "environment": "production"}, []),
    ],
)
def test_filters_stand_in_the_address(admin, make, query, titles):
    make(title="whole", minutes=1)
    make(title="partly", minutes=2, outcome="partly", reason="identity_missing", subject="data.error.user.id")
    make(title="dropped", minutes=93, events=0, reason="environment_unmapped", environment="preview")
    EventFactory(message=make(title="waiting", minutes=94, events=0, outcome="whole"), key="key-9")
    make(title="untranslated", minutes=95, events=0, state="pending", outcome="")
    refused = make(title="refused", minutes=96, events=0, outcome="whole")
    EventFactory(message=refused, delivery__state="dead", event_type="sentry_exception.cart")
    make(title="faulty", minutes=97, events=0, state="dead", outcome="")

    assert shown(admin, **query) == titles


def test_an_event_id_is_found_with_and_without_dashes(admin, make):
    wanted, _ = make(title="this"), make(title="other")
    event_id = wanted.event_id

    assert shown(admin, q=event_id.upper()) == ["this"]
    assert shown(admin, q=f"{event_id[:8]}-{event_id[8:]}") == ["this"]


@pytest.mark.parametrize("cursor", ["x", "1-", "99999999999999999999-1", "-", "0-0"])
def test_a_bad_cursor_does_no_harm(admin, make, cursor):
    make(title="here")

    assert shown(admin, before=cursor) in ([], ["here"])


def test_a_filter_without_an_index_looks_at_a_window_and_goes_on(integration, make, monkeypatch):
    monkeypatch.setattr(log, "WINDOW", 5)
    make(title="needle", minutes=50)
    for number in range(8):
        make(title="hay", minutes=number)
    wanted = Filter((integration,), Span(""), text="needle")

    first = log.read_page(wanted)
    second = log.read_page(wanted, before=first.older)

    assert (first.messages, first.looked_back_to is not None) == ([], True)
    assert [message.title for message in second.messages] == ["needle"]


def test_titles_are_masked(admin, make):
    make(title="Cannot mail jane@example.com")

    assert shown(admin) == ["Cannot mail [e-mail]"]


def test_the_tail_brings_what_is_new_and_what_has_settled(admin, make):
    waiting = make(title="Settles", events=0, state="pending", outcome="")
    page = admin.get(reverse("messages")).context
    make(title="Arrives")
    InboxMessage.objects.filter(pk=waiting.pk).update(
        state="done", outcome="dropped", reason="not_an_exception"
    )

    text = admin.get(reverse("messages"), {"tail": page["tail"], "moving": page["moving"]}).content.decode()

    assert "Arrives" in text
    assert f'id="message-{waiting.pk}" hx-swap-oob="true"' in text
    assert "not an exception" in text


def test_the_tail_says_nothing_when_nothing_is_new(admin, make):
    make()
    begin = admin.get(reverse("messages")).context["tail"]

    assert admin.get(reverse("messages"), {"tail": begin}).status_code == 204


def follow(client, place, times=3, **query):
    """The titles that a page shows, asked so often for what is new."""
    titles = []
    for _ in range(times):
        response = client.get(reverse("messages"), {"tail": place, **query})
        if response.status_code == 200:
            titles += [row.title for row in response.context["rows"]]
            place = response.context["tail"]
    return titles


def test_a_filtered_tail_passes_by_what_does_not_match(admin, make, monkeypatch):
    monkeypatch.setattr(tail, "WINDOW", 4)
    begin = admin.get(reverse("messages"), {"q": "wanted"}).context["tail"]
    for number in range(9):
        make(title=f"other {number}", events=0)
    make(title="wanted")

    assert follow(admin, begin, times=5, q="wanted") == ["wanted"]


def test_a_tail_shows_more_than_a_page_one_page_after_the_other(admin, make):
    begin = admin.get(reverse("messages")).context["tail"]
    for number in range(60):
        make(title=str(number), events=0)

    shown = follow(admin, begin)

    assert shown[:50] == [str(number) for number in range(49, -1, -1)]
    assert shown[50:] == [str(number) for number in range(59, 49, -1)]


def test_a_message_that_becomes_visible_late_is_shown_once(admin, make):
    begin = admin.get(reverse("messages")).context["tail"]
    first = make(title="first", pk=10_000)
    response = admin.get(reverse("messages"), {"tail": begin})
    make(title="late", pk=first.pk - 1)
    make(title="next", pk=first.pk + 1)

    assert [row.title for row in response.context["rows"]] == ["first"]
    assert follow(admin, response.context["tail"]) == ["next", "late"]


def test_a_message_that_becomes_visible_after_the_page_was_read_is_shown(admin, make):
    here = make(title="here", pk=10_000)
    begin = admin.get(reverse("messages")).context["tail"]
    make(title="late", pk=here.pk - 1)

    assert follow(admin, begin) == ["late"]


def test_the_tail_of_a_busy_log_stays_short(admin, make):
    for number in range(30):
        make(title=str(number), events=0)

    begin = admin.get(reverse("messages")).context["tail"]

    assert len(begin.shown) < 20
    assert follow(admin, begin) == []


@given(st.text(alphabet="0123456789-x ²"))
def test_any_text_is_a_tail(text):
    parsed = Tail.parse(text)

    assert Tail.parse(str(parsed)) == parsed


def test_other_projects_do_not_exist(client, other_admin, make):
    message = make(title="secret")
    client.force_login(other_admin)

    assert shown(client) == []
    assert shown(client, integration=message.integration_id) == []
    assert client.get(reverse("message", args=[message.pk])).status_code == 404
    assert client.post(reverse("message_reveal", args=[message.pk])).status_code == 404
    assert client.post(reverse("message_replay", args=[message.pk])).status_code == 404


def test_the_page_of_a_message_explains_every_row(admin, hook, project_admin):
    MembershipFactory(user=project_admin, project=hook.integration.project)
    message = MessageFactory(integration=hook.integration, body=body_of("seed-staging-orgid-sdk5"))
    drain_inbox()

    text = admin.get(reverse("message", args=[message.pk])).content.decode()

    assert "Another environment" in text
    assert "Key 42" in text
    assert "user.data.orgId" in text
    assert "eventTypeId" in text


def test_a_payload_is_masked_until_somebody_asks(admin, integration, project_admin):
    payload = {"event": {"user": {"email": "jane@example.com", "id": 4}}}
    message = MessageFactory(integration=integration, payload=payload)
    address = reverse("message", args=[message.pk])

    masked = admin.get(address).content.decode()
    raw = admin.get(reverse("message_raw", args=[message.pk])).content.decode()
    revealed = admin.post(reverse("message_reveal", args=[message.pk]))

    assert "jane@example.com" not in masked + raw
    assert "jane@example.com" in revealed.content.decode()
    assert "no-store" in revealed["Cache-Control"]
    assert LogEntry.objects.filter(action=LogEntry.Action.ACCESS, actor=project_admin).count() == 1


@pytest.mark.parametrize("text", ["cut \ud83d", "\ud800", "a\0b"])
def test_half_an_emoji_is_revealed_as_a_replacement(admin, integration, text):
    event = {"title": text, "environment": "staging", "user": {"id": text, text: "there"}}
    message = MessageFactory(integration=integration, payload={"event": event})

    revealed = admin.post(reverse("message_reveal", args=[message.pk]))

    assert revealed.status_code == 200
    assert "there" in revealed.content.decode()


def test_a_viewer_looks_and_changes_nothing(client, viewer, make):
    message = make()
    client.force_login(viewer)
    text = client.get(reverse("message", args=[message.pk])).content.decode()

    assert "Show masked values" not in text
    assert 'name="replay"' not in text
    assert reverse("message_replay", args=[message.pk]) not in text
    assert client.post(reverse("message_reveal", args=[message.pk])).status_code == 403
    assert client.post(reverse("message_replay", args=[message.pk])).status_code == 403
    assert client.get(reverse("replay_since", args=[message.integration_id])).status_code == 403


def test_reveal_and_replay_are_posts(admin, make):
    message = make()

    assert admin.get(reverse("message_reveal", args=[message.pk])).status_code == 405
    assert admin.get(reverse("message_replay", args=[message.pk])).status_code == 405


def test_a_message_is_replayed_once(admin, make):
    message = make()

    admin.post(reverse("message_replay", args=[message.pk]))

    message.refresh_from_db()
    assert (message.state, message.replay) == ("pending", "added")


def test_a_pruned_payload_is_said_to_be_gone(admin, make):
    message = make(body=None)

    text = admin.get(reverse("message", args=[message.pk])).content.decode()

    assert "No longer kept" in text
    assert ">Replay<" not in text


def test_attempts_are_shown_with_answer_and_next_date(admin, make):
    message = make(events=0, outcome="whole")
    event = EventFactory(message=message)
    AttemptFactory(
        environment=event.environment, events=(event,), outcome="held", status_code=503,
        answer="upstream connect error", next_at=timezone.now() + timedelta(minutes=3),
    )  # fmt: skip

    text = admin.get(reverse("message", args=[message.pk])).content.decode()

    assert "503 held back" in text
    assert "upstream connect error" in text
    assert "Again at" in text


def test_searching_the_payload_marks_and_opens_places(admin, integration):
    message = MessageFactory(integration=integration, payload={"event": {"deep": {"er": "Needle<b>"}}})

    response = admin.get(reverse("message", args=[message.pk]), {"find": "needle"})

    text = response.content.decode()
    assert "1 place marked" in text
    assert "<mark>" in text
    assert "Needle&lt;b&gt;" in text


@pytest.mark.parametrize("body", [b"not json", b"[1,2]", b"", b"\xff\xfe", b'{"event": 7}', b"[" * 5000])
def test_an_unreadable_payload_is_still_a_page(admin, integration, body):
    message = MessageFactory(integration=integration, body=body)

    assert admin.get(reverse("message", args=[message.pk])).status_code == 200


def test_replaying_since_a_time_shows_the_count_first(admin, integration, make):
    make(minutes=5, events=0, reason="environment_unmapped")
    make(minutes=6)
    make(minutes=60 * 30)
    address = reverse("replay_since", args=[integration.pk])

    page = admin.get(address, {"range": "24h", "reason": "environment_unmapped"})
    assert page.context["count"] == 1
    assert InboxMessage.objects.filter(state="pending").count() == 0

    admin.post(address, {"range": "24h", "counted_at": page.context["counted_at"].isoformat()})
    drain_replays()
    assert InboxMessage.objects.filter(state="pending").count() == 2


def test_a_replay_of_very_many_is_counted_up_to_a_bound(admin, integration, make, monkeypatch):
    monkeypatch.setattr(replay, "MOST_COUNTED", 2)
    for _ in range(3):
        make()
    address = reverse("replay_since", args=[integration.pk])

    page = admin.get(address)
    admin.post(address, {"range": "24h", "counted_at": page.context["counted_at"].isoformat()})
    drain_replays()

    assert "More than 2 messages" in page.content.decode()
    assert InboxMessage.objects.filter(state="pending").count() == 3


@pytest.mark.parametrize("page", ["messages", "tail"])
def test_queries_do_not_grow_with_rows(admin, make, page):
    query = {"tail": 0} if page == "tail" else {}

    def queries():
        with CaptureQueriesContext(connection) as captured:
            admin.get(reverse("messages"), query)
        return len(captured)

    make()
    one = queries()
    for number in range(49):
        make(minutes=number)

    assert queries() == one


def test_queries_of_a_message_do_not_grow_with_its_events(admin, make, django_assert_max_num_queries):
    message = make(events=1)
    with CaptureQueriesContext(connection) as one:
        admin.get(reverse("message", args=[message.pk]))
    for _ in range(30):
        EventFactory(message=message)

    with django_assert_max_num_queries(len(one)):
        admin.get(reverse("message", args=[message.pk]))


@pytest.mark.parametrize("javascript", [True, False])
def test_no_page_holds_inline_script_or_style(admin, make, javascript):
    message = make()

    for address in (reverse("messages"), reverse("message", args=[message.pk])):
        text = admin.get(address).content.decode()
        assert " style=" not in text
        assert "<style" not in text
        assert "onclick" not in text


def test_integrations_of_everybody_show_for_an_account_admin(client, account_admin, make):
    make(title="mine")
    MessageFactory(integration=IntegrationFactory(), title="theirs", state="done", outcome="dropped")
    client.force_login(account_admin)

    assert sorted(shown(client)) == ["mine", "theirs"]


@pytest.mark.parametrize("name", ["fme_environment", "tail", "page", "json", "before"])
def test_a_number_that_no_database_holds_breaks_no_page(admin, make, name):
    make()

    answers = {
        page: admin.get(reverse(page), {name: "9" * 19}) for page in ("messages", "events", "event_types")
    }

    assert {answer.status_code for answer in answers.values()} <= {200, 204}


@pytest.mark.parametrize("name", ["message", "message_raw"])
def test_a_payload_is_kept_by_nothing_on_the_way(admin, make, name):
    assert "no-store" in admin.get(reverse(name, args=[make().pk]))["Cache-Control"]


def test_a_filter_shows_what_its_address_asks_for_after_going_back(client, account_admin):
    """A browser would put back what was typed last, beside a list that does not follow it."""
    client.force_login(account_admin)

    for name in ("messages", "events", "audit", "event_types"):
        assert 'role="search" autocomplete="off"' in client.get(reverse(name)).content.decode()
