"""Save → the hook exists at Sentry, against the sandbox over real HTTP."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from durable.models import State
from integrations import hooks, remedies
from integrations.announcements import forget
from integrations.hooks import drain_hooks
from integrations.installations import drain_installations
from integrations.models import SentryInstallation, ServiceHook
from integrations.payloads.lenient import JsonObject
from integrations.peers import Peer
from integrations.sentry import SentryClient
from integrations.services import remove_integration, want_hook
from tests.factories import IntegrationFactory

pytestmark = pytest.mark.django_db


def at_sentry(sandbox):
    """(project, id, address, secret) of every hook at Sentry, oldest first."""
    return [(hook["project"], hook["id"], hook["url"], hook["secret"]) for hook in sandbox.state()["hooks"]]


def as_stored(hook):
    return (hook.project_slug, hook.remote_id, hook.url, hook.secret)


def in_an_hour():
    return time_machine.travel(timezone.now() + timedelta(hours=1, seconds=1), tick=True)


def test_saving_makes_one_hook_and_keeps_its_secret(sandbox, integration):
    drain_hooks()

    hook = integration.hooks.get()
    assert (hook.phase, hook.last_error) == ("active", "")
    assert at_sentry(sandbox) == [as_stored(hook)]


def test_a_crash_between_making_and_storing_leaves_exactly_one_hook(sandbox, integration, monkeypatch):
    hook = integration.hooks.get()
    monkeypatch.setattr(hooks, "_remember", lambda *args: pytest.fail("the process dies here"))
    with pytest.raises(pytest.fail.Exception):
        drain_hooks()
    monkeypatch.undo()

    ServiceHook.objects.filter(pk=hook.pk).arm()
    drain_hooks()

    hook.refresh_from_db()
    assert hook.phase == "active"
    assert at_sentry(sandbox) == [as_stored(hook)]


def test_an_answer_lost_on_the_way_leaves_exactly_one_hook(sandbox, integration):
    sandbox.fail("sentry_api", "lose_answer", operation="hooks.post", times=1)
    drain_hooks()
    hook = integration.hooks.get()
    assert "broke off" in hook.last_error

    ServiceHook.objects.filter(pk=hook.pk).update(due_at=timezone.now())
    drain_hooks()

    hook.refresh_from_db()
    assert (hook.phase, hook.last_error) == ("active", "")
    assert at_sentry(sandbox) == [as_stored(hook)]


def test_a_second_hook_with_our_address_is_removed(sandbox, integration):
    drain_hooks()
    hook = integration.hooks.get()
    sandbox.control("hook", project="front-end", url=hook.url, events=["event.created"])

    with in_an_hour():
        drain_hooks()

    assert at_sentry(sandbox) == [as_stored(hook)]


def test_hooks_of_others_are_left_alone(sandbox, integration):
    sandbox.control("hook", project="front-end", url="https://other.example.com/", events=["event.alert"])

    drain_hooks()

    addresses = [url for _, _, url, _ in at_sentry(sandbox)]
    assert addresses == ["https://other.example.com/", integration.hooks.get().url]


def test_our_hook_is_found_behind_more_than_a_page_of_others(sandbox, integration):
    hook = integration.hooks.get()
    sandbox.control("hook", project="front-end", url=hook.url, events=["event.created"])
    for number in range(101):
        sandbox.control("hook", project="front-end", url=f"https://other.example.com/{number}", events=[])

    drain_hooks()

    hook.refresh_from_db()
    assert [row for row in at_sentry(sandbox) if row[2] == hook.url] == [as_stored(hook)]


def test_a_hook_changed_at_sentry_is_put_right_within_the_hour(sandbox, integration, installation):
    drain_hooks()
    hook = integration.hooks.get()
    changed: JsonObject = {"url": f"{hook.url}app/", "events": ["event.alert"], "isActive": False}
    path = f"/api/0/projects/acme-gmbh/front-end/hooks/{hook.remote_id}/"
    bearer = {"Authorization": f"Bearer {installation.token}"}
    Peer("Sentry", sandbox.url).ask("PUT", path, headers=bearer, body=changed).expect(200)

    with in_an_hour():
        drain_hooks()

    (remote,) = sandbox.state()["hooks"]
    assert (remote["id"], remote["url"], remote["events"], remote["status"]) == (
        hook.remote_id, hook.url, ["event.created"], "active"
    )  # fmt: skip


def test_a_hook_removed_at_sentry_is_made_again(sandbox, integration, caplog):
    drain_hooks()
    sandbox.control("hook", delete=integration.hooks.get().remote_id)

    with in_an_hour():
        drain_hooks()

    assert at_sentry(sandbox) == [as_stored(integration.hooks.get())]
    assert "vanished at Sentry" in caplog.text


def test_a_hook_is_made_again_without_its_old_secret(sandbox, integration):
    drain_hooks()
    hook = integration.hooks.get()
    sandbox.control("hook", delete=hook.remote_id)
    sandbox.fail("sentry_api", "lose_answer", operation="hooks.post", times=1)

    with in_an_hour():
        drain_hooks()

    hook.refresh_from_db()
    assert (hook.secret, hook.state) == ("", State.PENDING)


def test_changing_the_slug_moves_the_hook(sandbox, integration):
    drain_hooks()
    integration.project_slug = "back-end"
    integration.save()
    want_hook(integration)

    drain_hooks()

    old, new = integration.hooks.order_by("pk")
    assert (old.wanted, old.state, old.takes_messages) == ("absent", State.DONE, True)
    assert at_sentry(sandbox) == [as_stored(new)]


def test_deleting_the_integration_removes_the_hook_and_keeps_a_tombstone(sandbox, integration):
    drain_hooks()
    remove_integration(integration)

    drain_hooks()

    hook = integration.hooks.get()
    assert (hook.wanted, hook.state, hook.last_error) == ("absent", State.DONE, "")
    assert at_sentry(sandbox) == []


def test_a_hook_that_is_gone_already_is_removed_without_complaint(sandbox, integration):
    drain_hooks()
    sandbox.control("hook", delete=integration.hooks.get().remote_id)
    remove_integration(integration)

    drain_hooks()

    assert integration.hooks.get().state == State.DONE


def test_removing_without_the_permission_says_so_and_stays(sandbox, integration, installation):
    drain_hooks()
    with_scopes(sandbox, installation, ["project:write"])
    remove_integration(integration)

    drain_hooks()

    hook = integration.hooks.get()
    assert (hook.phase, hook.state, hook.takes_messages) == ("deleting", State.DEAD, True)
    assert "that needs “Project: Admin”" in hook.last_error
    assert "You do not have permission to perform this action." in hook.last_error


def test_making_without_the_permission_names_it(sandbox, integration, installation):
    with_scopes(sandbox, installation, ["project:read"])

    drain_hooks()

    hook = integration.hooks.get()
    assert hook.phase == "failed"
    assert hook.last_error == (
        "Sentry refused (403): You do not have permission to perform this action. The app lacks the "
        "permission: give it “Project: Admin” in Sentry (Settings → Developer Settings), accept it for the "
        "installation, and check again."
    )


def test_a_plan_without_service_hooks_is_named_and_heals_on_check_now(sandbox, integration):
    sandbox.control("settings", service_hooks=False)
    drain_hooks()
    hook = integration.hooks.get()
    assert hook.phase == "failed"
    assert "You do not have that feature enabled. Service hooks are not switched on" in hook.last_error

    sandbox.control("settings", service_hooks=True)
    ServiceHook.objects.filter(pk=hook.pk).arm()
    drain_hooks()

    assert integration.hooks.get().phase == "active"


def test_a_refused_hook_is_tried_again_a_day_later(sandbox, integration):
    sandbox.control("settings", service_hooks=False)
    drain_hooks()
    sandbox.control("settings", service_hooks=True)
    drain_hooks()
    assert integration.hooks.get().phase == "failed"

    with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1), tick=True):
        drain_hooks()

    hook = integration.hooks.get()
    assert (hook.phase, hook.last_error) == ("active", "")


def test_a_hook_that_is_still_refused_says_so_all_the_time(sandbox, integration):
    sandbox.control("settings", service_hooks=False)
    drain_hooks()
    before = integration.hooks.get()

    with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1), tick=True):
        drain_hooks()
        drain_hooks()

    hook = integration.hooks.get()
    assert (hook.phase, hook.last_error, hook.attempts) == ("failed", before.last_error, 1)


def test_a_wrong_project_slug_is_named(sandbox, installation):
    wrong = IntegrationFactory(installation=installation, project_slug="frontend")
    want_hook(wrong)

    drain_hooks()

    hook = wrong.hooks.get()
    assert hook.phase == "failed"
    assert "Sentry finds no project “frontend” in the organization “acme-gmbh”" in hook.last_error


def test_an_organization_of_another_installation_is_named(sandbox, installation):
    wrong = IntegrationFactory(installation=installation, organization="acme", project_slug="front-end")
    want_hook(wrong)

    drain_hooks()

    assert "belongs to the Sentry organization “acme-gmbh”, not to “acme”" in wrong.hooks.get().last_error


def test_a_renamed_project_is_named_by_its_new_slug(sandbox, integration):
    sandbox.control("rename", project="front-end", slug="shop")

    drain_hooks()

    hook = integration.hooks.get()
    assert hook.phase == "failed"
    assert "the project “front-end” is now called “shop”" in hook.last_error


def test_a_hook_of_a_renamed_project_is_removed_under_its_new_name(sandbox, integration):
    drain_hooks()
    sandbox.control("rename", project="front-end", slug="shop")
    integration.project_slug = "shop"
    integration.save()
    want_hook(integration)

    drain_hooks()
    ServiceHook.objects.filter(wanted="absent").update(due_at=timezone.now())
    drain_hooks()

    old, new = integration.hooks.order_by("pk")
    assert (old.state, old.last_error) == (State.DONE, "")
    assert at_sentry(sandbox) == [as_stored(new)]


def test_an_address_that_sentry_refuses_is_named(sandbox, integration, settings):
    settings.PUBLIC_URL = "localhost"

    drain_hooks()

    hook = integration.hooks.get()
    assert hook.phase == "failed"
    assert "url: Enter a valid URL." in hook.last_error
    assert "Set PUBLIC_URL" in hook.last_error


def test_sentry_being_down_is_tried_again_with_a_date(sandbox, integration):
    sandbox.fail("sentry_api", "status", status=503, times=1)
    drain_hooks()
    hook = integration.hooks.get()
    assert (hook.state, hook.phase) == (State.PENDING, "pending")
    assert hook.due_at > timezone.now()
    assert "503" in hook.last_error

    ServiceHook.objects.update(due_at=timezone.now())
    drain_hooks()

    assert integration.hooks.get().phase == "active"


def test_a_rate_limit_is_waited_for(sandbox, integration):
    sandbox.control("settings", sentry_rate_limit={"limit": 0, "window": 600})

    drain_hooks()

    hook = integration.hooks.get()
    assert hook.state == State.PENDING
    assert "as long as Sentry wishes" in hook.last_error
    assert hook.due_at > timezone.now()


def test_an_expired_token_is_renewed_and_the_call_repeated(sandbox, integration, installation):
    sandbox.control("expire", uuid=str(installation.uuid))

    drain_hooks()

    assert integration.hooks.get().phase == "active"
    renewed = SentryInstallation.objects.get(pk=installation.pk)
    assert renewed.token != installation.token
    assert renewed.refresh_token != installation.refresh_token


def test_a_hook_waits_for_its_installation_and_is_due_as_soon_as_the_token_comes(sandbox, announced):
    waiting = IntegrationFactory(installation=announced, project_slug="front-end")
    want_hook(waiting)
    drain_hooks()
    assert waiting.hooks.get().last_error.startswith("Waiting for Sentry to announce this installation.")

    drain_installations()
    drain_hooks()

    assert waiting.hooks.get().phase == "active"


def test_uninstalling_stops_the_hook_and_says_so(sandbox, integration, installation):
    drain_hooks()

    forget(installation.uuid, at=timezone.now())
    drain_hooks()

    hook = integration.hooks.get()
    assert hook.phase == "failed"
    assert hook.last_error.startswith("The app was uninstalled in Sentry")


def test_a_hook_of_a_gone_installation_is_removed_without_asking(sandbox, integration, installation):
    drain_hooks()
    remove_integration(integration)
    forget(installation.uuid, at=timezone.now())
    sandbox.fail("sentry_api", "status", status=500)

    drain_hooks()

    assert integration.hooks.get().state == State.DONE


def test_nothing_is_made_under_a_lost_claim(sandbox, integration, monkeypatch):
    listed = SentryClient.list_hooks

    def listed_while_somebody_saves(client):
        found = listed(client)
        ServiceHook.objects.all().arm(wanted="absent")
        return found

    monkeypatch.setattr(SentryClient, "list_hooks", listed_while_somebody_saves)
    (hook,) = ServiceHook.objects.claim(limit=1, lease_seconds=30)
    hooks._settle(hook)

    assert at_sentry(sandbox) == []


def with_scopes(sandbox, installation, scopes):
    """Give the stored installation a token that may do less."""
    token = sandbox.control("token", uuid=str(installation.uuid), scopes=scopes)["token"]
    installation.token = token
    installation.save(update_fields=["token"])


def test_a_new_token_that_is_refused_too_ends_in_a_sentence(sandbox, integration):
    sandbox.fail("sentry_api", "status", status=401, operation="hooks.get")

    drain_hooks()

    hook = integration.hooks.get()
    assert hook.phase == "failed"
    assert "does not accept the installation's token although it is new" in hook.last_error


def test_a_hook_without_an_installation_asks_for_one(db):
    hook = ServiceHook.objects.create(organization="acme-gmbh", project_slug="front-end")

    drain_hooks()

    hook.refresh_from_db()
    assert (hook.state, hook.last_error) == (State.DEAD, remedies.NO_INSTALLATION)


def test_a_hook_whose_integration_is_deleted_while_it_is_made_is_removed(sandbox, integration, monkeypatch):
    create, is_first = SentryClient.create_hook, [True]

    def slow(self, url):
        if is_first and is_first.pop():
            remove_integration(integration)
            drain_hooks()  # another worker lists, finds nothing, and is done
        return create(self, url)

    monkeypatch.setattr(SentryClient, "create_hook", slow)

    drain_hooks()
    drain_hooks()

    assert sandbox.state()["hooks"] == []
    assert ServiceHook.objects.get().state == State.DONE
