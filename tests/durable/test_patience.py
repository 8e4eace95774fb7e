"""Writing down an outcome while the database is away."""

import pytest
from django.db import InterfaceError, OperationalError

from durable.patience import patiently
from durable.stopping import stopping


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch):
    monkeypatch.setattr("durable.patience.AGAIN_SECONDS", 0.0)
    monkeypatch.setattr("durable.patience.connection.close", lambda: None)
    yield
    stopping.clear()


def failing(*errors):
    """A write that fails with these errors, then succeeds."""
    left = list(errors)

    def write():
        if left:
            raise left.pop(0)
        return "written"

    return write


def test_a_write_is_repeated_until_the_database_is_back(caplog):
    write = failing(OperationalError("gone"), InterfaceError("closed"), OperationalError("starting"))

    assert patiently(write) == "written"
    assert [record.message for record in caplog.records] == [
        "An outcome waits for the database: OperationalError"
    ]


def test_a_mistake_of_ours_is_not_repeated():
    with pytest.raises(ZeroDivisionError):
        patiently(failing(ZeroDivisionError()))


def test_a_process_that_stops_gives_up_after_a_third_of_a_lease(settings):
    settings.LEASE_SECONDS = 0.06
    stopping.set()

    with pytest.raises(OperationalError):
        patiently(failing(*[OperationalError("gone")] * 10**6))
