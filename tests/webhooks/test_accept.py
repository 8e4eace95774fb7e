"""Status codes in the contract's order, one row per message, nothing lost beside a bad request."""

import json
from uuid import uuid4

import pytest

from integrations.models import ServiceHook
from tests.factories import HookFactory, InstallationFactory, IntegrationFactory
from tests.webhooks.conftest import SECRET, body_of
from webhooks import accept, hook_secrets
from webhooks.accept import Deadline
from webhooks.inbox import drain_inbox
from webhooks.models import InboxMessage
from webhooks.signature import sign
from webhooks.spool import RawRequest

pytestmark = pytest.mark.django_db


def test_a_signed_delivery_is_stored_as_received(hook, deliver):
    response = deliver(hook)

    message = InboxMessage.objects.get()
    assert response.status_code == 202
    assert bytes(message.body or b"") == body_of("seed-staging")
    assert (message.integration_id, message.source) == (hook.integration_id, "service_hook")


def test_a_repeated_delivery_is_stored_once(hook, deliver):
    first, second = deliver(hook), deliver(hook)

    assert (first.status_code, second.status_code) == (202, 202)
    assert InboxMessage.objects.count() == 1


def test_both_sources_of_one_event_are_stored_once(hook, deliver, deliver_app, settings):
    settings.SENTRY_CLIENT_SECRETS = [SECRET]
    uuid = json.loads(body_of("seed-staging", "error-created"))["installation"]["uuid"]
    type(hook.installation).objects.filter(pk=hook.installation_id).update(uuid=uuid)

    first, second = deliver_app("seed-staging"), deliver(hook)

    assert (first.status_code, second.status_code) == (202, 202)
    assert InboxMessage.objects.get().source == "app"


def test_only_post_is_answered(client, hook):
    response = client.get(f"/webhooks/sentry/hooks/{hook.address}/")

    assert (response.status_code, response["Allow"]) == (405, "POST")


def test_a_body_over_the_limit_is_refused_before_the_address_is_looked_up(hook, deliver, settings):
    settings.WEBHOOK_MAX_BYTES = 100

    assert deliver(hook, address=uuid4()).status_code == 413


def test_an_address_never_issued_is_not_found_whatever_the_signature(hook, deliver):
    assert deliver(hook, address=uuid4(), headers={"X-ServiceHook-Signature": ""}).status_code == 404


@pytest.mark.parametrize("signature", ["", "0" * 64, "é", sign(body_of("seed-staging"), "other secret")])
def test_a_wrong_signature_is_refused_and_nothing_is_stored(hook, deliver, signature):
    assert deliver(hook, headers={"X-ServiceHook-Signature": signature}).status_code == 401
    assert not InboxMessage.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        b"no json",
        b"[]",
        b"{}",
        b'{"event": 7}',
        b'{"event": {"eventID": "short"}}',
        b'{"event": {"eventID": null}}',
    ],
    ids=["no json", "a list", "no event", "event is a number", "short id", "null id"],
)
def test_a_signed_body_without_an_event_id_is_refused(hook, deliver, body):
    assert (
        deliver(hook, body=body, headers={"X-ServiceHook-Signature": sign(body, SECRET)}).status_code == 400
    )


def test_a_signed_body_that_nobody_can_read_is_stored_for_a_skip(hook, deliver):
    body = json.dumps({"event": {"eventID": "a" * 32, "tags": "\ud800", "dateCreated": 7}}).encode()

    assert (
        deliver(hook, body=body, headers={"X-ServiceHook-Signature": sign(body, SECRET)}).status_code == 202
    )
    assert InboxMessage.objects.get().event_id == "a" * 32


def test_a_removed_hook_is_answered_and_ignored_even_unsigned(hook, deliver):
    ServiceHook.objects.update(wanted="absent", retired_at="2020-01-01T00:00:00Z")

    assert deliver(hook, headers={"X-ServiceHook-Signature": ""}).status_code == 202
    assert not InboxMessage.objects.exists()


def test_a_replaced_hook_still_takes_messages_for_ten_minutes(hook, deliver, time_machine):
    time_machine.move_to("2026-11-23T10:00:00Z", tick=False)
    ServiceHook.objects.update(wanted="absent", retired_at="2026-11-23T09:51:00Z")

    assert deliver(hook).status_code == 202
    assert InboxMessage.objects.count() == 1


def test_a_message_before_its_hooks_secret_waits_unverified(hook, deliver):
    ServiceHook.objects.update(secret="")

    assert deliver(hook).status_code == 202
    assert InboxMessage.objects.get().unverified_signature


def test_a_new_secret_is_looked_for_before_a_mismatch_is_one(hook, deliver, monkeypatch):
    deliver(hook, "seed-production")
    ServiceHook.objects.update(secret="rotated")
    monkeypatch.setattr("webhooks.hook_secrets.REREAD_SECONDS", -1)
    body = body_of("seed-staging")

    response = deliver(hook, headers={"X-ServiceHook-Signature": sign(body, "rotated")})

    assert response.status_code == 202


def test_an_app_webhook_goes_to_every_integration_of_that_sentry_project(deliver_app):
    uuid = json.loads(body_of("seed-staging", "error-created"))["installation"]["uuid"]
    installation = InstallationFactory(uuid=uuid)
    for slug in ("front-end", "front-end", "back-end"):
        HookFactory(integration=IntegrationFactory(installation=installation, project_slug=slug))

    assert deliver_app("seed-staging").status_code == 202
    assert set(InboxMessage.objects.values_list("integration__project_slug", flat=True)) == {"front-end"}
    assert InboxMessage.objects.count() == 2


def test_an_app_webhook_of_a_project_nobody_configured_is_understood(deliver_app):
    assert deliver_app("seed-staging").status_code == 200


def test_other_resources_are_understood_and_ignored(deliver_app):
    assert deliver_app("seed-staging", "issue-created").status_code == 200


def test_without_a_client_secret_nothing_is_ever_verified(deliver_app, settings):
    settings.SENTRY_CLIENT_SECRETS = []
    unsigned = {"Sentry-Hook-Signature": sign(body_of("seed-staging", "error-created"), "")}

    assert deliver_app("seed-staging", headers=unsigned).status_code == 503


def test_an_app_webhook_with_a_wrong_signature_is_refused(deliver_app):
    assert deliver_app("seed-staging", headers={"Sentry-Hook-Signature": "0" * 64}).status_code == 401


def test_either_client_secret_verifies_while_they_rotate(deliver_app, settings):
    settings.SENTRY_CLIENT_SECRETS = ["new-secret", SECRET]

    assert deliver_app("seed-staging").status_code == 200


def test_a_delivery_without_a_signature_is_no_message_while_the_secret_is_unknown(hook, deliver):
    ServiceHook.objects.update(secret="")

    answers = [
        deliver(hook, headers={"X-ServiceHook-Signature": text}).status_code for text in ("", "x" * 200)
    ]

    assert (answers, InboxMessage.objects.count()) == ([401, 401], 0)


def test_a_delivery_with_the_secret_of_a_hook_made_anew_waits_for_it(hook, deliver, monkeypatch):
    deliver(hook)
    ServiceHook.objects.update(secret="")
    monkeypatch.setattr(hook_secrets, "REREAD_SECONDS", 0.0)
    newer = {"X-ServiceHook-Signature": sign(body_of("seed-production"), "another")}

    assert deliver(hook, "seed-production", headers=newer).status_code == 202
    assert InboxMessage.objects.exclude(unverified_signature="").count() == 1


def test_a_mistake_of_ours_costs_no_message(hook, deliver, monkeypatch, settings, tmp_path):
    settings.SPOOL_DIR = tmp_path / "spool"
    monkeypatch.setattr(accept, "find_hook", lambda *args: 1 / 0)

    assert deliver(hook).status_code == 202
    assert len(list(settings.SPOOL_DIR.glob("*/*.request"))) == 1


def test_all_steps_of_a_request_share_one_deadline(monkeypatch, settings):
    settings.HOOK_DEADLINE_SECONDS = 3.0
    clock = iter([100.0, 102.0, 102.5, 104.0])
    monkeypatch.setattr("webhooks.accept.time.monotonic", clock.__next__)
    deadline = Deadline.of(RawRequest(uuid4(), "", b""))

    assert [deadline.seconds_left for _ in range(3)] == [1.0, 0.5, 0.0]


def test_what_no_parser_can_follow_is_kept_and_becomes_a_skip(hook, deliver):
    deep = b"[" * 100_000 + b"]" * 100_000
    body = b'{"event": {"eventID": "%s", "extra": %s}}' % (b"ab" * 16, deep)

    response = deliver(hook, body=body, headers={"X-ServiceHook-Signature": sign(body, SECRET)})
    drain_inbox()

    message = InboxMessage.objects.get()
    assert (response.status_code, message.event_id) == (202, "ab" * 16)
    assert [skip["code"] for skip in message.skips] == ["payload_unreadable"]
