"""Working off rows one by one: a mistake of ours ends with its row, a database that is away ends the round."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from durable.models import Chore, State
from durable.stopping import stopping
from durable.working import again_at, work_off

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows():
    Chore.objects.bulk_create(Chore(name=name) for name in "abc")
    yield Chore.objects.all()
    stopping.clear()


def test_every_due_row_is_handled_once(rows):
    seen = []

    def handle(row):
        seen.append(row.name)
        row.finish()

    assert work_off(rows, handle) == 3
    assert sorted(seen) == ["a", "b", "c"]


def test_a_row_that_breaks_our_code_comes_again_and_stops_no_other(rows, caplog):
    def handle(row):
        if row.name == "b":
            raise ZeroDivisionError
        row.finish()

    assert work_off(rows, handle) == 3
    broken = rows.get(state=State.PENDING)
    assert (broken.name, broken.faults, "ZeroDivisionError" in broken.last_error) == ("b", 1, True)
    assert f"Working off Chore {broken.pk} failed." in caplog.text


def test_a_database_that_is_away_is_no_fault_of_the_row(rows):
    def handle(row):
        raise OperationalError("gone")

    with pytest.raises(OperationalError):
        work_off(rows, handle)
    assert set(rows.values_list("faults", flat=True)) == {0}


def test_a_process_that_stops_claims_no_more(rows):
    def handle(row):
        row.finish()
        stopping.set()

    assert work_off(rows, handle) == 1
    assert rows.due().count() == 2


def test_a_row_dated_by_a_wrong_clock_is_handled_now(rows):
    rows.update(due_at=timezone.now() + timedelta(days=400))

    assert work_off(rows, lambda row: row.bury("too late")) == 3


def test_the_next_date_lies_ahead_and_honours_the_peers_wish():
    now = timezone.now()

    assert now < again_at(1) <= now + timedelta(seconds=2)
    assert again_at(1, retry_after_seconds=60) >= now + timedelta(seconds=60)
