"""An encryption key that is gone before `rotate_keys` ran: what needs a secret waits and says why, all else goes on."""

import pytest
from cryptography.fernet import Fernet
from django.urls import reverse
from django.utils import timezone

from integrations.fields import UnreadableSecret
from integrations.hooks import drain_hooks
from integrations.installations import drain_installations
from integrations.models import Environment, SentryInstallation, ServiceHook
from tests.factories import EnvironmentFactory, EventFactory, UserFactory
from webhooks import hook_secrets
from webhooks.inbox import drain_inbox
from webhooks.models import Delivery, DeliveryAttempt, InboxMessage
from webhooks.outbox import drain_outbox

pytestmark = pytest.mark.django_db

WORDS = "Put the old key back at the end of the list."


class Keys:
    """FIELD_ENCRYPTION_KEYS over restarts of the product."""

    def __init__(self, settings):
        self.settings = settings
        self.before = list(settings.FIELD_ENCRYPTION_KEYS)

    def lose(self):
        """Start again with another key; what was encrypted before cannot be read."""
        self.start_with(Fernet.generate_key().decode())

    def put_back(self):
        """Start again with the old key at the end of the list."""
        self.start_with(*self.settings.FIELD_ENCRYPTION_KEYS, *self.before)

    def start_with(self, *keys):
        self.settings.FIELD_ENCRYPTION_KEYS = list(keys)
        hook_secrets.cache.clear()


@pytest.fixture
def keys(settings):
    return Keys(settings)


def test_one_environment_waits_and_the_other_is_delivered(waiting, environment, fme, keys):
    waiting("lost")
    keys.lose()
    EventFactory(environment=EnvironmentFactory(name="Readable"), key="read")

    drain_outbox()

    assert [event["key"] for event in fme.events] == ["read"]
    environment.refresh_from_db(fields=["hold_reason", "hold_until"])
    assert environment.hold_reason.startswith(
        "Environment.sdk_key was encrypted with a key that is not among"
    )
    assert WORDS in environment.hold_reason
    assert environment.hold_until > timezone.now()
    assert DeliveryAttempt.objects.filter(environment=environment).count() == 0
    assert list(
        Delivery.objects.filter(environment=environment).values_list("state", "claim", "attempts")
    ) == [("pending", None, 0)]


def test_a_key_put_back_delivers_what_waited(waiting, environment, fme, keys):
    waiting("lost")
    keys.lose()
    drain_outbox()
    keys.put_back()
    Environment.objects.update(hold_until=timezone.now())

    drain_outbox()

    assert [event["key"] for event in fme.events] == ["lost"]
    assert Environment.objects.get(pk=environment.pk).hold_reason == ""


def test_a_key_lost_in_the_middle_of_a_backlog_holds_too(together, environment, fme, keys, monkeypatch):
    together(*"abcdef")
    monkeypatch.setattr("webhooks.outbox.KEY_SECONDS", 0.0)
    fme.answers = [(413, {}, "too large")]
    fme.on_post = keys.lose

    drain_outbox()

    assert WORDS in Environment.objects.get(pk=environment.pk).hold_reason
    assert set(Delivery.objects.values_list("state", "claim")) == {("pending", None)}


def test_messages_are_taken_unverified_and_wait_for_the_hooks_secret(hook, deliver, keys):
    keys.lose()

    assert deliver(hook).status_code == 202
    drain_inbox()

    message = InboxMessage.objects.get()
    assert (message.state, WORDS in message.last_error) == ("pending", True)
    keys.put_back()
    InboxMessage.objects.update(due_at=timezone.now())

    drain_inbox()

    assert InboxMessage.objects.get().outcome == "partly"


def test_messages_are_translated_without_any_secret(hook, deliver, keys):
    deliver(hook)
    keys.lose()

    drain_inbox()

    assert InboxMessage.objects.get().outcome == "partly"


def test_hooks_and_installations_wait_and_are_never_given_up(hook, keys):
    ServiceHook.objects.update(due_at=timezone.now())
    SentryInstallation.objects.update(due_at=timezone.now(), token_expires_at=timezone.now())
    keys.lose()

    for _ in range(7):
        drain_hooks()
        drain_installations()
        ServiceHook.objects.update(due_at=timezone.now())
        SentryInstallation.objects.update(due_at=timezone.now())

    for rows in (ServiceHook.objects, SentryInstallation.objects):
        row = rows.get()
        assert (row.state, row.faults, WORDS in row.last_error) == ("pending", 0, True)


def test_the_pages_stay_open(hook, client, keys):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    integration = hook.integration
    keys.lose()

    pages = [
        integration.get_absolute_url(), reverse("integrations"), reverse("environments"), reverse("installations"),
        reverse("checklist"), reverse("test_exception", args=[integration.pk]),
        reverse("integration_edit", args=[integration.pk]),
        reverse("admin:integrations_environment_changelist"),
        reverse("admin:integrations_servicehook_change", args=[hook.pk]),
        reverse("admin:integrations_sentryinstallation_change", args=[hook.installation_id]),
    ]  # fmt: skip

    assert {page: client.get(page).status_code for page in pages} == dict.fromkeys(pages, 200)
    page = client.get(reverse("environments")).content.decode()
    assert "SDK key unreadable" in page
    assert WORDS in page
    assert (
        "cannot be read" in client.get(reverse("admin:integrations_environment_changelist")).content.decode()
    )
    answer = client.post(reverse("test_exception", args=[integration.pk]), {"environment": "staging"})
    assert "could not be signed" in answer.content.decode()


def test_an_environment_that_is_gone_and_holds_an_unreadable_key_stays_on_the_page(hook, client, keys):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    EnvironmentFactory(name="Gone", project=hook.integration.project, gone_at=timezone.now())
    keys.lose()

    page = client.get(f"{reverse('environments')}?project={hook.integration.project_id}").content.decode()

    assert "Gone" in page


def test_saving_a_row_leaves_an_unreadable_secret_as_it_is(hook, keys):
    secret = hook.secret
    keys.lose()
    row = ServiceHook.objects.get()
    row.remote_id = "other"

    row.save()

    with pytest.raises(UnreadableSecret, match=r"ServiceHook\.secret"):
        _ = ServiceHook.objects.get().secret
    keys.put_back()
    assert ServiceHook.objects.get().secret == secret
