"""/readyz: an answer in time, whatever the database does, and 503 only when nothing can be taken any more."""

import time

import pytest

from config import health
from webhooks.spool import RawRequest, Spool, SpoolFull
from webhooks.writer import Writer

pytestmark = pytest.mark.django_db


@pytest.fixture
def threaded(monkeypatch):
    """The writer of a real process."""
    writer = Writer()
    monkeypatch.setattr(health, "writer", writer)
    return writer


def test_a_database_that_hangs_does_not_hang_the_probe(client, threaded, monkeypatch):
    monkeypatch.setattr(health, "PROBE_SECONDS", 0.05)
    monkeypatch.setattr(health, "database_state", lambda: time.sleep(0.5))

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["database"].startswith("no answer")


def test_a_database_known_to_be_away_is_not_asked(client, threaded, monkeypatch):
    monkeypatch.setattr(health, "database_state", lambda: 1 / 0)
    threaded._away.set()

    assert client.get("/readyz").json()["database"] == "away"


def test_only_a_full_spool_beside_a_database_that_is_away_is_a_failure(
    client, threaded, settings, monkeypatch, tmp_path
):
    settings.SPOOL_DIR, settings.SPOOL_MAX_BYTES, full = tmp_path, 0, Spool()
    monkeypatch.setattr(health, "spool", full)
    with pytest.raises(SpoolFull):
        full.keep(RawRequest(None, "", b"{}"), is_verified=True)
    monkeypatch.setattr(
        health, "database_state", lambda: {"database": "ok", "migrations": "ok", "drain": "ok"}
    )
    well = client.get("/readyz").status_code
    threaded._away.set()

    assert (well, client.get("/readyz").status_code) == (200, 503)
