"""Tokens of an installation: the first, the next, and the way back when one is lost."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import time_machine
from django.utils import timezone

from durable.models import State
from integrations import installations, remedies
from integrations.announcements import announce, forget, offer_code, problem_of
from integrations.hooks import drain_hooks
from integrations.installations import Waiting, drain_installations, renew_after_401, token_for
from integrations.models import SentryInstallation
from integrations.peers import PeerError
from integrations.services import want_hook
from tests.factories import HookFactory, InstallationFactory, IntegrationFactory

pytestmark = pytest.mark.django_db


def latest(installation):
    return SentryInstallation.objects.get(pk=installation.pk)


def make_due(installation):
    SentryInstallation.objects.filter(pk=installation.pk).update(due_at=timezone.now())


def token_at_sentry(sandbox, installation):
    """The pair that Sentry would take now."""
    found = next(one for one in sandbox.state()["installations"] if one["uuid"] == str(installation.uuid))
    return [(one["token"], one["refresh_token"]) for one in found["tokens"]]


def near_expiry(installation):
    return time_machine.travel(installation.token_expires_at - timedelta(minutes=59), tick=True)


def test_an_announced_code_is_exchanged_stored_and_confirmed(sandbox, announced):
    drain_installations()

    stored = latest(announced)
    assert token_at_sentry(sandbox, stored) == [(stored.token, stored.refresh_token)]
    assert (stored.code, stored.last_error, stored.organization) == ("", "", "acme-gmbh")
    assert stored.verified_at is not None
    assert stored.due_at == stored.token_expires_at - timedelta(hours=1)
    assert sandbox.state()["installations"][-1]["status"] == "installed"


def test_a_pasted_id_waits_for_sentrys_webhook_without_limit(sandbox):
    new = sandbox.control("install", deliver=False)
    pasted = SentryInstallation.objects.create(uuid=new["uuid"])
    drain_installations()
    assert (latest(pasted).state, latest(pasted).last_error) == (State.PENDING, remedies.WAITING)

    announce(UUID(new["uuid"]), "acme-gmbh", new["code"], at=timezone.now())
    drain_installations()

    assert latest(pasted).token


def test_a_pasted_id_that_sentry_does_not_know_says_so(sandbox):
    pasted = SentryInstallation.objects.create(uuid=uuid4())

    drain_installations()

    assert (latest(pasted).state, latest(pasted).last_error) == (State.PENDING, remedies.UNKNOWN)


def test_a_pasted_id_whose_code_was_exchanged_before_is_recovered(sandbox, installation):
    SentryInstallation.objects.all().delete()
    pasted = SentryInstallation.objects.create(uuid=installation.uuid)

    drain_installations()

    assert latest(pasted).token not in ("", installation.token)


def test_the_redirects_code_is_exchanged_when_the_webhook_never_comes(sandbox):
    new = sandbox.control("install", deliver=False)

    offer_code(UUID(new["uuid"]), new["code"], new["orgSlug"], at=timezone.now())
    drain_installations()

    assert SentryInstallation.objects.get(uuid=new["uuid"]).token


def test_a_wrong_code_from_a_browser_does_not_keep_the_right_one_out(sandbox):
    new = sandbox.control("install", deliver=False)
    uuid = UUID(new["uuid"])
    offer_code(uuid, "wrong", "acme-gmbh", at=timezone.now())
    drain_installations()
    assert SentryInstallation.objects.get(uuid=uuid).last_error == remedies.WAITING

    announce(uuid, "acme-gmbh", new["code"], at=timezone.now())
    drain_installations()

    assert SentryInstallation.objects.get(uuid=uuid).token


def test_a_code_from_a_browser_never_replaces_the_announced_one(sandbox, announced):
    offer_code(announced.uuid, "wrong", "elsewhere", at=timezone.now())

    drain_installations()

    assert latest(announced).token


def test_a_late_code_never_harms_an_installation_that_has_a_token(sandbox, installation):
    offer_code(installation.uuid, "late", "elsewhere", at=timezone.now())
    announce(installation.uuid, "acme-gmbh", "late", at=timezone.now())

    assert drain_installations() == 0

    assert (latest(installation).token, latest(installation).code) == (installation.token, "")


def test_a_deleted_installation_stays_deleted_in_whichever_order_it_is_told(sandbox):
    uuid = uuid4()
    forget(uuid, at=timezone.now())
    announce(uuid, "acme-gmbh", "code", at=timezone.now())
    offer_code(uuid, "code", "acme-gmbh", at=timezone.now())

    assert drain_installations() == 0

    stored = SentryInstallation.objects.get(uuid=uuid)
    assert (stored.deleted_at is not None, stored.code, stored.token) == (True, "", "")


def test_uninstalling_drops_the_tokens_and_a_pair_that_arrives_too_late(sandbox, announced):
    (claimed,) = SentryInstallation.objects.claim(limit=1, lease_seconds=30)
    forget(announced.uuid, at=timezone.now())

    installations._settle(claimed)

    stored = latest(announced)
    assert (stored.token, stored.refresh_token, stored.state) == ("", "", State.DONE)


def test_an_announcement_told_twice_exchanges_once(sandbox, announced):
    drain_installations()
    first = latest(announced)

    announce(announced.uuid, "acme-gmbh", announced.code, at=timezone.now())

    assert drain_installations() == 0
    assert latest(announced).token == first.token


def test_a_code_older_than_ten_minutes_is_not_tried(sandbox, announced):
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=True):
        drain_installations()

    assert (latest(announced).state, latest(announced).last_error) == (State.DEAD, remedies.CODE_EXPIRED)
    assert sandbox.state()["installations"][-1]["grant"]["used"] == 0


@pytest.mark.parametrize("release", ["23.7.1", "2026"])
def test_a_code_that_sentry_refuses_asks_for_a_new_installation(sandbox, announced, release):
    sandbox.control("settings", sentry_release=release)
    SentryInstallation.objects.update(code="another")

    drain_installations()

    assert (latest(announced).state, latest(announced).last_error) == (State.DEAD, remedies.CODE_REFUSED)


@pytest.mark.parametrize("release", ["23.7.1", "2026"])
def test_a_wrong_client_secret_is_named_and_the_code_kept_for_its_ten_minutes(
    sandbox, announced, settings, release
):
    sandbox.control("settings", sentry_release=release)
    settings.SENTRY_CLIENT_SECRETS = ["wrong"]
    drain_installations()
    assert (latest(announced).state, latest(announced).last_error) == (State.PENDING, remedies.CREDENTIALS)

    settings.SENTRY_CLIENT_SECRETS = [sandbox.client_secret, "the one before"]
    make_due(announced)
    drain_installations()

    assert latest(announced).token


def test_without_credentials_nothing_is_asked_and_the_settings_are_named(sandbox, announced, settings):
    settings.SENTRY_CLIENT_SECRETS = []
    sandbox.fail("sentry_api", "status", status=500)

    drain_installations()

    assert latest(announced).last_error.startswith("The Sentry app's credentials are missing")


def test_a_lost_answer_to_the_first_exchange_is_recovered_by_a_signed_statement(sandbox, announced):
    sandbox.fail("sentry_api", "lose_answer", operation="token.post", times=1)
    drain_installations()
    assert "broke off" in latest(announced).last_error

    make_due(announced)
    drain_installations()

    stored = latest(announced)
    assert token_at_sentry(sandbox, stored) == [(stored.token, stored.refresh_token)]


def test_a_token_is_renewed_an_hour_before_it_expires(sandbox, installation):
    assert drain_installations() == 0

    with near_expiry(installation):
        drain_installations()

    stored = latest(installation)
    assert stored.token != installation.token
    assert token_at_sentry(sandbox, stored) == [(stored.token, stored.refresh_token)]


@pytest.mark.parametrize("release", ["23.7.1", "2026"])
def test_a_lost_answer_to_a_renewal_is_recovered_by_a_signed_statement(sandbox, installation, release):
    sandbox.control("settings", sentry_release=release)
    sandbox.fail("sentry_api", "lose_answer", operation="token.post", times=1)
    with near_expiry(installation):
        drain_installations()
        assert latest(installation).token == installation.token

        make_due(installation)
        drain_installations()

    stored = latest(installation)
    assert token_at_sentry(sandbox, stored) == [(stored.token, stored.refresh_token)]
    assert stored.last_error == ""


@pytest.mark.parametrize("release", ["23.7.1", "2026"])
def test_when_nothing_helps_the_page_says_to_install_anew_and_why(sandbox, installation, release):
    sandbox.control("settings", sentry_release=release, jwt_grant=False)
    sandbox.control("revoke", uuid=str(installation.uuid))

    with near_expiry(installation):
        drain_installations()

    assert (latest(installation).state, problem_of(latest(installation))) == (
        State.DEAD,
        "Sentry no longer accepts the tokens of this installation and refused to issue new ones. "
        "Uninstall the app in Sentry and install it again, because Sentry hands out a code for new tokens "
        "only on installing; then paste the new Installation ID here and save.",
    )


def test_an_installation_that_was_given_up_is_tried_once_more_when_a_hook_is_checked(
    sandbox, integration, installation
):
    sandbox.control("settings", jwt_grant=False)
    SentryInstallation.objects.update(token="lost", refresh_token="lost")
    drain_hooks()
    assert integration.hooks.get().last_error == latest(installation).last_error == remedies.TOKENS_LOST

    sandbox.control("settings", jwt_grant=True)
    want_hook(integration)
    drain_hooks()

    assert (latest(installation).state, integration.hooks.get().phase) == (State.PENDING, "active")


def test_a_new_code_that_is_announced_revives_an_installation_that_was_given_up(sandbox, installation):
    sandbox.control("settings", jwt_grant=False)
    sandbox.control("revoke", uuid=str(installation.uuid))
    with near_expiry(installation):
        drain_installations()
    assert latest(installation).state == State.DEAD

    announce(installation.uuid, "acme-gmbh", "new code", at=timezone.now())

    revived = latest(installation)
    assert (revived.state, revived.code, revived.token) == (State.PENDING, "new code", "")


def test_sentry_being_down_at_renewal_keeps_the_old_token_in_use(sandbox, installation):
    sandbox.fail("sentry_api", "status", status=503)

    with near_expiry(installation):
        drain_installations()
        assert token_for(installation) == installation.token

    assert latest(installation).state == State.PENDING
    assert "503" in latest(installation).last_error


def test_a_failing_confirmation_never_costs_the_token(sandbox, announced):
    sandbox.fail("sentry_api", "status", status=403, operation="installation.put", times=1)
    drain_installations()
    first = latest(announced)
    assert (first.state, first.verified_at, bool(first.token)) == (State.PENDING, None, True)

    make_due(announced)
    drain_installations()

    assert latest(announced).verified_at is not None


def test_a_token_about_to_expire_is_renewed_when_it_is_needed(sandbox, installation):
    with time_machine.travel(installation.token_expires_at - timedelta(seconds=30), tick=True):
        token = token_for(installation)

    assert token == latest(installation).token != installation.token


def test_a_worker_that_finds_the_token_being_renewed_waits(sandbox, installation):
    SentryInstallation.objects.claim_now(installation.pk, lease_seconds=30)

    with pytest.raises(Waiting, match="being renewed"):
        renew_after_401(installation, installation.token)


def test_a_refused_token_that_was_renewed_meanwhile_is_not_renewed_again(sandbox, installation):
    new = renew_after_401(installation, installation.token)

    assert renew_after_401(installation, installation.token) == new == latest(installation).token


def test_a_token_of_an_uninstalled_app_is_not_asked_for(sandbox, installation):
    forget(installation.uuid, at=timezone.now())

    with pytest.raises(PeerError, match="was uninstalled in Sentry") as raised:
        token_for(installation)

    assert raised.value.permanent


def test_installing_anew_is_told_where_the_old_one_is_configured(sandbox, installation):
    old = HookFactory(integration=IntegrationFactory(installation=installation, project_slug="front-end"))
    forget(installation.uuid, at=timezone.now())
    new = uuid4()

    announce(new, "acme-gmbh", "code", at=timezone.now())

    old.refresh_from_db()
    assert old.last_error == problem_of(latest(installation)) == remedies.reinstalled(new)
    assert str(new) in old.last_error
    assert old.installation_id == installation.pk


def test_a_short_lived_token_is_renewed_half_way_and_never_in_a_loop(sandbox, db):
    soon = timezone.now() + timedelta(minutes=20)
    short = InstallationFactory(
        token_renewed_at=timezone.now(), token_expires_at=soon, verified_at=timezone.now()
    )

    drain_installations()

    assert latest(short).token == short.token
    assert latest(short).due_at < soon - timedelta(minutes=9)


def test_the_hook_follows_as_soon_as_the_code_is_exchanged(sandbox, announced):
    integration = IntegrationFactory(installation=announced, project_slug="front-end")
    want_hook(integration)
    drain_hooks()

    drain_installations()
    drain_hooks()

    assert integration.hooks.get().phase == "active"
