"""/readyz: an answer in time, whatever the database does, and 503 only when nothing can be taken any more."""

import threading
import time

import pytest
from django.db import OperationalError

from config import health
from config.asking import Asker
from tests.waiting import until
from webhooks import metrics
from webhooks.models import Notice, NoticeReceiver
from webhooks.spool import RawRequest, Spool, SpoolFull
from webhooks.writer import Writer

pytestmark = pytest.mark.django_db


@pytest.fixture
def threaded(monkeypatch):
    """The writer of a real process, and threads that ask nothing of an earlier test any more."""
    writer = Writer()
    monkeypatch.setattr(health, "prober", Asker("prober"))
    monkeypatch.setattr(health, "scraper", Asker("scraper"))
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


@pytest.mark.parametrize("how", ["away", "hangs", "refuses"])
def test_the_spool_can_be_watched_while_the_database_is_away(client, threaded, settings, monkeypatch, how):
    settings.METRICS_TOKEN = "a-token-for-prometheus"
    monkeypatch.setattr(health, "SCRAPE_SECONDS", 0.05)

    def answer():
        if how == "refuses":
            raise OperationalError
        time.sleep(0.5)
        return b""

    monkeypatch.setattr(metrics, "of_database", answer)
    if how == "away":
        threaded._away.set()

    scraped = client.get("/metrics", headers={"Authorization": "Bearer a-token-for-prometheus"})

    assert scraped.status_code == 200
    assert b"\ndatabase_up 0.0" in scraped.content
    assert b"\nspool_files " in scraped.content


def test_a_scrape_says_that_the_database_is_up(client, settings):
    settings.METRICS_TOKEN = "a-token-for-prometheus"

    scraped = client.get("/metrics", headers={"Authorization": "Bearer a-token-for-prometheus"}).content

    assert b"\ndatabase_up 1.0" in scraped
    assert b"\nqueue_pending{" in scraped


def test_while_one_question_hangs_no_other_waits_behind_it():
    asker: Asker[object] = Asker("tested")
    end, asked = threading.Event(), []

    def hang():
        asked.append(1)
        return end.wait(10)

    with pytest.raises(TimeoutError):
        asker.ask(hang, seconds=0.05)
    begun = time.monotonic()
    for _ in range(20):
        with pytest.raises(TimeoutError):
            asker.ask(hang, seconds=0.05)
    waited = time.monotonic() - begun
    end.set()
    until(lambda: asker._asked.done(), seconds=5)

    assert (asker.ask(lambda: "well", seconds=5), asked) == ("well", [1])
    assert waited < 0.05 * 20


def test_a_scrape_itself_asks_the_database_nothing(
    client, threaded, settings, monkeypatch, django_assert_num_queries
):
    settings.METRICS_TOKEN = "a-token-for-prometheus"
    threaded._away.set()

    with django_assert_num_queries(0):
        client.get("/metrics", headers={"Authorization": "Bearer a-token-for-prometheus"})


def test_prometheus_scrapes_by_ip_address_with_its_token_only(client, settings):
    settings.METRICS_TOKEN, settings.ALLOWED_HOSTS = "a-token-for-prometheus", ["fme.example.com"]
    answers = [
        client.get("/metrics", headers={"Authorization": f"Bearer {token}", "Host": "10.1.2.3:8000"})
        for token in ("a-token-for-prometheus", "a-wrong-one")
    ]

    assert [answer.status_code for answer in answers] == [200, 401]


def test_staff_look_at_the_metrics_without_a_token(client, account_admin, viewer):
    seen = []
    for person in (account_admin, viewer):
        client.force_login(person)
        seen.append(client.get("/metrics").status_code)

    assert seen == [200, 401]


def test_notices_are_a_queue_like_the_others():
    receiver = NoticeReceiver.objects.create(kind="email", address="jane@example.com")
    for state in ("pending", "pending", "dead"):
        Notice.objects.create(receiver=receiver, kind="test", state=state)

    told = metrics.of_database().decode()

    assert 'queue_pending{queue="notices"} 2.0' in told
    assert 'queue_dead{queue="notices"} 1.0' in told
