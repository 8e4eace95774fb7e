"""The spool: on the disk before the answer, bounded, and emptied only by committed rows."""

import json
import os
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone

from durable.drains import drain_all
from integrations.models import ServiceHook
from integrations.services import remove_integration, retire
from tests.webhooks.conftest import SECRET, body_of
from webhooks import accept, hook_secrets, keeper, writer
from webhooks import spool as module
from webhooks.models import InboxMessage
from webhooks.signature import sign
from webhooks.spool import RawRequest, Spool, SpoolFull, held
from webhooks.writer import StoreUnavailable

pytestmark = pytest.mark.django_db


@pytest.fixture
def spool(tmp_path, settings, monkeypatch):
    settings.SPOOL_DIR = tmp_path / "spool"
    fresh = Spool()
    monkeypatch.setattr(accept, "spool", fresh)
    monkeypatch.setattr(keeper, "spool", fresh)
    return fresh


@pytest.fixture
def away(monkeypatch):
    """Take the database away from the accept path; call it to give it back."""

    def refuse(*args, **kwargs):
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(writer.writer, "store", refuse)
        patch.setattr(writer.writer, "call", refuse)
        yield patch.undo


def files(settings) -> list[Path]:
    return sorted(Path(settings.SPOOL_DIR).glob("*/*.request"))


def test_a_delivery_while_the_database_is_away_is_on_disk_and_taken_in_later(
    hook, deliver, spool, away, settings
):
    hook_secrets.cache.keep(hook.address, hook_secrets.read_hook(hook.address))
    assert deliver(hook).status_code == 202
    assert (len(files(settings)), InboxMessage.objects.count()) == (1, 0)
    away()

    assert keeper.take_in() == 1
    assert bytes(InboxMessage.objects.get().body or b"") == body_of("seed-staging")
    assert files(settings) == []


def test_a_forgery_is_refused_with_the_cached_secret_while_the_database_is_away(
    hook, deliver, spool, away, settings
):
    hook_secrets.cache.keep(hook.address, hook_secrets.read_hook(hook.address))

    assert deliver(hook, headers={"X-ServiceHook-Signature": "0" * 64}).status_code == 401
    assert files(settings) == []


def test_what_a_secret_of_long_ago_does_not_prove_is_kept_until_it_can_be_checked(
    hook, deliver, spool, away, settings, monkeypatch
):
    hook_secrets.cache.keep(hook.address, hook_secrets.read_hook(hook.address))
    hook.secret = "made-anew"
    hook.save()
    monkeypatch.setattr(hook_secrets, "FRESH_SECONDS", 0.0)  # it was read an hour ago

    signature = sign(body_of("seed-staging"), "made-anew")
    answer = deliver(hook, headers={"X-ServiceHook-Signature": signature})

    assert (answer.status_code, len(files(settings))) == (202, 1)


def test_what_could_not_be_verified_is_verified_when_taken_in(hook, deliver, spool, away):
    assert deliver(hook).status_code == 202
    assert deliver(hook, "seed-production", headers={"X-ServiceHook-Signature": "0" * 64}).status_code == 202
    away()

    keeper.take_in()

    assert [bytes(message.body or b"") for message in InboxMessage.objects.all()] == [body_of("seed-staging")]


def test_an_app_webhook_is_spooled_too(hook, deliver_app, spool, away, settings):
    uuid = json.loads(body_of("seed-staging", "error-created"))["installation"]["uuid"]
    type(hook.installation).objects.filter(pk=hook.installation_id).update(uuid=uuid)
    assert deliver_app("seed-staging").status_code == 202
    away()

    keeper.take_in()

    assert InboxMessage.objects.get().source == "app"


def test_a_full_spool_is_the_only_503(hook, deliver, spool, away, settings):
    hook_secrets.cache.keep(hook.address, hook_secrets.read_hook(hook.address))
    settings.SPOOL_MAX_BYTES = len(body_of("seed-staging")) + 1000

    assert [deliver(hook).status_code for _ in range(2)] == [202, 503]


def test_a_tenth_of_the_spool_may_be_unverified(spool, settings):
    settings.SPOOL_MAX_BYTES = 20_000
    request = RawRequest(uuid4(), "", b"x" * 1500)
    spool.keep(request, is_verified=False)

    with pytest.raises(SpoolFull):
        spool.keep(request, is_verified=False)
    spool.keep(request, is_verified=True)


def test_folders_and_files_are_private(spool, settings):
    spool.keep(RawRequest(uuid4(), "", b"x"), is_verified=True)

    modes = {
        oct(path.stat().st_mode & 0o777) for path in (Path(settings.SPOOL_DIR), files(settings)[0].parent)
    }
    assert (modes, oct(files(settings)[0].stat().st_mode & 0o777)) == ({"0o700"}, "0o600")


def test_a_damaged_file_is_set_aside_and_holds_up_nobody(hook, spool, settings):
    good = RawRequest(hook.address, sign(body_of("seed-staging"), SECRET), body_of("seed-staging"))
    for _ in range(2):
        spool.keep(good, is_verified=True)
    files(settings)[0].write_bytes(b"half a fi")

    keeper.take_in()

    assert InboxMessage.objects.count() == 1
    assert len(list((Path(settings.SPOOL_DIR) / "set-aside").iterdir())) == 1


def test_a_request_verified_before_it_was_spooled_survives_a_new_secret(hook, deliver, spool, away):
    hook_secrets.cache.keep(hook.address, hook_secrets.read_hook(hook.address))
    deliver(hook)
    type(hook).objects.update(secret="rotated meanwhile")
    away()

    keeper.take_in()

    assert InboxMessage.objects.count() == 1


def test_the_folder_of_a_dead_process_is_taken_over(hook, spool, settings):
    spool.keep(RawRequest(hook.address, "", body_of("seed-staging")), is_verified=True)
    orphan = files(settings)[0].parent
    os.close(held.pop(orphan))  # as the end of a process does

    assert [file.parent for file in Spool().waiting()] == [orphan]


def test_what_a_dead_process_was_writing_is_set_aside(hook, spool, settings):
    spool.keep(RawRequest(hook.address, "", body_of("seed-staging")), is_verified=True)
    orphan = files(settings)[0].parent
    (orphan / "half").write_bytes(b"{")
    os.close(held.pop(orphan))

    assert len(list(Spool().waiting())) == 1
    assert [file.name for file in (Path(settings.SPOOL_DIR) / "set-aside").iterdir()] == ["half"]


def test_a_file_that_cannot_be_taken_in_yet_is_not_always_first(hook, spool, settings):
    for _ in range(20):
        spool.keep(RawRequest(hook.address, "", b"{}"), is_verified=True)

    assert len({next(spool.waiting()) for _ in range(40)}) > 1


def test_a_disk_that_takes_not_even_a_folder_is_a_full_spool(spool, monkeypatch):
    monkeypatch.setattr(module, "FOLDER_TRIES", 0)

    with pytest.raises(SpoolFull):
        spool.keep(RawRequest(uuid4(), "", b"x"), is_verified=True)


def test_what_cannot_be_taken_yet_stays(hook, deliver, deliver_app, spool, away, settings, monkeypatch):
    settings.SENTRY_CLIENT_SECRETS = [SECRET]
    ServiceHook.objects.update(secret="")
    hook_secrets.cache.clear()
    assert (deliver(hook).status_code, deliver_app("seed-production").status_code) == (202, 202)
    away()
    settings.SENTRY_CLIENT_SECRETS = []
    monkeypatch.setattr(accept, "UNVERIFIED_MESSAGES", 0)

    assert (keeper.take_in(), len(files(settings))) == (0, 2)
    settings.SENTRY_CLIENT_SECRETS = [SECRET]
    ServiceHook.objects.update(secret=SECRET)
    hook_secrets.cache.clear()
    assert (keeper.take_in(), len(files(settings))) == (2, 0)


def test_a_genuine_request_of_a_hook_nobody_knows_any_more_is_set_aside(hook, deliver, spool, away, settings):
    hook_secrets.cache.keep(hook.address, hook_secrets.read_hook(hook.address))
    deliver(hook)
    away()
    ServiceHook.objects.all().delete()
    hook_secrets.cache.clear()

    assert keeper.take_in() == 0
    assert len(list((Path(settings.SPOOL_DIR) / "set-aside").iterdir())) == 1


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_belongs_to_another_user_holds_up_nobody(
    hook, deliver, spool, away, settings, monkeypatch, what
):
    hook_secrets.cache.keep(hook.address, hook_secrets.read_hook(hook.address))
    deliver(hook)
    [ours] = files(settings)
    theirs = Path(settings.SPOOL_DIR) / "0-copied"  # looked at first
    theirs.mkdir()
    (theirs / "1.request").write_bytes(ours.read_bytes())
    name, denied = ("read_bytes", theirs / "1.request") if what == "file" else ("iterdir", theirs)
    allowed = getattr(Path, name)

    def only_ours(path):
        if path == denied:
            raise PermissionError(13, "Permission denied", str(path))
        return allowed(path)

    monkeypatch.setattr(Path, name, only_ours)
    away()
    monkeypatch.setattr(Path, name, only_ours)  # `away` undid it too

    assert keeper.take_in() == 1
    assert files(settings) == [theirs / "1.request"]


def test_what_came_in_before_its_hook_was_replaced_is_stored_however_late_it_is_taken_in(
    hook, deliver, spool, away, time_machine
):
    """A host that was down for an hour, for example."""
    assert deliver(hook).status_code == 202
    away()
    retire([hook])
    time_machine.move_to(timezone.now() + timedelta(hours=1))

    keeper.take_in()

    assert InboxMessage.objects.get().integration == hook.integration


def test_what_came_in_before_its_integration_was_deleted_still_goes_out(
    hook, deliver, deliver_app, spool, away, settings, fme
):
    settings.SENTRY_CLIENT_SECRETS = [SECRET]
    envelope = json.loads(body_of("seed-production", "error-created"))
    type(hook.installation).objects.filter(pk=hook.installation_id).update(
        uuid=envelope["installation"]["uuid"]
    )
    assert (deliver(hook).status_code, deliver_app("seed-production").status_code) == (202, 202)
    away()
    remove_integration(hook.integration)

    keeper.take_in()
    drain_all()

    assert {event["environmentName"] for event in fme.events} == {"Staging", "Production"}
