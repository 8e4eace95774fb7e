"""`manage.py drain`: once through, or following; a signal ends it after the batch in hand."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command

from durable import drains
from durable.stopping import stopping
from tests.sandbox_process import ROOT
from tests.waiting import until

pytestmark = pytest.mark.django_db


@pytest.fixture
def handlers(monkeypatch):
    """Which signal is answered by what; nothing is installed in the test's own process."""
    handlers: dict[int, Callable[..., None]] = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    yield handlers
    stopping.clear()


def test_draining_once_goes_round_until_nothing_is_due(handlers, monkeypatch):
    due = [3, 2]
    monkeypatch.setattr(drains, "_drains", {"a": lambda: due.pop() if due else 0, "b": lambda: 0})

    call_command("drain")

    assert due == []


def test_a_round_that_is_told_to_stop_is_the_last(handlers, monkeypatch):
    def endless():
        handlers[signal.SIGTERM](signal.SIGTERM, None)
        return 1

    monkeypatch.setattr(drains, "_drains", {"a": endless})

    call_command("drain")

    assert handlers.keys() == {signal.SIGTERM, signal.SIGINT}


def test_following_polls_until_told_to_stop(handlers, monkeypatch):
    followed = []
    monkeypatch.setattr("durable.management.commands.drain.follow", lambda: followed.append(True))

    call_command("drain", "--follow")

    assert followed == [True]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("module", "seconds"),
    [("_datetime", 0), ("_ssl", 0), ("msgspec", 0), ("_sqlite3", 0), ("_sqlite3", 0.3), ("_sqlite3", 1)],
)
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="reads from /proc how far a start has come")
def test_a_drain_that_is_stopped_while_it_starts_ends_quietly(tmp_path, number, module, seconds):
    environment = {
        "ENV_FILE": os.devnull,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DEBUG": "1",
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
    }
    command = [sys.executable, "manage.py", "drain", "--follow"]
    drain = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    until(lambda: has_loaded(drain.pid, module))
    time.sleep(seconds)

    drain.send_signal(number)

    printed, _ = drain.communicate(timeout=30)
    assert (drain.returncode, b"KeyboardInterrupt" in printed) == (0, False), printed.decode()


def has_loaded(pid: int, module: str) -> bool:
    """Whether a process is past Python's own start and has come to this module."""
    return module in Path(f"/proc/{pid}/maps").read_text()
