"""From Add to Save: the picker, the row buttons, saving, editing; as the browser does it without a script."""

import pytest
from django.urls import reverse
from django.utils import timezone

from integrations.models import Account, EnvironmentMapping, SentryIntegration, ServiceHook
from tests.factories import (
    EnvironmentFactory,
    HookFactory,
    InstallationFactory,
    ProjectFactory,
)
from tests.integrations.typed import INSTALLATION, typed


@pytest.fixture(autouse=True)
def enabled(db):
    Account.objects.create(pk=1, sentry_enabled_at=timezone.now())


@pytest.fixture
def admin(client, project_admin):
    client.force_login(project_admin)
    return client


@pytest.fixture
def released(project):
    installation = InstallationFactory(uuid=INSTALLATION)
    installation.projects.add(project)


@pytest.fixture
def address(project):
    return reverse("integration_add", args=[project.pk])


def rows(response, group="environments"):
    forms = getattr(response.context["forms"], group).forms
    return [(row.left.value() or "", str(row.right.value() or "")) for row in forms]


def test_the_picker_offers_only_projects_the_person_configures(admin, project):
    ProjectFactory(name="Foreign")

    response = admin.get(reverse("integration_choose"))

    assert list(response.context["projects"]) == [project]


def test_choosing_a_project_leads_to_its_form_with_the_installation_id(admin, project):
    query = {"project": project.fme_id, "installation_id": INSTALLATION}

    response = admin.get(reverse("integration_choose"), query, follow=True)

    assert response.redirect_chain[-1][0].endswith(f"/add/{project.pk}/?installation_id={INSTALLATION}")
    assert response.context["forms"].connection["installation_id"].value() == INSTALLATION


def test_an_environment_that_is_to_be_mapped_has_its_row_already(admin, project):
    hook = HookFactory(integration__project=project)
    edit = reverse("integration_edit", args=[hook.integration_id])
    stored = rows(admin.get(edit))

    response = admin.get(edit, {"environment": "Vorschau <2>"})

    assert rows(response) == [*stored, ("Vorschau <2>", "")]
    assert response.content.decode().count("autofocus") == 1
    assert rows(admin.get(edit, {"environment": stored[0][0]})) == stored


def test_the_form_knows_the_organization_of_a_released_installation(admin, project, released):
    response = admin.get(reverse("integration_add", args=[project.pk]), {"installation_id": INSTALLATION})

    assert response.context["forms"].connection["organization"].value() == "acme-gmbh"
    assert f'data-value="{INSTALLATION}"' in response.content.decode()


def test_installations_of_others_are_not_suggested(admin, project):
    foreign = InstallationFactory()

    assert str(foreign.uuid) not in admin.get(reverse("integration_add", args=[project.pk])).content.decode()


@pytest.mark.parametrize("odd", ["%00", "%ff", "%ed%a0%80"])
def test_choosing_what_no_database_holds_says_so_too(admin, odd):
    assert admin.get(f"{reverse('integration_choose')}?project={odd}").context["is_missed"]


def test_choosing_none_says_so(admin, project):
    assert "Choose a project." in admin.get(reverse("integration_choose"), {"project": ""}).content.decode()


def test_without_projects_the_picker_offers_to_read_them(client, account_admin):
    client.force_login(account_admin)

    assert "No projects to choose from yet" in client.get(reverse("integration_choose")).content.decode()


def test_a_new_form_has_one_blank_row_of_each(admin, address):
    response = admin.get(address)

    assert rows(response) == [("", "")]
    assert rows(response, "identities") == [("", "")]


def test_plus_adds_a_row_and_keeps_everything_typed(admin, address, staging):
    data = typed(
        [("prod/eu", staging.pk)], [("nonsense", "")], organization="Not A Slug", capture_culprit="on"
    )

    response = admin.post(address, data | {"add": "environments"})

    assert rows(response) == [("prod/eu", str(staging.pk)), ("", "")]
    assert rows(response, "identities") == [("nonsense", "")]
    connection = response.context["forms"].connection
    assert connection["organization"].value() == "Not A Slug"
    assert connection["capture_culprit"].value()
    assert response.context["problems"] == []


def test_plus_moves_the_focus_to_the_new_rows_text_field(admin, address, staging):
    response = admin.post(address, typed([("a", staging.pk)]) | {"add": "environments"})

    first, second = response.context["forms"].environments.forms
    assert "autofocus" not in str(first.left)
    assert "autofocus" in str(second.left)


def test_minus_takes_the_row_away_and_moves_the_focus_to_the_one_before(admin, address, staging):
    data = typed([("a", staging.pk), ("b", staging.pk), ("c", "")])

    response = admin.post(address, data | {"remove": "environments-2"})

    first, second = response.context["forms"].environments.forms
    assert rows(response) == [("a", str(staging.pk)), ("b", str(staging.pk))]
    assert ("autofocus" in str(first.left), "autofocus" in str(second.left)) == (False, True)


def test_minus_on_the_last_row_moves_the_focus_to_plus(admin, address):
    response = admin.post(address, typed([("a", "")]) | {"remove": "environments-0"})

    assert rows(response) == []
    assert response.context["forms"].environments.is_add_focused


def test_undo_brings_the_row_back(admin, address, staging):
    data = typed([("a", staging.pk), ("b", staging.pk)])
    removed = admin.post(address, data | {"remove": "environments-0"})
    assert "Removed <code>a → Staging</code>" in removed.content.decode()

    gone = {"environments-gone-sentry_environment": "a", "environments-gone-environment": str(staging.pk)}
    response = admin.post(address, typed([("b", staging.pk)]) | gone | {"undo": "environments-0"})

    assert rows(response) == [("b", str(staging.pk)), ("a", str(staging.pk))]


def test_every_row_that_was_removed_can_be_brought_back(admin, address, staging):
    gone = {
        "environments-gone-sentry_environment": ["a", "b"],
        "environments-gone-environment": [str(staging.pk), str(staging.pk)],
    }
    data = typed([("c", staging.pk), ("d", staging.pk)]) | gone
    removed = admin.post(address, data | {"remove": "environments-0"})
    page = removed.content.decode()
    assert [f"Removed <code>{name} → Staging</code>" in page for name in "abc"] == [True] * 3

    response = admin.post(address, data | {"undo": "environments-1"})

    assert [left for left, _ in rows(response)] == ["c", "d", "b"]
    assert "Removed <code>a → Staging</code>" in response.content.decode()


def test_removing_says_how_many_are_left(admin, address, staging):
    data = typed([("a", staging.pk), ("b", staging.pk)])

    page = admin.post(address, data | {"remove": "environments-0"}).content.decode()

    assert "Removed. 1 environment mapping left." in page


@pytest.mark.parametrize(
    "value", ["environments-9", "environments-x", "elsewhere-0", "", f"environments-{'9' * 5000}"]
)
def test_a_made_up_row_button_breaks_nothing(admin, address, staging, value):
    response = admin.post(address, typed([("a", staging.pk)]) | {"remove": value})

    assert response.status_code == 200


def test_made_up_numbers_in_hidden_fields_break_nothing(admin, address, staging):
    made_up = {"environments-TOTAL_FORMS": "9" * 5000, "environments-gone-environment": "9" * 5000}

    response = admin.post(address, typed([("a", staging.pk)]) | made_up | {"add": "environments"})

    assert response.status_code == 200


def test_every_row_and_its_button_have_a_name(admin, address, staging):
    page = admin.post(address, typed([("staging", "")]) | {"add": "identities"}).content.decode()

    assert 'aria-label="Remove environment mapping staging"' in page
    assert 'aria-label="Remove identity mapping data.error.user.id"' in page
    assert 'aria-label="Remove identity mapping 2"' in page


def test_save_stores_the_integration_and_wants_a_hook(admin, address, staging, user_type, released):
    data = typed([("staging", staging.pk)], [("data.error.user.id", user_type.pk)])

    response = admin.post(address, data)

    saved = SentryIntegration.objects.get()
    assert response.url == reverse("integration", args=[saved.pk])
    assert (saved.organization, saved.project_slug) == ("acme-gmbh", "front-end")
    assert [hook.phase for hook in saved.hooks.all()] == ["pending"]


def test_the_page_after_save_says_what_was_corrected(admin, address, staging, user_type, released):
    data = typed([("staging", staging.pk)], [("data.erroruser.id", user_type.pk)])

    page = admin.post(address, data, follow=True).content.decode()

    assert "You typed data.erroruser.id." in page
    assert "Creating the hook" in page


def test_errors_stand_at_the_top_and_at_the_field(admin, address, staging, user_type, released):
    data = typed([("prod/eu", staging.pk)], [("data.error.user.id", user_type.pk)])

    response = admin.post(address, data)

    page = response.content.decode()
    assert response.status_code == 200
    assert "Not saved: 1 thing to correct" in page
    assert '<a href="#id_environments-0-sentry_environment">' in page
    assert 'id="id_environments-0-sentry_environment_error"' in page
    assert 'aria-describedby="id_environments-0-sentry_environment_error"' in page
    assert 'value="prod/eu"' in page


def test_edit_shows_what_is_stored_and_moves_the_hook(admin, project, user_type):
    hook = HookFactory(integration__project=project, integration__project_slug="front-end")
    address = reverse("integration_edit", args=[hook.integration_id])
    mapping = hook.integration.environment_mappings.get()
    assert rows(admin.get(address)) == [("staging", str(mapping.environment_id))]

    data = typed([("prod", mapping.environment_id)], [("data.error.user.id", user_type.pk)])
    uuid = str(hook.integration.installation.uuid)
    admin.post(address, data | {"installation_id": uuid, "project_slug": "back-end"})

    hook.refresh_from_db()
    assert hook.phase == "deleting"
    new = ServiceHook.objects.get(wanted="present")
    assert (new.project_slug, new.phase) == ("back-end", "pending")


def test_a_form_that_lost_its_rows_is_refused_in_words(admin, address):
    assert "Not saved" in admin.post(address, {"organization": "acme"}).content.decode()


@pytest.fixture
def two_tabs(admin, project, user_type):
    """The form of an integration, open twice: (address, what each of them posts)."""
    integration = HookFactory(integration__project=project).integration
    edit = reverse("integration_edit", args=[integration.pk])
    opened = admin.get(edit).context["forms"]
    environment = EnvironmentFactory(project=project)

    def tab(*names, **values):
        values |= {"installation_id": str(integration.installation.uuid), "edition": opened.edition}
        environments = [(name, environment.pk) for name in names]
        return typed(environments, [("data.error.user.id", user_type.pk)], **values)

    return edit, tab


def stored_names():
    return list(EnvironmentMapping.objects.values_list("sentry_environment", flat=True))


def test_who_saves_second_is_told_and_replaces_only_when_asked_again(admin, two_tabs):
    edit, tab = two_tabs
    admin.post(edit, tab("theirs"))

    told = admin.post(edit, tab("mine"))

    assert "Somebody saved this integration after you opened it" in told.content.decode()
    assert rows(told)[0][0] == "mine"
    assert stored_names() == ["theirs"]
    admin.post(edit, tab("mine") | {"edition": told.context["forms"].edition})
    assert stored_names() == ["mine"]


def test_a_row_button_does_not_hide_that_somebody_saved(admin, two_tabs):
    edit, tab = two_tabs
    admin.post(edit, tab("theirs"))

    pressed = admin.post(edit, tab("mine", add="environments"))

    assert pressed.context["forms"].edition == tab()["edition"]


def test_the_same_saved_twice_is_saved(admin, two_tabs):
    edit, tab = two_tabs

    answers = [admin.post(edit, tab("theirs")) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
