"""In every process that stays, what imports left is not looked through by each full collection."""

import gc
import os
import subprocess
import sys
import threading

import pytest
from celery.signals import worker_process_init, worker_ready

from durable import drains, tasks

IMPORTED = 50_000
"""Objects; there are more than twice as many."""


@pytest.fixture
def thawed():
    """The tests' own process stays as it was."""
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_a_web_process_freezes_what_it_loaded_and_has_its_pages():
    program = "import gc, sys, config.wsgi; print(gc.get_freeze_count(), 'integrations.views' in sys.modules)"
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DEBUG": "1",
        "ENV_FILE": os.devnull,
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    count, has_pages = done.stdout.split()
    assert int(count) > IMPORTED
    assert has_pages == "True"


def test_a_worker_freezes_what_it_loaded():
    assert tasks.freeze in worker_ready._live_receivers(None)  # type: ignore[attr-defined]  # missing in the stubs


def test_a_worker_s_processes_freeze_what_they_loaded(thawed):
    heard = [answer[0] for answer in worker_process_init.send(sender=None)]

    assert tasks.freeze in heard
    assert gc.get_freeze_count() > IMPORTED


def test_what_follows_the_drains_freezes_what_it_loaded(thawed, monkeypatch):
    monkeypatch.setattr(drains, "_drains", {})
    monkeypatch.setattr(drains, "stopping", threading.Event())

    drains.follow()

    assert gc.get_freeze_count() > IMPORTED
