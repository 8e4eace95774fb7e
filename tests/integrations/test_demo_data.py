"""The invented month beside the sandbox: known there, so that it lives on and nothing of it turns red by itself."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from durable.models import State
from integrations.catalogue import refresh_now
from integrations.hooks import drain_hooks
from integrations.installations import drain_installations
from integrations.models import Environment, Project, SentryInstallation, SentryIntegration, ServiceHook
from tests.factories import EventFactory
from webhooks.models import Delivery
from webhooks.outbox import drain_outbox


@pytest.fixture
def demo(sandbox, settings, db):
    settings.SANDBOX, settings.SANDBOX_URL = True, sandbox.url
    call_command("demo_data", days=1, share=0.3, verbosity=0)
    return sandbox


def phases():
    return {hook.project_slug: hook.phase for hook in ServiceHook.objects.filter(wanted="present")}


def test_hooks_and_tokens_outlive_the_first_check(demo):
    before = phases()
    now = timezone.now()
    soon, ago = now + timedelta(minutes=2), now - timedelta(hours=8)
    SentryInstallation.objects.update(due_at=now, token_expires_at=soon, token_renewed_at=ago)
    ServiceHook.objects.filter(state=State.PENDING).update(due_at=timezone.now())

    drain_installations()
    drain_hooks()

    assert phases() == before
    assert [slug for slug, phase in before.items() if phase != "active"] == ["android-app"]
    assert not ServiceHook.objects.filter(state=State.PENDING).exclude(last_error="").exists()
    assert not SentryInstallation.objects.exclude(last_error="").exists()
    assert not SentryInstallation.objects.filter(token_expires_at=soon).exists()


def test_the_catalogue_lists_it_beside_the_sandboxs_own(demo):
    refresh_now()

    assert not Project.objects.exclude(gone_at=None).exists()
    assert not Environment.objects.exclude(gone_at=None).exists()
    names = [project.name for project in Project.objects.all()]
    assert len(names) == len(set(names)) == 5


def test_what_waits_is_delivered_and_only_the_refused_key_is_refused(demo):
    Environment.objects.filter(hold_attempts__gt=0).update(hold_until=timezone.now())
    for name in ("demo-shop-production", "demo-back-office-staging"):
        environment = Environment.objects.get(fme_id=name)
        integration = SentryIntegration.objects.filter(project=environment.project).first()
        EventFactory(message__integration=integration, environment=environment, key=name)

    while drain_outbox():
        pass

    assert {event["key"] for event in demo.received()} >= {"demo-shop-production"}
    held = [str(environment.fme_id) for environment in Environment.objects.exclude(hold_reason="")]
    assert held == ["demo-back-office-staging"]
    waiting = Delivery.objects.filter(state=State.PENDING).exclude(environment__fme_id__in=held)
    assert not waiting.exclude(environment__sdk_key="").exists()


def test_it_can_be_made_anew(demo):
    call_command("demo_data", days=1, share=0.1, verbosity=0)
    ServiceHook.objects.filter(state=State.PENDING).update(due_at=timezone.now())
    drain_hooks()

    assert sorted(phases().values()) == ["active"] * 4 + ["failed"]
    newest = demo.state()["installations"][-1]["uuid"]  # the one that waits to be configured
    assert newest not in {str(uuid) for uuid in SentryInstallation.objects.values_list("uuid", flat=True)}


def test_without_the_sandbox_it_says_how_to_have_one(settings, db, capsys):
    settings.SANDBOX, settings.SANDBOX_URL = True, "http://127.0.0.1:9"

    call_command("demo_data", days=1, share=0.1, verbosity=0)

    assert "make run" in capsys.readouterr().err
