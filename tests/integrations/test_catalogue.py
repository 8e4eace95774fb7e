"""FME's catalogue as it is mirrored here, read from the sandbox over real HTTP."""

from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from durable.models import State
from durable.stopping import stopping
from integrations import fme
from integrations.catalogue import Counts, Interrupted, drain_catalogue, refresh_now
from integrations.fme import NO_ADMIN_KEY, FmeClient
from integrations.models import CatalogueRefresh, Environment, Project
from integrations.peers import PeerError
from tests.factories import IntegrationFactory

pytestmark = pytest.mark.django_db


def mirrored():
    """What is here and still listed: {project: (environments, traffic types)}."""
    return {
        project.name: (
            sorted(row.name for row in project.environments.filter(gone_at=None)),
            sorted(row.name for row in project.traffic_types.filter(gone_at=None)),
        )
        for project in Project.objects.filter(gone_at=None)
    }


def make_due():
    CatalogueRefresh.objects.update(due_at=timezone.now())


def the_refresh():
    return CatalogueRefresh.objects.get(pk=1)


def environment(name="Staging", project="Webshop"):
    return Environment.objects.get(name=name, project__name=project)


@pytest.mark.parametrize("mode", ["bearer", "x-api-key"])
def test_the_catalogue_is_read_with_either_kind_of_key(sandbox, settings, mode):
    settings.FME_AUTH = mode

    assert drain_catalogue() == 1

    assert mirrored() == {
        "Mobile app": (["Production", "Staging"], ["device", "user"]),
        "Webshop": (["Production", "Staging"], ["org", "user"]),
    }
    assert [row.is_production for row in Environment.objects.filter(name="Production")] == [True, True]


def test_it_is_read_again_after_a_day(sandbox):
    drain_catalogue()
    assert drain_catalogue() == 0
    sandbox.control("catalogue", add="workspace", name="Back office")

    with time_machine.travel(timezone.now() + timedelta(hours=24, minutes=1), tick=True):
        drain_catalogue()

    assert "Back office" in mirrored()


def test_every_page_is_read(sandbox, monkeypatch):
    monkeypatch.setattr(fme, "PAGE", 2)
    for number in range(5):
        sandbox.control("catalogue", add="workspace", name=f"Shop {number}")

    assert refresh_now() == Counts(projects=7, environments=4, traffic_types=4)

    assert len(mirrored()) == 7


def test_names_follow_and_what_vanished_is_marked_never_deleted(sandbox):
    drain_catalogue()
    staging, production = environment("Staging"), environment("Production")
    integration = IntegrationFactory(project=staging.project, environments={"staging": staging})
    sandbox.control("catalogue", remove="environment", id=staging.fme_id)
    sandbox.control("catalogue", rename="environment", id=production.fme_id, name="Live")

    refresh_now()

    assert mirrored()["Webshop"] == (["Live"], ["org", "user"])
    staging.refresh_from_db()
    assert staging.gone_at is not None
    assert integration.environment_mappings.get().environment == staging


def test_a_vanished_project_takes_its_environments_along_and_they_return_with_it(sandbox):
    drain_catalogue()
    project = Project.objects.get(name="Webshop")
    sandbox.control("catalogue", remove="workspace", id=project.fme_id)
    refresh_now()
    assert mirrored() == {"Mobile app": (["Production", "Staging"], ["device", "user"])}
    assert not project.environments.filter(gone_at=None).exists()
    assert not project.traffic_types.filter(gone_at=None).exists()

    Project.objects.filter(name="Mobile app").update(gone_at=timezone.now())
    Environment.objects.update(gone_at=timezone.now())
    refresh_now()

    assert mirrored() == {"Mobile app": (["Production", "Staging"], ["device", "user"])}


def test_a_page_that_fails_changes_nothing(sandbox):
    drain_catalogue()
    before = mirrored()
    sandbox.control("catalogue", add="workspace", name="Back office")
    sandbox.fail("fme_admin", "status", status=500, operation="traffic_types.get")

    with pytest.raises(PeerError, match="500"):
        refresh_now()

    assert mirrored() == before
    assert "500" in the_refresh().last_error
    assert the_refresh().due_at > timezone.now()


def test_a_rate_limit_is_waited_for_as_long_as_the_larger_header_says(sandbox):
    sandbox.control("settings", fme_rate_limit={"limit": 0, "window": 3600})

    drain_catalogue()

    assert "limits requests (429)" in the_refresh().last_error
    assert the_refresh().state == State.PENDING
    assert the_refresh().due_at > timezone.now()


def test_a_short_rate_limit_in_the_middle_is_sat_out(sandbox):
    sandbox.control("settings", fme_rate_limit={"limit": 2, "window": 1})

    assert refresh_now() == Counts(projects=2, environments=4, traffic_types=4)


def test_a_rate_limit_that_never_ends_is_put_off(sandbox, monkeypatch):
    monkeypatch.setattr(stopping, "wait", lambda seconds: False)
    sandbox.control("settings", fme_rate_limit={"limit": 0, "window": 1})

    with pytest.raises(PeerError, match="429"):
        refresh_now()

    assert the_refresh().due_at > timezone.now()


def test_a_refresh_that_lost_its_claim_writes_nothing(sandbox, monkeypatch):
    traffic_types = FmeClient.traffic_types

    def listed_while_somebody_clicks(client, project_id):
        CatalogueRefresh.objects.all().arm()
        return traffic_types(client, project_id)

    monkeypatch.setattr(FmeClient, "traffic_types", listed_while_somebody_clicks)
    with pytest.raises(Interrupted):
        refresh_now()

    assert mirrored() == {}
    assert the_refresh().claim is None


def test_a_refused_key_is_told_and_tried_again_with_a_date(sandbox, settings):
    settings.FME_ADMIN_API_KEY = "another"

    drain_catalogue()

    assert the_refresh().last_error == "Harness FME refused (401): Unauthorized."
    assert the_refresh().state == State.PENDING
    assert "another" not in the_refresh().last_error


def test_without_a_key_nothing_is_asked_and_a_sentence_says_so(sandbox, settings):
    settings.FME_ADMIN_API_KEY = ""
    sandbox.fail("fme_admin", "status", status=500)

    drain_catalogue()

    assert the_refresh().last_error == NO_ADMIN_KEY


def test_an_answer_of_another_kind_of_server_is_told(sandbox, settings):
    settings.FME_API_URL = f"{sandbox.url}/internal/api/v3"

    with pytest.raises(PeerError, match=r"Harness FME refused \(404\)"):
        refresh_now()


def test_the_command_prints_what_it_read(sandbox):
    printed = StringIO()

    call_command("refresh_catalogue", stdout=printed)

    assert printed.getvalue() == "Projects: 2, environments: 4, traffic types: 4.\n"


def test_the_command_ends_with_the_reason(sandbox, settings):
    settings.FME_ADMIN_API_KEY = ""

    with pytest.raises(CommandError, match="FME_ADMIN_API_KEY is not set"):
        call_command("refresh_catalogue")
