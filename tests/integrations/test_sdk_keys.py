"""SDK keys made to order at the sandbox's FME, over real HTTP."""

from datetime import timedelta

import pytest
from django.utils import timezone

from durable.models import State
from integrations import sdk_keys
from integrations.catalogue import drain_catalogue
from integrations.fme import FmeClient
from integrations.models import Environment, SdkKeyOrder
from integrations.sdk_keys import drain_sdk_keys
from integrations.services import order_sdk_key, store_sdk_key

pytestmark = pytest.mark.django_db

BY_HAND = "entered-by-hand-9f2c"


def environment(name="Staging", project="Webshop"):
    return Environment.objects.get(name=name, project__name=project)


def test_an_ordered_key_is_made_for_its_environment_and_stored(sandbox):
    drain_catalogue()
    order = order_sdk_key(environment())

    drain_sdk_keys()

    order.refresh_from_db()
    assert order.state == State.DONE
    assert [key for key in keys_at_fme(sandbox, "Staging") if key[0] == order.name] == [
        (order.name, environment().sdk_key)
    ]
    assert environment("Production").sdk_key == ""


def test_a_key_orphaned_by_a_lost_answer_is_found_by_its_name_and_replaced(sandbox):
    drain_catalogue()
    order = order_sdk_key(environment())
    sandbox.fail("fme_admin", "lose_answer", operation="api_keys.post", times=1)
    drain_sdk_keys()
    assert environment().sdk_key == ""

    SdkKeyOrder.objects.update(due_at=timezone.now())
    drain_sdk_keys()

    ours = [key for key in keys_at_fme(sandbox, "Staging") if key[0] == order.name]
    assert ours == [(order.name, environment().sdk_key)]


def test_an_orphan_that_may_not_be_deleted_is_left_and_told(sandbox, caplog):
    drain_catalogue()
    order = order_sdk_key(environment())
    FmeClient().create_sdk_key(
        order.name, project_id=environment().project.fme_id, environment_id=environment().fme_id
    )
    sandbox.fail("fme_admin", "status", status=403, operation="api_key.delete", times=1)

    drain_sdk_keys()

    newest = keys_at_fme(sandbox, "Staging")[-1]
    assert newest == (f"{order.name}-2", environment().sdk_key)
    assert f"An unused SDK key “{order.name}” is left in Harness FME" in caplog.text


def test_a_key_that_may_not_be_made_says_how_to_go_on(sandbox):
    drain_catalogue()
    order = order_sdk_key(environment())
    sandbox.fail(
        "fme_admin", "status", status=403, body='{"message": "Forbidden"}', operation="api_keys.post"
    )

    drain_sdk_keys()

    order.refresh_from_db()
    assert (order.state, order.last_error) == (
        State.DEAD,
        "Harness FME refused (403): Forbidden. Creating SDK keys needs an Admin API key with the role "
        "API_ALL_GRANTED or API_APIKEY. Or create a server-side SDK key in Harness FME yourself and enter "
        "it here.",
    )


def test_an_order_for_a_vanished_environment_ends(sandbox):
    drain_catalogue()
    order = order_sdk_key(environment())
    Environment.objects.update(gone_at=timezone.now())

    drain_sdk_keys()

    order.refresh_from_db()
    assert order.state == State.DEAD


def test_a_key_made_under_a_lost_claim_is_not_stored(sandbox, monkeypatch):
    drain_catalogue()
    order_sdk_key(environment())

    def made_too_late(order):
        SdkKeyOrder.objects.all().arm()
        return "too-late"

    monkeypatch.setattr(sdk_keys, "_make_key", made_too_late)
    (order,) = SdkKeyOrder.objects.claim(limit=1, lease_seconds=30)
    sdk_keys._settle(order)

    assert environment().sdk_key == ""


def test_a_key_entered_by_hand_ends_an_order_that_waits(sandbox):
    drain_catalogue()
    order = order_sdk_key(environment())
    sandbox.fail("fme_admin", "lose_answer", operation="api_keys.post", times=1)
    drain_sdk_keys()  # made, and FME's answer lost
    assert order.name in dict(keys_at_fme(sandbox, "Staging"))

    store_sdk_key(environment(), BY_HAND)
    SdkKeyOrder.objects.update(due_at=timezone.now())
    drain_sdk_keys()

    order.refresh_from_db()
    assert (order.state, environment().sdk_key) == (State.DONE, BY_HAND)
    assert order.name not in dict(keys_at_fme(sandbox, "Staging"))


def test_a_key_entered_by_hand_while_one_is_made_is_kept_and_the_other_removed(sandbox, monkeypatch):
    drain_catalogue()
    order = order_sdk_key(environment())
    make = sdk_keys._make_key

    def made_meanwhile(order):
        key = make(order)
        assert order.name in dict(keys_at_fme(sandbox, "Staging"))
        store_sdk_key(environment(), BY_HAND)
        return key

    monkeypatch.setattr(sdk_keys, "_make_key", made_meanwhile)
    drain_sdk_keys()

    order.refresh_from_db()
    assert (order.state, environment().sdk_key) == (State.DONE, BY_HAND)
    assert order.name not in dict(keys_at_fme(sandbox, "Staging"))


def test_a_worker_that_outlived_its_lease_leaves_alone_what_another_made(sandbox):
    drain_catalogue()
    order_sdk_key(environment())
    (late,) = SdkKeyOrder.objects.claim(limit=1, lease_seconds=0)
    drain_sdk_keys()

    sdk_keys._settle(late)

    assert environment().sdk_key in dict(keys_at_fme(sandbox, "Staging")).values()


def test_an_order_that_is_not_needed_ends_though_its_key_cannot_be_looked_for(sandbox, caplog):
    drain_catalogue()
    order = order_sdk_key(environment())
    store_sdk_key(environment(), BY_HAND)
    sandbox.fail("fme_admin", "status", status=403, operation="environments.get", times=1)

    drain_sdk_keys()

    order.refresh_from_db()
    assert (order.state, environment().sdk_key) == (State.DONE, BY_HAND)
    assert f"A key that is not needed may be left in Harness FME: {order.name}" in caplog.text


def test_clocks_do_not_say_which_key_is_newer(sandbox):
    drain_catalogue()
    order = order_sdk_key(environment())
    SdkKeyOrder.objects.update(ordered_at=timezone.now() + timedelta(minutes=5))
    store_sdk_key(environment(), BY_HAND)
    drain_sdk_keys()
    assert environment().sdk_key == BY_HAND

    Environment.objects.update(sdk_key_set_at=timezone.now() + timedelta(minutes=5))
    order = order_sdk_key(environment())
    drain_sdk_keys()
    assert (order.name, environment().sdk_key) in keys_at_fme(sandbox, "Staging")


def test_ordering_again_tries_at_once(sandbox):
    drain_catalogue()
    order = order_sdk_key(environment())
    sandbox.fail("fme_admin", "status", status=503, operation="api_keys.post", times=1)
    drain_sdk_keys()
    order.refresh_from_db()
    assert (order.due_at > timezone.now(), "503" in order.last_error) == (True, True)

    assert order_sdk_key(environment()) == order
    drain_sdk_keys()

    assert (order.name, environment().sdk_key) in keys_at_fme(sandbox, "Staging")


def test_a_key_is_ordered_anew_after_one_was_entered_by_hand(sandbox):
    drain_catalogue()
    first = order_sdk_key(environment())
    store_sdk_key(environment(), BY_HAND)

    second = order_sdk_key(environment())
    drain_sdk_keys()

    assert second != first
    assert (second.name, environment().sdk_key) in keys_at_fme(sandbox, "Staging")


def keys_at_fme(sandbox, name):
    """(name, key) of every SDK key of an environment of Webshop, oldest first."""
    webshop = next(one for one in sandbox.state()["workspaces"] if one["name"] == "Webshop")
    found = next(one for one in webshop["environments"] if one["name"] == name)
    return [(key["name"], key["key"]) for key in found["sdk_keys"]]
