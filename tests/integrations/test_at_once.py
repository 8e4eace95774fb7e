"""Several at once on one row: real threads, real transactions, real HTTP."""

import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from integrations.installations import Waiting, drain_installations, renew_after_401
from integrations.models import SdkKeyOrder, SentryInstallation
from integrations.services import order_sdk_key
from tests.factories import EnvironmentFactory
from tests.integrations.test_installations import latest, token_at_sentry

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(call, times=4):
    """Run `call` in several threads at the same moment; answers what each returned or raised."""
    gate, found = threading.Barrier(times), []

    def run():
        gate.wait()
        try:
            found.append(call())
        except Exception as error:
            found.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_of_workers_whose_token_was_refused_one_renews_and_nobody_uses_a_dead_one(sandbox, installation):
    sandbox.fail("sentry_api", "slow", seconds=0.3, operation="token.post")

    found = at_once(lambda: renew_after_401(installation, installation.token))

    stored = latest(installation)
    assert token_at_sentry(sandbox, stored) == [(stored.token, stored.refresh_token)]
    assert {one for one in found if isinstance(one, str)} == {stored.token}
    assert all(isinstance(one, Waiting) for one in found if one != stored.token)


def test_two_drains_renew_a_token_once(sandbox, installation):
    sandbox.fail("sentry_api", "slow", seconds=0.3, operation="token.post")

    with time_machine.travel(installation.token_expires_at - timedelta(minutes=59), tick=True):
        SentryInstallation.objects.update(due_at=timezone.now())
        handled = at_once(drain_installations)

    stored = latest(installation)
    assert sorted(handled) == [0, 0, 0, 1]
    assert token_at_sentry(sandbox, stored) == [(stored.token, stored.refresh_token)]


def test_impatient_clicks_order_one_key():
    environment = EnvironmentFactory(sdk_key="")

    found = at_once(lambda: order_sdk_key(environment))

    assert found == [SdkKeyOrder.objects.get()] * 4
