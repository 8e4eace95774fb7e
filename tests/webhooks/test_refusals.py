"""Refused requests: counted without a write on their way, shown where they were lost, bounded for any forger."""

from uuid import UUID

import pytest

from tests.webhooks.conftest import body_of
from webhooks import counters, hook_secrets, keeper, refusals
from webhooks.counters import Sums
from webhooks.inbox import drain_inbox
from webhooks.models import HourlyCount, InboxMessage
from webhooks.outcome import Outcome
from webhooks.rollups import Count
from webhooks.spool import RawRequest
from webhooks.writer import StoreUnavailable, writer

pytestmark = pytest.mark.django_db

GONE = UUID("5b2ff4c6-8f8e-4f0c-a3a1-2c9c59c2a001")
FORGED = {"X-ServiceHook-Signature": "0" * 64}


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """What other tests refused is not there."""
    hook_secrets.cache.clear()
    mine = Sums(refusals.store)
    monkeypatch.setattr(refusals, "sums", mine)
    return mine


def stored():
    rows = HourlyCount.objects.filter(name=Count.REFUSED)
    return {(row.integration_id, row.label): row.count for row in rows}


def test_a_forgery_is_counted_for_its_integration(hook, deliver, fresh):
    for _ in range(3):
        assert deliver(hook, headers=FORGED).status_code == 401

    fresh.write()

    assert stored() == {(hook.integration_id, "bad_signature"): 3}
    assert InboxMessage.objects.count() == 0


def test_no_forgery_writes_to_the_database(hook, deliver, django_assert_num_queries):
    deliver(hook, headers=FORGED)  # looks the hook up

    with django_assert_num_queries(0):
        for _ in range(20):
            deliver(hook, headers=FORGED)


def test_a_thousand_forgeries_are_one_row(hook, fresh):
    hook_secrets.cache.keep(hook.address, hook_secrets.read_hook(hook.address))
    for _ in range(1000):
        refusals.note(hook.address, Outcome.BAD_SIGNATURE)
    fresh.write()

    assert stored() == {(hook.integration_id, "bad_signature"): 1000}


def test_each_reason_is_counted_apart(hook, deliver, settings, fresh):
    deliver(hook, headers=FORGED)
    deliver(hook, body=b"not json", headers=FORGED)
    settings.WEBHOOK_MAX_BYTES = 100
    deliver(hook)

    fresh.write()

    assert {label: count for (_, label), count in stored().items()} == {"bad_signature": 2, "too_large": 1}


def test_an_unknown_or_removed_address_is_not_counted(hook, deliver, fresh):
    deliver(hook, address=GONE, headers=FORGED)
    type(hook).objects.filter(pk=hook.pk).update(integration=None)
    deliver(hook, headers=FORGED)

    fresh.write()

    assert stored() == {}


def test_sums_beyond_the_bound_are_not_kept(hook, fresh, monkeypatch):
    monkeypatch.setattr(counters, "MOST_KEYS", 1)
    hook_secrets.cache.keep(hook.address, hook_secrets.read_hook(hook.address))
    refusals.note(hook.address, Outcome.BAD_SIGNATURE)
    refusals.note(hook.address, Outcome.TOO_LARGE)
    fresh.write()

    assert stored() == {(hook.integration_id, "bad_signature"): 1}


def test_sums_wait_while_the_database_is_away(hook, deliver, fresh, monkeypatch):
    deliver(hook, headers=FORGED)

    def away(*args, **kwargs):
        raise StoreUnavailable("the database is away")

    with monkeypatch.context() as outage:
        outage.setattr(writer, "call", away)
        keeper.write_sums()
    fresh.write()

    assert stored() == {(hook.integration_id, "bad_signature"): 1}


def test_sums_that_the_database_refuses_stay_too(hook, deliver, fresh, monkeypatch):
    deliver(hook, headers=FORGED)

    with monkeypatch.context() as race:
        race.setattr(fresh, "_store", lambda sums: 1 / 0)
        keeper.write_sums()
    keeper.write_sums()

    assert stored() == {(hook.integration_id, "bad_signature"): 1}


def test_a_spooled_forgery_is_counted_when_it_is_taken_in(hook, tmp_path, monkeypatch, fresh):
    request = RawRequest(hook.address, "0" * 64, body_of("seed-staging"))
    monkeypatch.setattr("webhooks.spool.read", lambda file: request)
    file = tmp_path / "one"
    file.touch()

    keeper.take_in_file(file)
    fresh.write()

    assert stored() == {(hook.integration_id, "bad_signature"): 1}


def test_the_count_of_an_integration_that_is_gone_is_dropped_and_the_others_stay(hook, deliver, fresh):
    deliver(hook, headers=FORGED)
    other = hook_secrets.KnownHook(999_999, "secret")
    hook_secrets.cache.keep(GONE, other)
    refusals.note(GONE, Outcome.BAD_SIGNATURE)

    fresh.write()

    assert stored() == {(hook.integration_id, "bad_signature"): 1}


def test_the_page_shows_what_was_refused_where_it_was_lost_and_what_to_do(
    hook, deliver, fresh, client, account_admin
):
    deliver(hook)
    drain_inbox()
    deliver(hook, headers=FORGED)
    deliver(hook, headers=FORGED)
    fresh.write()
    client.force_login(account_admin)

    response = client.get(hook.integration.get_absolute_url())

    received, verified, *_ = response.context["seen"].stations
    assert (received.count, verified.count) == (1, 1)
    assert [(drop.count, drop.state.word) for drop in received.drops] == [(2, "refused: signature wrong")]
    assert len(client.get(received.address).context["rows"]) == received.count
    assert b"press \xe2\x80\x9cCheck now\xe2\x80\x9d" in response.content


def test_where_everything_is_refused_the_page_says_so(hook, deliver, fresh, client, account_admin):
    deliver(hook, headers=FORGED)
    fresh.write()
    client.force_login(account_admin)

    text = client.get(hook.integration.get_absolute_url()).content.decode()

    assert "refused: signature wrong" in text
    assert "Nothing came in" not in text
