"""The REST API of what flows through: messages, events, replay, preview, delete."""

from datetime import timedelta
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Permission
from django.utils import timezone

from durable.models import State
from integrations.models import SentryIntegration, ServiceHook
from tests.factories import (
    AttemptFactory,
    EventFactory,
    HookFactory,
    IntegrationFactory,
    MembershipFactory,
    MessageFactory,
)
from webhooks.models import InboxMessage, OutboxEvent
from webhooks.replaying import drain_replays

pytestmark = pytest.mark.django_db

RECORD = LogEntry.objects.filter(content_type__model="inboxmessage")

EVENT_ID = "378ce23cb89148dcae48b0f6e5aa6454"
PAYLOAD: dict[str, Any] = {
    "project": {"slug": "front-end"},
    "event": {
        "eventID": EVENT_ID,
        "type": "error",
        "title": "Error: jane@example.com is unknown",
        "dateCreated": "2026-11-23T04:00:00.123999Z",
        "user": {"id": "42", "email": "jane@example.com"},
        "tags": [{"key": "environment", "value": "staging"}],
        "culprit": "?(/checkout.html)",
    },
}


@pytest.fixture
def integration(project):
    return HookFactory(integration__project=project, integration__project_slug="front-end").integration


@pytest.fixture
def url(integration):
    return f"/api/v1/sentry-integrations/{integration.pk}/"


def track_event(environment, **changes):
    return {
        "eventTypeId": "sentry_exception",
        "trafficTypeName": "user",
        "environmentName": environment,
        "key": "42",
        "timestamp": 1795406400123,
        "value": None,
        "source": "Sentry",
        "properties": {
            "event_id": EVENT_ID,
            "project": "front-end",
            "organization": "acme-gmbh",
            "sentry_environment": "staging",
            "title": "Error: jane@example.com is unknown",
            "culprit": "?(/checkout.html)",
        },
    } | changes


def test_preview_shows_events_and_stores_nothing(api, viewer, url):
    response = api(viewer).post(f"{url}preview/", {"payload": PAYLOAD})

    assert (response.status_code, response.json()) == (200, {"events": [track_event("Staging")], "skips": []})
    assert not InboxMessage.objects.exists()
    assert not OutboxEvent.objects.exists()


def test_preview_of_a_paused_integration_shows_what_it_would_send(api, viewer, url, integration):
    SentryIntegration.objects.update(is_active=False)

    assert len(api(viewer).post(f"{url}preview/", {"payload": PAYLOAD}).json()["events"]) == 1


def test_preview_says_why_there_is_no_event(api, viewer, url):
    payload = {"event": PAYLOAD["event"] | {"tags": [{"key": "environment", "value": "Staging"}]}}

    answer = api(viewer).post(f"{url}preview/", {"payload": payload}).json()

    assert (answer["events"], [skip["code"] for skip in answer["skips"]]) == ([], ["environment_unmapped"])
    assert "Sentry sends “Staging”" in answer["skips"][0]["detail"]


def test_preview_of_what_is_no_event_is_a_skip(api, viewer, url):
    answer = api(viewer).post(f"{url}preview/", {"payload": {}}).json()

    assert [skip["code"] for skip in answer["skips"]] == ["payload_unreadable"]


@pytest.mark.parametrize("body", [{}, {"payload": "x"}, {"payload": [1]}, {"payload": None}, {"payload": 1}])
def test_preview_of_what_is_no_object_is_refused(api, viewer, url, body):
    response = api(viewer).post(f"{url}preview/", body)

    assert (response.status_code, list(response.json())) == (400, ["payload"])


def test_configuration_is_previewed_before_it_is_saved(api, viewer, project, integration):
    body = api(viewer).get(f"/api/v1/sentry-integrations/{integration.pk}/").json()
    integration.installation.projects.add(project)
    body |= {"capture_culprit": True, "payload": PAYLOAD}

    answer = api(viewer).post("/api/v1/sentry-integrations/preview/", body)

    culprit = track_event("Staging", eventTypeId="sentry_exception.checkout.html")
    assert answer.json() == {"events": [track_event("Staging"), culprit], "skips": []}
    assert SentryIntegration.objects.count() == 1


def test_bad_configuration_is_refused_at_its_field_in_a_preview(api, project_admin):
    response = api(project_admin).post("/api/v1/sentry-integrations/preview/", {"payload": PAYLOAD})

    assert response.status_code == 400
    assert {"project", "identity_mappings"} <= set(response.json())


def test_message_is_shown_with_what_became_of_it(api, viewer, url, integration):
    skips = [{"code": "identity_missing", "detail": "Nothing stands at data.error.tags.x."}]
    message = MessageFactory(integration=integration, payload=PAYLOAD, state=State.DONE, skips=skips)
    environment = integration.environment_mappings.get().environment
    event = EventFactory(
        message=message, environment=environment, key="jane@example.com", delivery__state=State.DONE,
        delivery__delivered_at=timezone.now(),
    )  # fmt: skip
    attempt = AttemptFactory(environment=environment, events=(event,), started_at=message.received_at)
    AttemptFactory(environment=environment, started_at=message.received_at)

    answer = api(viewer).get(f"{url}messages/{message.pk}/").json()

    assert (answer["event_id"], answer["state"], answer["source"]) == (
        message.event_id,
        "done",
        "service_hook",
    )
    assert answer["payload"]["event"]["user"] == {"id": "42", "email": "[e-mail]"}
    assert answer["skips"] == skips
    assert [(e["id"], e["eventTypeId"], e["key"], e["state"]) for e in answer["events"]] == [
        (event.pk, "sentry_exception", "[e-mail]", "done")
    ]
    assert [a["id"] for a in answer["attempts"]] == [str(attempt.pk)]
    assert (answer["events_total"], answer["events_delivered"]) == (1, 1)
    assert b"jane@" not in api(viewer).get(f"{url}messages/{message.pk}/").content


@pytest.mark.parametrize(
    ("body", "shown"),
    [(None, None), (b"{broken", "{broken"), (b'{"a": NaN, "b": "\\ud800"}', {"a": "nan", "b": "\ufffd"})],
)
def test_message_of_any_body_can_be_shown(api, viewer, url, integration, body, shown):
    message = MessageFactory(integration=integration, body=body)

    assert api(viewer).get(f"{url}messages/{message.pk}/").json()["payload"] == shown


def test_revealing_takes_a_permission_and_is_on_record(api, viewer, url, integration):
    message = MessageFactory(integration=integration, payload=PAYLOAD)
    address = f"{url}messages/{message.pk}/?reveal=true"

    assert api(viewer).get(address).status_code == 403
    assert not RECORD.all().exists()

    viewer.user_permissions.add(Permission.objects.get(codename="reveal_payload"))
    assert api(viewer).get(address).json()["payload"] == PAYLOAD
    entry = RECORD.all().get()
    assert (entry.actor, entry.object_pk, entry.action) == (viewer, str(message.pk), LogEntry.Action.ACCESS)


def test_messages_are_paged_by_cursor_newest_first(api, viewer, url, integration):
    messages = [MessageFactory(integration=integration) for _ in range(5)]
    client = api(viewer)

    first = client.get(f"{url}messages/?page_size=2").json()
    MessageFactory(integration=integration)
    second = client.get(first["next"]).json()
    third = client.get(second["next"]).json()

    shown = [row["id"] for page in (first, second, third) for row in page["results"]]
    assert shown == [message.pk for message in reversed(messages)]
    assert third["next"] is None


@pytest.mark.parametrize(
    "cursor", ["nonsense", "cD1hYmM=", "cD0x4pi6", "%00", "cj0xJnA9OTk5OTk5OTk5OTk5OTk5OTk5OTk="]
)
def test_wrong_cursor_is_not_found(api, viewer, url, integration, cursor):
    MessageFactory(integration=integration)

    assert api(viewer).get(f"{url}messages/?cursor={cursor}").status_code in (200, 404)


def test_messages_are_filtered_by_state(api, viewer, url, integration):
    done = {"integration": integration, "state": State.DONE}
    pending = MessageFactory(integration=integration)
    dead = MessageFactory(integration=integration, state=State.DEAD)
    skipped = MessageFactory(**done, outcome="dropped")
    waiting = EventFactory(message=MessageFactory(**done)).message
    delivered = EventFactory(message=MessageFactory(**done), delivery__state=State.DONE).message
    client = api(viewer)

    def found(state):
        return {row["id"] for row in client.get(f"{url}messages/?state={state}").json()["results"]}

    assert found("pending") == {pending.pk}
    assert found("dead") == {dead.pk}
    assert found("done") == {skipped.pk, waiting.pk, delivered.pk}
    assert found("skipped") == {skipped.pk}
    assert found("waiting") == {waiting.pk}
    assert found("delivered") == {delivered.pk}
    assert client.get(f"{url}messages/?state=lost").status_code == 400


def test_messages_are_filtered_by_time_and_event_id(api, viewer, url, integration):
    now = timezone.now()
    old = MessageFactory(integration=integration, received_at=now - timedelta(hours=2), event_id=EVENT_ID)
    new = MessageFactory(integration=integration, received_at=now)
    hour_ago = (now - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    client = api(viewer)

    def found(query):
        return [row["id"] for row in client.get(f"{url}messages/?{query}").json()["results"]]

    assert found(f"received_before={hour_ago}") == [old.pk]
    assert found(f"received_after={hour_ago}") == [new.pk]
    assert found("event_id=378CE23C-B891-48DC-AE48-B0F6E5AA6454") == [old.pk]
    assert client.get(f"{url}messages/?received_after=yesterday").status_code == 400
    assert client.get(f"{url}messages/?received_after=0001-01-01T00:00:00%2B14:00").status_code == 400


def test_lists_take_as_many_queries_for_many(api, viewer, url, integration, django_assert_max_num_queries):
    for _ in range(6):
        EventFactory(message=MessageFactory(integration=integration))
    client = api(viewer)

    with django_assert_max_num_queries(7):
        assert len(client.get(f"{url}messages/").json()["results"]) == 6
    with django_assert_max_num_queries(7):
        assert len(client.get(f"{url}events/").json()["results"]) == 6
    with django_assert_max_num_queries(9):
        client.get(f"{url}messages/{InboxMessage.objects.latest('pk').pk}/")


def test_event_that_waits_says_for_what(api, viewer, url, integration):
    environment = integration.environment_mappings.get().environment
    environment.hold_reason = "No SDK key."
    environment.save()
    EventFactory(message=MessageFactory(integration=integration), environment=environment)

    (event,) = api(viewer).get(f"{url}events/").json()["results"]

    assert (event["state"], event["error"], event["delivered_at"]) == ("pending", "No SDK key.", None)
    assert (event["environment"], event["environmentName"]) == (environment.fme_id, "Staging")


def test_replay_makes_the_message_due_and_is_on_record(api, project_admin, url, integration):
    message = MessageFactory(integration=integration, payload=PAYLOAD, state=State.DONE)

    answer = api(project_admin).post(f"{url}messages/{message.pk}/replay/")

    message.refresh_from_db()
    assert (answer.status_code, answer.json()) == (202, {"replayed": 1})
    assert (message.state, message.replay) == (State.PENDING, "added")
    assert RECORD.all().get().actor == project_admin


def test_replay_of_everything_has_to_be_asked_for(api, project_admin, url, integration):
    message = MessageFactory(integration=integration, state=State.DONE)

    api(project_admin).post(f"{url}messages/{message.pk}/replay/", {"everything": True})

    message.refresh_from_db()
    assert message.replay == "all"


def test_message_without_a_payload_cannot_be_replayed(api, project_admin, url, integration):
    message = MessageFactory(integration=integration, state=State.DONE, body=None)

    assert api(project_admin).post(f"{url}messages/{message.pk}/replay/").status_code == 409


def test_the_messages_of_a_time_are_replayed_after_the_number_was_asked_for(
    api, project_admin, url, integration
):
    now = timezone.now()
    _, recent, _ = (
        MessageFactory(
            integration=integration, state=State.DONE, received_at=now - timedelta(hours=hours), **more
        )
        for hours, more in ((30, {}), (2, {}), (1, {"body": None}))
    )
    order = {"since": (now - timedelta(hours=24)).isoformat()}

    asked = api(project_admin).post(f"{url}replay/", order | {"dry_run": True})
    given = api(project_admin).post(f"{url}replay/", order)
    drain_replays()

    assert (asked.status_code, asked.json()) == (200, {"would_replay": 1})
    assert (given.status_code, given.json()) == (202, {"replayed": 1})
    assert list(InboxMessage.objects.filter(replay="added")) == [recent]
    assert LogEntry.objects.filter(changes__has_key="replay").get().actor == project_admin


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({}, "since"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-11-23T02:00Z", "reason": "bad luck"}, "reason"),
    ],
)
def test_a_replay_says_what_is_wrong_with_the_order(api, project_admin, url, order, field):
    answer = api(project_admin).post(f"{url}replay/", order)

    assert (answer.status_code, list(answer.json())) == (400, [field])


def test_viewer_orders_no_replay(api, viewer, url):
    assert api(viewer).post(f"{url}replay/", {"since": "2026-11-23T02:00Z"}).status_code == 403


def test_viewer_replays_nothing(api, viewer, url, integration):
    message = MessageFactory(integration=integration, state=State.DONE)

    assert api(viewer).post(f"{url}messages/{message.pk}/replay/").status_code == 403


def test_foreign_and_unknown_flow_does_not_exist(api, other_admin, project_admin, url, integration):
    message = MessageFactory(integration=integration)
    theirs = IntegrationFactory(project=other_admin.memberships.get().project)
    detail = f"messages/{message.pk}/"

    for part in ("messages/", "events/", detail):
        assert api(other_admin).get(f"{url}{part}").status_code == 404
    assert api(other_admin).post(f"{url}{detail}replay/").status_code == 404
    assert api(other_admin).post(f"{url}preview/", {"payload": {}}).status_code == 404
    assert api(other_admin).get(f"/api/v1/sentry-integrations/{theirs.pk}/{detail}").status_code == 404
    assert api(project_admin).get(f"{url}messages/{message.pk + 1}/").status_code == 404


def test_deleting_hides_at_once_and_lets_the_rest_go_out(api, project_admin, url, integration):
    EventFactory(message=MessageFactory(integration=integration, state=State.DONE))
    client = api(project_admin)

    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404
    assert client.get("/api/v1/sentry-integrations/").json() == []
    assert (OutboxEvent.objects.count(), ServiceHook.objects.get().wanted) == (1, "absent")


def test_deleting_with_discard_drops_what_waits_and_keeps_the_facts(api, project_admin, url, integration):
    done = MessageFactory(integration=integration, state=State.DONE)
    EventFactory(message=done)
    delivered = EventFactory(message=done, delivery__state=State.DONE)
    MessageFactory(integration=integration)
    elsewhere = EventFactory()

    assert api(project_admin).delete(f"{url}?discard=true").status_code == 204
    assert set(OutboxEvent.objects.all()) == {delivered, elsewhere}
    assert set(InboxMessage.objects.all()) == {done, elsewhere.message}


def test_discard_must_be_true_or_false(api, project_admin, url):
    assert api(project_admin).delete(f"{url}?discard=maybe").status_code == 400
    assert SentryIntegration.objects.living().exists()


def test_viewer_deletes_nothing(api, viewer, url):
    assert api(viewer).delete(url).status_code == 403
    assert SentryIntegration.objects.living().exists()


def test_deleted_sentry_project_can_be_integrated_again(api, project_admin, project, url, integration):
    client = api(project_admin)
    body = client.get(url).json()
    integration.installation.projects.add(project)
    client.delete(url)

    assert client.post("/api/v1/sentry-integrations/", body).status_code == 201


def test_who_administers_the_project_reveals_here_as_on_the_page(api, project_admin, url, integration):
    message = MessageFactory(integration=integration, payload=PAYLOAD)

    assert api(project_admin).get(f"{url}messages/{message.pk}/?reveal=1").json()["payload"] == PAYLOAD
    assert RECORD.all().get().actor == project_admin


def test_what_strict_json_cannot_hold_is_revealed_in_words(api, project_admin, url, integration):
    body = (
        b'{"event": {"id": 1e999, "nan": NaN, "low": -Infinity, "cut": "\\ud83d", "big": 90071992547409930}}'
    )
    message = MessageFactory(integration=integration, body=body)

    payload = api(project_admin).get(f"{url}messages/{message.pk}/?reveal=1").json()["payload"]

    assert payload["event"] == {
        "id": "Infinity", "nan": "NaN", "low": "-Infinity", "cut": "\ufffd", "big": 90071992547409930
    }  # fmt: skip


def test_account_admin_by_membership_reveals(api, url, integration):
    person = MembershipFactory(project=None, role="account_admin").user
    message = MessageFactory(integration=integration, payload=PAYLOAD)

    assert api(person).get(f"{url}messages/{message.pk}/?reveal=1").json()["payload"] == PAYLOAD
