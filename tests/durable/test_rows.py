"""The verbs of a row that is work: claims, leases that run out, late finishers, faults."""

from datetime import timedelta

import pytest
from django.utils import timezone

from durable.models import ERROR_CHARACTERS, FAULT_LIMIT, Chore, Heartbeat, State
from tests.integrations.test_at_once import at_once

pytestmark = pytest.mark.django_db

LEASE = 30.0


@pytest.fixture(autouse=True)
def frozen(time_machine):
    """Time stands still until a test moves it."""
    time_machine.move_to(timezone.now(), tick=False)
    return time_machine


@pytest.fixture
def row():
    return Chore.objects.create(name="rake the leaves")


def claim(limit=10):
    return Chore.objects.claim(limit=limit, lease_seconds=LEASE)


def test_the_oldest_due_rows_are_claimed_first(row):
    older = Chore.objects.create(name="older", due_at=timezone.now() - timedelta(hours=1))
    Chore.objects.create(name="later", due_at=timezone.now() + timedelta(seconds=1))

    assert [claim(limit=1), claim(), claim()] == [[older], [row], []]


def test_a_claim_counts_an_attempt_and_holds_until_its_lease_ends(row, frozen):
    (held,) = claim()

    assert (held.attempts, held.due_at) == (1, timezone.now() + timedelta(seconds=LEASE))
    assert held.claim is not None
    frozen.shift(LEASE - 1)
    assert claim() == []
    frozen.shift(1)
    assert [again.attempts for again in claim()] == [2]


@pytest.mark.parametrize(
    "end",
    [
        lambda row: row.finish(),
        lambda row: row.retry(timezone.now(), "late"),
        lambda row: row.reschedule(timezone.now()),
        lambda row: row.bury("late"),
        lambda row: row.fault("late", timezone.now()),
        lambda row: row.renew(LEASE),
    ],
    ids=["finish", "retry", "reschedule", "bury", "fault", "renew"],
)
def test_a_worker_that_outlived_its_lease_changes_nothing(row, frozen, end):
    (late,) = claim()
    frozen.shift(LEASE)
    (holder,) = claim()

    assert end(late) is False
    row.refresh_from_db()
    assert (row.claim, row.state, row.last_error, row.due_at) == (
        holder.claim, State.PENDING, "", holder.due_at,
    )  # fmt: skip


def test_a_row_that_was_never_claimed_cannot_be_finished(row):
    assert row.finish() is False
    assert Chore.objects.get().state == State.PENDING


def test_a_finished_row_is_done_and_never_due_again(row, frozen):
    (held,) = claim()

    assert held.finish(name="raked") is True
    frozen.shift(timedelta(days=400))
    assert claim() == []
    assert (held.state, held.claim, held.name) == (State.DONE, None, "raked")


def test_a_retry_keeps_its_reason_its_date_and_the_count(row, frozen):
    (held,) = claim()

    held.retry(timezone.now() + timedelta(seconds=9), "x" * (ERROR_CHARACTERS + 1))

    assert (held.last_error, held.attempts) == ("x" * ERROR_CHARACTERS, 1)
    frozen.shift(8)
    assert claim() == []
    frozen.shift(1)
    assert [again.attempts for again in claim()] == [2]


def test_a_rescheduled_row_begins_anew(row):
    (held,) = claim()
    held.retry(timezone.now(), "out of order")
    (held,) = claim()

    held.reschedule(timezone.now())

    assert (held.attempts, held.faults, held.last_error) == (0, 0, "")


def test_a_dead_row_waits_for_a_person_to_arm_it(row, frozen):
    claim()[0].bury("no rake")
    frozen.shift(timedelta(days=400))
    assert claim() == []

    assert Chore.objects.arm() == 1
    assert [(again.attempts, again.last_error) for again in claim()] == [(1, "")]


def test_arming_takes_a_row_from_the_worker_that_has_it(row):
    (held,) = claim()

    Chore.objects.arm()

    assert held.finish() is False


def test_a_row_that_breaks_our_code_dies_of_it_with_the_end_of_its_traceback(row):
    traceback = "the beginning" + "." * ERROR_CHARACTERS + "ZeroDivisionError"

    for _ in range(FAULT_LIMIT):
        assert claim()[0].fault(traceback, timezone.now()) is True

    row.refresh_from_db()
    assert (row.state, row.faults) == (State.DEAD, FAULT_LIMIT)
    assert row.last_error == traceback[-ERROR_CHARACTERS:]


def test_renewing_holds_the_claim_for_another_lease(row, frozen):
    (held,) = claim()
    frozen.shift(LEASE - 1)

    assert held.renew(LEASE) is True
    frozen.shift(LEASE - 1)
    assert claim() == []
    assert held.finish() is True


def test_one_row_is_taken_before_its_time_but_not_from_its_holder(row):
    Chore.objects.update(due_at=timezone.now() + timedelta(hours=1))

    held = Chore.objects.claim_now(row.pk, lease_seconds=LEASE)

    assert held is not None
    assert Chore.objects.claim_now(row.pk, lease_seconds=LEASE) is None
    held.finish()
    assert Chore.objects.claim_now(row.pk, lease_seconds=LEASE) is None


def test_only_dates_that_no_right_clock_writes_are_brought_back(row):
    far = Chore.objects.create(name="far", due_at=timezone.now() + timedelta(days=400))
    near = Chore.objects.create(name="near", due_at=timezone.now() + timedelta(hours=1))

    assert Chore.objects.bring_back() == 1

    assert set(claim()) == {row, far}
    assert near not in Chore.objects.due()


@pytest.mark.django_db(transaction=True)
def test_workers_side_by_side_never_hold_the_same_row():
    Chore.objects.bulk_create(Chore(name=str(number)) for number in range(20))

    taken = [row.pk for rows in at_once(lambda: claim(limit=5)) for row in rows]

    assert len(taken) == len(set(taken))
    assert len(taken) + len(claim(limit=20)) == 20


def test_rows_say_what_they_are(row):
    at = timezone.now().replace(year=2026, month=11, day=23, hour=2, minute=6, second=7)

    assert str(row) == "rake the leaves"
    assert str(Heartbeat(drain="inbox", at=at)) == "inbox at 2026-11-23 02:06:07"
