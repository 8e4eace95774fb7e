"""Daily chores: done once, again after a day, soon after a failure, and by one worker at a time."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from durable import chores
from durable.models import Chore
from durable.stopping import stopping

pytestmark = pytest.mark.django_db


@pytest.fixture
def done(monkeypatch):
    """What was done, by a chore of this test's own."""
    done: list[str] = []
    monkeypatch.setattr(chores, "_chores", {"sweep the yard": lambda: done.append("swept")})
    return done


def test_a_chore_is_done_once_a_day(done, time_machine):
    time_machine.move_to(timezone.now())
    assert (chores.drain_chores(), chores.drain_chores()) == (1, 0)

    time_machine.shift(timedelta(days=1, seconds=1))
    chores.drain_chores()

    assert done == ["swept", "swept"]


def test_a_chore_dated_by_a_wrong_clock_is_done_now(done):
    chores.drain_chores()
    Chore.objects.update(due_at=timezone.now() + timedelta(days=365))

    chores.drain_chores()

    assert done == ["swept", "swept"]


def test_a_chore_that_was_cut_short_by_a_stop_is_due_at_once(monkeypatch):
    monkeypatch.setattr(chores, "_chores", {"sweep": stopping.set})
    try:
        chores.drain_chores()
    finally:
        stopping.clear()

    assert Chore.objects.get().due_at <= timezone.now()


def test_a_chore_that_fails_is_tried_again_soon(monkeypatch):
    monkeypatch.setattr(chores, "_chores", {"sweep": lambda: 1 / 0})

    chores.drain_chores()

    chore = Chore.objects.get()
    assert "ZeroDivisionError" in chore.last_error
    assert chore.due_at < timezone.now() + timedelta(seconds=5)


def test_a_chore_in_hand_is_left_to_its_worker(done):
    chores.drain_chores()
    Chore.objects.update(due_at=timezone.now())
    Chore.objects.all().claim(limit=1, lease_seconds=60)

    assert chores.drain_chores() == 0


def test_logins_that_expired_are_removed(client, django_user_model):
    for age in (-1, 3600):
        client.logout()
        client.force_login(django_user_model.objects.create(username=str(age)))
        session = client.session
        session.set_expiry(age)
        session.save()
        client.cookies.clear()

    chores._chores["sessions"]()

    (left,) = Session.objects.all()
    assert left.expire_date > timezone.now()
