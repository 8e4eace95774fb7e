"""Counters: of all web processes together, and never in the way of a webhook."""

import re
from collections import Counter

import pytest
import requests

from tests.product_process import Product, program
from tests.sandbox_process import SandboxProcess
from tests.waiting import free_port, until
from webhooks import counters, metrics, totals
from webhooks.counters import Sums
from webhooks.writer import StoreUnavailable, writer


@pytest.fixture(autouse=True)
def nothing_counted(monkeypatch):
    monkeypatch.setattr(counters, "sums", Sums(totals.add))


def shown(outcome: str, page: str = "") -> int:
    found = re.search(
        rf'^webhook_requests_total{{outcome="{outcome}"}} (.+)$',
        page or metrics.of_database().decode(),
        re.MULTILINE,
    )
    return int(float(found[1])) if found else 0


@pytest.mark.django_db
def test_a_counter_never_goes_down_from_one_process_to_another(monkeypatch):
    counters.count(totals.REQUESTS, "stored")
    counters.sums.write()
    counters.count(totals.REQUESTS, "stored")
    here = shown("stored")
    monkeypatch.setattr(counters, "sums", Sums(totals.add))
    elsewhere = shown("stored")

    assert (here, elsewhere) == (1, 1)


@pytest.mark.django_db
def test_what_several_processes_count_is_added():
    totals.add(Counter({(totals.REQUESTS, "stored"): 2, (totals.DUPLICATES, ""): 1}))
    totals.add(Counter({(totals.REQUESTS, "stored"): 3, (totals.REQUESTS, "full"): 1}))

    assert (shown("stored"), shown("full")) == (5, 1)
    assert "webhook_duplicates_total 1.0" in metrics.of_database().decode()


@pytest.mark.django_db
def test_what_cannot_be_added_is_kept(monkeypatch):
    def refuse(*args, **kwargs):
        raise StoreUnavailable("away")

    counters.count(totals.REQUESTS, "spooled")
    with monkeypatch.context() as patch:
        patch.setattr(writer, "call", refuse)
        with pytest.raises(StoreUnavailable):
            counters.sums.write()
    counters.sums.write()

    assert shown("spooled") == 1


def test_two_web_processes_tell_the_same():
    sandbox = SandboxProcess()
    product = Product(port=free_port(), sandbox=sandbox, METRICS_TOKEN="a-token-for-prometheus")
    with sandbox:
        product.manage("migrate", "--verbosity", "0")
        try:
            command = f"{program('granian')} --interface wsgi config.wsgi:application --workers 2 --blocking-threads 8"
            product.start([*command.split(), "--host", "127.0.0.1", "--port", str(product.port)], "web")
            until(lambda: is_up(product.url), seconds=60)

            for _ in range(40):
                assert (
                    requests.post(f"{product.url}/webhooks/sentry/app/", b"{}", timeout=10).status_code == 401
                )

            until(lambda: {scraped(product.url) for _ in range(10)} == {40})
            assert {scraped(product.url) for _ in range(10)} == {40}
        finally:
            product.__exit__(None, None, None)


def is_up(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=2).ok
    except requests.RequestException:
        return False


def scraped(url: str) -> int:
    token = {"Authorization": "Bearer a-token-for-prometheus"}
    return shown("bad_signature", requests.get(f"{url}/metrics", headers=token, timeout=10).text)
