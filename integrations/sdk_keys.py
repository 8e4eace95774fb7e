"""SDK keys made to order through FME's Admin API, one for each environment that an administrator asks for."""

import logging

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from durable.working import work_off
from integrations import fme
from integrations.catalogue import Interrupted, put_off
from integrations.models import Environment, SdkKeyOrder
from integrations.peers import PeerError
from integrations.services import store_sdk_key

logger = logging.getLogger(__name__)


def drain_sdk_keys() -> int:
    """Create the SDK keys that were ordered. Returns how many orders were handled."""
    return work_off(SdkKeyOrder.objects.all(), _settle)


def _settle(order: SdkKeyOrder) -> None:
    if order.environment.gone_at:
        order.bury("Harness FME no longer lists this environment, so no SDK key can be made for it.")
        return
    # Nothing is removed under a claim that was lost: whoever has the order may have made and stored the key by now.
    if not order.renew(settings.LEASE_SECONDS):
        return
    try:
        if order.is_overtaken:
            _remove_orphan(fme.FmeClient(), order)
            order.finish()
        else:
            _store(order, _make_key(order))
    except Interrupted:
        return
    except PeerError as error:
        _put_off(order, error)


def _store(order: SdkKeyOrder, key: str) -> None:
    """Keep the key, unless one was entered while it was made, or another worker has the order.

    Then it is removed by its name when the order is taken up again, at once; should the other worker have looked for
    it before it was made, it is left in Harness FME.
    """
    with transaction.atomic():
        order.environment = Environment.objects.select_for_update(no_key=True).get(pk=order.environment_id)
        if order.is_overtaken:
            order.retry(timezone.now(), "A key was entered meanwhile; the one that was made is removed.")
        elif order.finish():
            store_sdk_key(order.environment, key)


def _make_key(order: SdkKeyOrder) -> str:
    client, environment = fme.FmeClient(), order.environment
    _remove_orphan(client, order)
    if not order.renew(settings.LEASE_SECONDS):
        raise Interrupted("Another worker has the order.")
    return client.create_sdk_key(
        order.name, project_id=environment.project.fme_id, environment_id=environment.fme_id
    )


def _remove_orphan(client: fme.FmeClient, order: SdkKeyOrder) -> None:
    """A key of our name was made just before a crash; FME shows a key once, so it is made anew."""
    remote = client.environments(order.environment.project.fme_id)
    keys = next((one.keys for one in remote if one.id == order.environment.fme_id), ())
    for orphan in (key for key in keys if key.name == order.name):
        try:
            client.delete_sdk_key(orphan.id)
        except PeerError as error:
            if not error.was_refused:
                raise
            logger.warning(
                "An unused SDK key “%s” is left in Harness FME; delete it there. %s", order.name, error
            )
            _rename(order)


def _rename(order: SdkKeyOrder) -> None:
    order.name = f"{order.name[:80]}-{order.attempts + 1}"
    order.save(update_fields=["name"])


def _put_off(order: SdkKeyOrder, error: PeerError) -> None:
    if error.was_refused and order.is_overtaken:
        logger.warning("A key that is not needed may be left in Harness FME: %s. %s", order.name, error)
        order.finish()
    elif error.was_refused:
        order.bury(
            f"{error} Creating SDK keys needs an Admin API key with the role API_ALL_GRANTED or API_APIKEY. "
            "Or create a server-side SDK key in Harness FME yourself and enter it here."
        )
    else:
        put_off(order, error)
