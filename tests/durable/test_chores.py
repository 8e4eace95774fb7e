"""Daily chores: done once, again after a day, soon after a failure, and by one worker at a time."""

from datetime import timedelta

import pytest
from django.utils import timezone

from durable import chores
from durable.models import Chore

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
