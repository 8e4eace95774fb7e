"""Numbers on pages: the way, the chart, the list, event types; each leads to the messages behind it."""

from collections import Counter
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.factories import EventFactory, HookFactory, IntegrationFactory, MessageFactory
from tests.webhooks.conftest import body_of
from webhooks import hook_secrets
from webhooks.inbox import drain_inbox
from webhooks.models import InboxMessage, OutboxEvent
from webhooks.outbox import drain_outbox
from webhooks.pages.charts import Series, band_floor, band_path, nice_top, plot, spark_path
from webhooks.pages.pipeline import percentile
from webhooks.resending import failed_of
from webhooks.rollups import Count, Tally, count_dead, count_delivered


@pytest.fixture
def boss(client, account_admin):
    client.force_login(account_admin)
    return client


@pytest.fixture
def traffic(hook, deliver, fme):
    """Messages of every fate, translated and delivered."""
    for name in ("seed-staging", "seed-production", "no-user", "csp-report", "browser11-environment-unset"):
        deliver(hook, name)
    drain_inbox()
    drain_outbox()
    return hook.integration


def seen(client, integration, **query):
    response = client.get(integration.get_absolute_url(), query)
    assert response.status_code == 200
    return response


def stations(response):
    return {station.word: station for station in response.context["seen"].stations}


def test_each_station_counts_what_came_so_far(boss, traffic):
    found = stations(seen(boss, traffic))

    counts = [station.count for station in found.values()]
    assert counts[0] == InboxMessage.objects.count() == 5
    assert counts[:5] == sorted(counts[:5], reverse=True)
    lost = sum(drop.count for station in found.values() for drop in station.drops)
    assert counts[0] - counts[4] == lost


@pytest.mark.parametrize("split", ["place", "type"])
def test_counts_of_event_types_are_read_for_their_own_chart_only(boss, traffic, split):
    with CaptureQueriesContext(connection) as captured:
        seen(boss, traffic, split=split)

    of_counts = [each["sql"] for each in captured if "webhooks_hourlycount" in each["sql"]]
    assert any(f"'{Count.TYPE}'" in sql for sql in of_counts) == (split == "type")


@pytest.mark.parametrize("range_", ["1h", "24h", "7d"])
def test_each_number_leads_to_as_many_messages(boss, traffic, range_):
    found = stations(seen(boss, traffic, range=range_))

    for word, station in found.items():
        if word == "Track events delivered":
            continue
        assert len(boss.get(station.address).context["rows"]) == station.count, word
        for drop in station.drops:
            assert len(boss.get(drop.address).context["rows"]) == drop.count, drop.state.word


def test_numbers_with_tests_and_forgeries_lead_to_as_many_rows(boss, traffic, hook, deliver):
    for environment in ("staging", "not-mapped-test"):
        boss.post(reverse("test_exception", args=[traffic.pk]), {"environment": environment})
    type(hook).objects.update(secret="")
    hook_secrets.cache.clear()
    deliver(hook, "user-username-only", headers={"X-ServiceHook-Signature": "0" * 64})
    type(hook).objects.update(secret="test-secret")
    drain_inbox()
    for state in ("pending", "dead"):  # not translated
        MessageFactory(integration=traffic, state=state, environment="")

    overview = seen(boss, traffic).context["seen"]
    *of_messages, _ = overview.stations

    assert [station.count for station in of_messages[:2]] == [8, 7]
    assert sum(overview.chart.line.values) == 7
    for station in overview.stations:
        listed = len(boss.get(station.address).context["rows"])
        assert listed == station.count, station.word
        for drop in station.drops:
            assert len(boss.get(drop.address).context["rows"]) == drop.count, drop.state.word
    for name, row in overview.rows.by_environment.items():
        assert len(boss.get(row.address).context["rows"]) == row.count, name


def test_a_forgery_that_turns_out_genuine_is_counted_once(boss, hook, deliver, fme):
    type(hook).objects.update(secret="")
    deliver(hook)
    type(hook).objects.update(secret="somebody-else's")
    drain_inbox()
    type(hook).objects.update(secret="test-secret")
    failed_of(InboxMessage.objects.get()).resend()
    drain_inbox()

    received, verified, *_ = stations(seen(boss, hook.integration)).values()

    assert (received.count, verified.count, verified.drops) == (1, 1, ())


def test_a_rest_of_several_reasons_has_no_link(boss, hook):
    tally = Tally()
    for number in range(6):
        tally.add(hook.integration_id, Count.RECEIVED, timezone.now())
        tally.add(hook.integration_id, Count.DROPPED, timezone.now(), "environment_unmapped", f"env-{number}")
    tally.store()

    response = seen(boss, hook.integration)

    assert [drop.address for drop in stations(response)["Environment matched"].drops][-1] == ""
    assert "<span><b>2</b> for other reasons</span>" in response.content.decode()


@pytest.mark.parametrize(("word", "state"), [("waiting", "pending"), ("failed", "dead")])
def test_what_waits_or_failed_leads_to_these_track_events(boss, hook, word, state):
    numbers = {"pending": 2, "dead": 3, "done": 4}
    message = MessageFactory(integration=hook.integration, state="done", outcome="whole")
    for name, count in numbers.items():
        events = EventFactory.create_batch(count, message=message, delivery__state=name)
        tally = Tally()
        tally.add(hook.integration_id, Count.EVENT, message.received_at, count=count)
        tally.store()
        keys = [event.delivery_id for event in events]
        {"done": lambda keys: count_delivered(keys, timezone.now()), "dead": count_dead}.get(name, len)(keys)

    drops = stations(seen(boss, hook.integration))["Track events delivered"].drops
    drop = next(drop for drop in drops if drop.state.word == word)
    response = boss.get(drop.address)

    assert parse_qs(urlsplit(drop.address).query)["event_state"] == [state]
    assert drop.count == len(response.context["rows"]) == numbers[state]
    assert {row.event.state for row in response.context["rows"]} == {state}
    assert f'<option value="{state}" selected>' in response.content.decode()


def test_how_far_messages_came_is_seen_among_the_filters(boss, traffic):
    text = boss.get(stations(seen(boss, traffic))["Verified"].address).content.decode()

    assert '<option value="verified" selected>Verified</option>' in text


def test_delivered_events_lead_to_the_events(boss, traffic):
    station = stations(seen(boss, traffic))["Track events delivered"]

    rows = boss.get(station.address).context["rows"]

    assert len(rows) == station.count > 0


def test_an_environment_without_a_mapping_is_the_next_step(boss, hook, deliver):
    hook.integration.environment_mappings.all().delete()
    deliver(hook)
    drain_inbox()

    text = seen(boss, hook.integration).content.decode()

    assert "went nowhere" in text
    assert "Map staging" in text
    assert f"{reverse('integration_edit', args=[hook.integration_id])}?environment=staging" in text


def test_each_row_of_the_mapping_counts_what_came_through_it(boss, traffic):
    rows = seen(boss, traffic).context["seen"].rows

    staging = rows.by_environment["staging"]
    assert len(boss.get(staging.address).context["rows"]) == staging.count > 0
    identity = rows.by_path["data.error.user.id", "user"]
    assert len(boss.get(identity.address).context["rows"]) == identity.count > 0
    assert identity.without_key == 1


def test_what_came_before_it_was_mapped_can_be_replayed(boss, hook, deliver):
    row = hook.integration.environment_mappings.get(sentry_environment="staging")
    row.delete()
    deliver(hook)
    drain_inbox()
    row.save()

    text = seen(boss, hook.integration).content.decode()
    replay = (
        f"{reverse('replay_since', args=[hook.integration_id])}?reason=environment_unmapped&amp;range=24h"
    )

    assert "came before it was mapped" in text
    assert "no row maps it" not in text
    assert replay in text
    assert boss.get(replay.replace("&amp;", "&")).context["count"] == 1


def test_a_viewer_sees_the_numbers_and_no_buttons(client, viewer, project):
    hook = HookFactory(integration__project=project)
    client.force_login(viewer)

    text = seen(client, hook.integration).content.decode()

    assert "From exception to track event" in text
    assert "Send test exception" not in text
    assert reverse("replay_since", args=[hook.integration_id]) not in text


def test_the_chart_has_a_table_with_the_same_numbers(boss, traffic):
    overview = seen(boss, traffic).context["seen"]

    line, *bars = zip(*(values for _, values in overview.table), strict=True)
    assert sum(line) == overview.chart.line.total == 5
    assert [sum(values) for values in bars] == [series.total for series in overview.chart.bars]
    assert overview.events_made == sum(series.total for series in overview.chart.bars)


def test_the_chart_splits_by_event_type(boss, hook, deliver):
    hook.integration.capture_culprit = True
    hook.integration.save()
    deliver(hook)
    drain_inbox()

    bars = seen(boss, hook.integration, split="type").context["seen"].chart.bars

    assert {series.name for series in bars} == {"sentry_exception", "sentry_exception.checkout.html"}


@pytest.mark.parametrize("query", [{"range": "custom", "from": "x", "to": "9999-99-99"}, {"range": "custom"},
                                   {"range": "custom", "from": "0001-01-01T00:00", "to": "9999-12-31T23:59"},
                                   {"range": "custom", "from": "2026-01-02T00:00", "to": "2025-01-02T00:00"},
                                   {"split": "nonsense"}, {"range": "nonsense"}])  # fmt: skip
def test_odd_times_are_still_a_page(boss, traffic, query):
    assert seen(boss, traffic, **query)
    assert boss.get(reverse("messages"), query).status_code == 200
    assert boss.get(reverse("events"), query).status_code == 200
    assert boss.get(reverse("audit"), query).status_code == 200


def test_the_list_says_when_something_last_came_and_went(boss, traffic):
    EventFactory(message=InboxMessage.objects.first())

    numbers = boss.get(reverse("integrations")).context["numbers"]

    mine = numbers.by_id[traffic.pk]
    assert mine.last_received_at is not None
    assert mine.last_delivered_at is not None
    assert (mine.waiting, mine.total) == (1, 5)


def test_the_list_costs_the_same_for_one_and_for_fifty(boss, project):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            boss.get(reverse("integrations"))
        return len(captured)

    HookFactory(integration__project=project)
    one = queries()
    for _ in range(20):
        HookFactory(integration__project=project)

    assert queries() == one


@pytest.mark.parametrize("name", ["events", "event_types", "integration"])
def test_pages_cost_the_same_for_few_and_for_many(boss, hook, name):
    address = hook.integration.get_absolute_url() if name == "integration" else reverse(name)

    def queries(messages):
        for _ in range(messages):
            MessageFactory(integration=hook.integration, body=body_of("seed-staging"))
        drain_inbox()
        boss.get(address)
        with CaptureQueriesContext(connection) as captured:
            boss.get(address)
        return len(captured)

    assert queries(1) == queries(50)


def test_event_types_are_counted_over_seven_days(boss, hook, deliver):
    hook.integration.capture_culprit = True
    hook.integration.save()
    deliver(hook, "seed-multi-traffic-type")
    drain_inbox()

    types = boss.get(reverse("event_types")).context["types"]

    assert next(each.name for each in types) == "sentry_exception"
    assert types[0].traffic_types == {"user", "org"}
    assert types[0].total == 2
    assert types[1].culprit


def test_event_types_are_searched_by_name_and_culprit(boss, hook):
    tally = Tally()
    for name, culprit in (("sentry_exception.cart", "Cart.load"), ("sentry_exception.mail", "Mailer.send")):
        tally.add(hook.integration_id, Count.TYPE, timezone.now(), name, "user", note=culprit)
    tally.store()

    found = boss.get(reverse("event_types"), {"q": "mailer"}).context["types"]

    assert [each.name for each in found] == ["sentry_exception.mail"]


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ({}, {"42", "org-1"}),
        ({"traffic_type": "org"}, {"org-1"}),
        ({"key": "42"}, {"42"}),
        ({"event_state": "pending"}, {"org-1"}),
        ({"event_type": "sentry_exception.x"}, set()),
        ({"fme_environment": "999999"}, set()),
        ({"fme_environment": "x"}, {"42", "org-1"}),
    ],
)
def test_track_events_are_filtered(boss, hook, query, keys):
    message = MessageFactory(integration=hook.integration, state="done", outcome="whole")
    EventFactory(message=message, key="42", delivery__state="done", delivery__delivered_at=timezone.now())
    EventFactory(message=message, key="org-1", traffic_type="org")

    rows = boss.get(reverse("events"), query).context["rows"]

    assert {row.key for row in rows} == keys


def test_the_json_of_a_track_event_is_shown_masked(boss, hook):
    message = MessageFactory(integration=hook.integration, state="done", outcome="whole")
    event = EventFactory(message=message, key="jane@example.com")

    text = boss.get(reverse("events"), {"json": event.pk}).content.decode()

    assert "eventTypeId" in text
    assert "jane@example.com" not in text


def test_track_events_of_other_projects_do_not_exist(client, other_admin, hook):
    message = MessageFactory(integration=hook.integration, state="done", outcome="whole")
    EventFactory(message=message)
    client.force_login(other_admin)

    assert client.get(reverse("events")).context["rows"] == []
    assert client.get(reverse("event_types")).context["types"] == []


def test_links_of_numbers_carry_whole_hours(boss, traffic):
    query = parse_qs(urlsplit(stations(seen(boss, traffic))["Received"].address).query)

    assert query["range"] == ["custom"]
    assert query["from"][0].endswith(":00+00:00")


# --- geometry ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("highest", [0, 1, 4, 5, 7, 99, 100, 101, 2_613, 10**9])
def test_an_axis_ends_above_the_highest_value_in_whole_quarters(highest):
    top = nice_top(highest)

    assert top >= highest
    assert top % 4 == 0


def test_bars_are_stacked_on_one_scale():
    drawn = plot([Series("a", (1, 2)), Series("b", (3, 0))], Series("all", (4, 2)))

    assert drawn.ticks == (4, 3, 2, 1, 0)
    assert drawn.bars[0].path.startswith("M72.0 176.0v-44.0")
    assert drawn.bars[1].path == "M72.0 132.0v-132.0h216.0v132.0z"


def test_nothing_is_drawn_of_nothing():
    assert spark_path([]) == spark_path([0, 0]) == ""
    assert plot([], Series("all", ())).line.path == ""


def test_the_band_starts_above_zero_only_when_little_is_lost():
    assert band_floor([1.0, 0.95, 0.92]) == pytest.approx(0.8)
    assert band_floor([1.0, 0.3]) == 0.0
    assert band_path(1.0, 0.0).startswith("M0 0.0C30 0.0 30 28.0")


def test_percentiles_name_the_class():
    counts = Counter({"1": 50, "5": 45, "more": 5})

    assert (percentile(counts, 0.5), percentile(counts, 0.95), percentile(counts, 1)) == (
        "1 s", "5 s", "more than an hour",
    )  # fmt: skip
    assert percentile(Counter(), 0.5) == ""


def test_two_integrations_do_not_mix(boss, traffic):
    other = IntegrationFactory()

    assert seen(boss, other).context["seen"].stations[0].count == 0
    assert timezone.now() - seen(boss, other).context["seen"].since > timedelta(hours=23)


def test_the_integration_whose_track_events_are_listed_is_seen_among_the_filters(boss, traffic):
    text = boss.get(reverse("events"), {"integration": traffic.pk}).content.decode()

    assert f'<option value="{traffic.pk}" selected>{traffic}</option>' in text


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_a_time_beyond_all_calendars_is_an_empty_one(client, account_admin, hook, year):
    client.force_login(account_admin)
    where = reverse("integration", args=[hook.integration_id])

    answer = client.get(
        where, {"range": "custom", "from": f"{year}-01-01T00:00", "to": f"{year}-01-02T00:00"}
    )

    assert answer.status_code == 200


def test_an_event_type_leads_to_the_events_that_are_counted(client, account_admin, hook, deliver):
    deliver(hook)
    drain_inbox()
    event = OutboxEvent.objects.get(traffic_type="user")
    done = {"state": "done", "outcome": "whole"}
    for integration, days in ((hook.integration, 20), (IntegrationFactory(), 0)):
        message = MessageFactory(
            integration=integration, received_at=timezone.now() - timedelta(days=days), **done
        )
        EventFactory(message=message, environment=event.environment, event_type=event.event_type)
    client.force_login(account_admin)

    types = client.get(reverse("event_types"), {"integration": hook.integration_id}).context["types"]
    listed = client.get(types[0].address).context["rows"]

    assert types[0].total == len(listed) > 0
    assert {row.event.message.event_id for row in listed} == {event.message.event_id}
