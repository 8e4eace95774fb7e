"""The page of problems: each line has a next step, its number says what it counts, and muting keeps the place."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from integrations.models import IdentityMapping
from tests.factories import HookFactory, IdentityMappingFactory
from webhooks.models import Problem


@pytest.fixture
def hook(project):
    return HookFactory(integration__project=project)


@pytest.fixture
def admin(client, project_admin):
    client.force_login(project_admin)
    return client


def problem(hook, kind, subject="", count=7):
    seen = timezone.now() - timedelta(hours=1)
    return Problem.objects.create(
        integration=hook.integration,
        kind=kind,
        subject=subject,
        count=count,
        first_seen_at=seen,
        last_seen_at=seen,
    )


def only(response):
    (shown,) = response.context["shown"]
    return shown


@pytest.mark.parametrize("kind", ["events_failed", "messages_failed"])
def test_what_failed_leads_to_sending_it_again(admin, hook, kind):
    problem(hook, kind)

    address = only(admin.get(reverse("problems"))).fix_address

    assert address == reverse("resend_failed", args=[hook.integration_id]) + "?range=all"
    assert admin.get(address).status_code == 200


def test_an_unmapped_environment_leads_to_its_row(admin, hook):
    problem(hook, "environment_unmapped", "pre view")

    address = only(admin.get(reverse("problems"))).fix_address

    assert address == reverse("integration_edit", args=[hook.integration_id]) + "?environment=pre+view"


@pytest.mark.parametrize(("kind", "words"), [("key_refused", "waiting"), ("messages_failed", "in all")])
def test_a_number_says_what_it_counts(admin, hook, kind, words):
    problem(hook, kind, "Staging")

    assert f'<b>7</b> <span class="muted">{words}</span>' in admin.get(reverse("problems")).content.decode()


def test_a_state_that_lasts_has_no_number(admin, hook):
    problem(hook, "hook_failed", count=1)

    assert "<b>1</b>" not in admin.get(reverse("problems")).content.decode()


def test_messages_of_a_later_path_are_found_by_the_reason_alone(admin, hook):
    IdentityMapping.objects.filter(integration=hook.integration).delete()
    for path in ("data.error.user.id", "data.error.user.orgId"):
        IdentityMappingFactory(integration=hook.integration, path=path)
    problem(hook, "identity_missing", "data.error.user.id")
    problem(hook, "identity_missing", "data.error.user.orgId")

    shown = admin.get(reverse("problems")).context["shown"]

    links = {each.problem.subject: each.messages_address for each in shown}
    assert "subject=data.error.user.id" in links["data.error.user.id"]
    assert "subject" not in links["data.error.user.orgId"]


def test_muting_keeps_the_place(admin, hook):
    found = problem(hook, "fme_failing", "Staging")
    page = f"{reverse('problems')}?integration={hook.integration_id}"

    text = admin.get(page).content.decode()
    answer = admin.post(
        f"{reverse('problem_mute', args=[found.pk])}?integration={hook.integration_id}", {"muted": "1"}
    )

    assert f"{reverse('problem_mute', args=[found.pk])}?integration={hook.integration_id}" in text
    assert answer["Location"] == page
