"""Problems open when something fails again and again, and close when it is mended or stays away."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.factories import EventFactory, HookFactory, IntegrationFactory, MessageFactory
from webhooks import problems
from webhooks.inbox import drain_inbox
from webhooks.models import OutboxEvent, Problem, ProblemScan
from webhooks.problems import drain_problems, look
from webhooks.resending import failed_of
from webhooks.rollups import Count, Tally, count_dead


def fail(integration, times=3, code="environment_unmapped", subject="preview", at=None):
    """Let messages be skipped for one reason."""
    tally = Tally()
    for _ in range(times):
        tally.add(integration.pk, Count.SKIPPED, at or timezone.now(), code, subject)
    tally.store()


def open_kinds():
    return sorted(Problem.objects.open().values_list("kind", "subject"))


@pytest.fixture
def hook(project):
    return HookFactory(integration__project=project)


@pytest.fixture
def admin(client, project_admin):
    client.force_login(project_admin)
    return client


def test_what_fails_three_times_a_day_is_a_problem(hook):
    fail(hook.integration, times=2)
    look(timezone.now())
    assert open_kinds() == []

    fail(hook.integration, times=1)
    look(timezone.now())
    assert open_kinds() == [("environment_unmapped", "preview")]
    assert Problem.objects.get().count == 3


def test_real_messages_open_a_problem(hook):
    for _ in range(3):
        payload = {"event": {"eventID": "a" * 32, "type": "error", "dateCreated": "2026-01-01T00:00:00Z",
                             "tags": [{"key": "environment", "value": "preview"}]}}  # fmt: skip
        MessageFactory(integration=hook.integration, payload=payload)
    drain_inbox()

    look(timezone.now())

    assert open_kinds() == [("environment_unmapped", "preview")]


def test_a_problem_closes_when_the_mapping_is_corrected(hook):
    fail(hook.integration)
    look(timezone.now())
    row = hook.integration.environment_mappings.first()
    row.pk, row.sentry_environment = None, "preview"
    row.save()

    look(timezone.now())

    assert open_kinds() == []
    assert Problem.objects.get().gone_at is not None


def test_a_problem_closes_when_it_stayed_away_for_a_day(hook):
    fail(hook.integration, at=timezone.now() - timedelta(hours=20))
    look(timezone.now())
    assert len(open_kinds()) == 1

    look(timezone.now() + timedelta(hours=6))
    assert open_kinds() == []


def test_a_problem_that_is_back_is_open_and_not_muted(hook):
    fail(hook.integration)
    Problem.objects.create(
        integration=hook.integration, kind="environment_unmapped", subject="preview", gone_at=timezone.now(),
        muted_at=timezone.now(), first_seen_at=timezone.now() - timedelta(days=9), last_seen_at=timezone.now(),
    )  # fmt: skip

    look(timezone.now())

    problem = Problem.objects.get()
    assert (problem.gone_at, problem.muted_at) == (None, None)
    assert problem.first_seen_at > timezone.now() - timedelta(days=1)


def test_a_muted_problem_stays_muted_while_it_lasts(hook):
    fail(hook.integration)
    look(timezone.now())
    Problem.objects.update(muted_at=timezone.now())

    fail(hook.integration)
    look(timezone.now())

    assert open_kinds() == []
    assert Problem.objects.get().count == 6


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"sdk_key": ""}, "key_missing"),
        ({"hold_reason": "FME refused the SDK key (401).", "hold_attempts": 2}, "key_refused"),
        ({"hold_reason": "FME is failing (503).", "hold_attempts": 2}, "fme_failing"),
        ({"gone_at": timezone.now()}, "environment_gone"),
    ],
)
def test_states_of_environments_that_last_are_problems(hook, changes, kind):
    environment = hook.integration.environment_mappings.first().environment
    EventFactory(message=MessageFactory(integration=hook.integration), environment=environment)
    for name, value in changes.items():
        setattr(environment, name, value)
    environment.save()

    look(timezone.now())

    assert [(each.kind, each.subject, each.count) for each in Problem.objects.all()] == [(kind, "Staging", 1)]


def test_one_failed_probe_is_no_problem(hook):
    environment = hook.integration.environment_mappings.first().environment
    environment.hold_reason, environment.hold_attempts = "FME is failing (503).", 1
    environment.save()

    look(timezone.now())

    assert open_kinds() == []


def test_a_hook_that_failed_is_a_problem_until_it_works(hook):
    hook.state, hook.last_error = "dead", "Sentry refused (403)."
    hook.save()
    look(timezone.now())
    assert open_kinds() == [("hook_failed", "")]

    hook.state = "pending"
    hook.save()
    look(timezone.now())
    assert open_kinds() == []


def test_what_is_dead_is_a_problem(hook):
    MessageFactory(integration=hook.integration, state="dead")
    tally = Tally()
    tally.add(hook.integration_id, Count.DEAD, timezone.now(), 1, "user")
    tally.store()

    look(timezone.now())

    assert open_kinds() == [("events_failed", ""), ("messages_failed", "")]


def test_what_was_sent_again_is_no_problem_any_more(hook):
    event = EventFactory(message__integration=hook.integration, delivery__state="dead")
    count_dead([event.delivery_id])
    look(timezone.now())
    assert open_kinds() == [("events_failed", "")]

    failed_of(event.message).resend()
    look(timezone.now())

    assert open_kinds() == []


def test_a_deleted_integration_has_no_problems(hook):
    fail(hook.integration)
    look(timezone.now())
    hook.integration.deleted_at = timezone.now()
    hook.integration.save()

    look(timezone.now())

    assert open_kinds() == []


def test_the_drain_looks_once_a_minute(hook):
    fail(hook.integration)

    drain_problems()
    drain_problems()
    assert len(open_kinds()) == 1
    Problem.objects.all().delete()
    drain_problems()
    assert open_kinds() == []

    ProblemScan.objects.update(due_at=timezone.now())
    drain_problems()
    assert len(open_kinds()) == 1


def test_looking_costs_the_same_for_one_integration_and_for_twenty(db):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            look(timezone.now())
        return len(captured)

    fail(HookFactory().integration)
    look(timezone.now())
    one = queries()
    for _ in range(20):
        fail(HookFactory().integration)
    look(timezone.now())

    assert queries() == one


def test_the_page_says_what_and_links_to_the_fix(admin, hook):
    fail(hook.integration, times=4)
    look(timezone.now())

    text = admin.get(reverse("problems")).content.decode()

    assert "Environment <code>preview</code> is not mapped" in text
    assert reverse("integration_edit", args=[hook.integration_id]) in text
    assert "Last 24 hours: 4 times" in text


def test_names_from_outside_are_escaped(admin, hook):
    fail(hook.integration, subject="<script>alert(1)</script>{}")
    look(timezone.now())

    text = admin.get(reverse("problems")).content.decode()

    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text


def test_an_admin_mutes_and_a_viewer_does_not(client, admin, viewer, hook):
    fail(hook.integration)
    look(timezone.now())
    address = reverse("problem_mute", args=[Problem.objects.get().pk])

    admin.post(address, {"muted": "1"})
    assert open_kinds() == []
    admin.post(address, {"muted": "0"})
    assert len(open_kinds()) == 1

    client.force_login(viewer)
    assert client.post(address, {"muted": "1"}).status_code == 403
    assert address not in client.get(reverse("problems")).content.decode()


def test_problems_of_other_projects_do_not_exist(client, other_admin, hook):
    fail(hook.integration)
    look(timezone.now())
    client.force_login(other_admin)

    assert client.get(reverse("problems")).context["shown"] == []
    assert client.post(reverse("problem_mute", args=[Problem.objects.get().pk])).status_code == 404


@pytest.mark.parametrize("tab", ["open", "muted", "gone", "nonsense"])
def test_every_tab_is_a_page_with_nothing_on_it(admin, tab):
    assert admin.get(reverse("problems"), {"tab": tab}).status_code == 200


def test_no_events_are_touched_by_looking(hook):
    EventFactory(message=MessageFactory(integration=hook.integration))

    look(timezone.now())

    assert OutboxEvent.objects.get().state == "pending"
    assert IntegrationFactory().problems.count() == 0


def test_problems_of_one_integration_say_so_and_lead_to_all(hook, admin):
    text = admin.get(
        reverse("problems"), {"integration": hook.integration_id, "tab": "gone"}
    ).content.decode()

    assert f"Only those of <b>{hook.integration}</b>" in text
    assert 'href="?tab=gone">Show all problems' in text


def test_a_look_dated_by_a_wrong_clock_is_made_now(db, monkeypatch):
    looked: list[datetime] = []
    monkeypatch.setattr(problems, "look", looked.append)
    problems.drain_problems()  # makes the row
    ProblemScan.objects.update(due_at=timezone.now() + timedelta(days=365))

    problems.drain_problems()

    assert len(looked) == 1
