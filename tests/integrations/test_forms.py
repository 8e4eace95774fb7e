"""The form: what is refused, in which words, and what is understood otherwise than typed."""

import pytest
from django.http import QueryDict

from integrations.forms import UNINSTALLED, SdkKeyForm
from integrations.integration_forms import IntegrationForms
from integrations.roles import Access
from integrations.validation import ALREADY_INTEGRATED, UNKNOWN_INSTALLATION
from tests.factories import (
    EnvironmentFactory,
    HookFactory,
    InstallationFactory,
    IntegrationFactory,
)
from tests.integrations.typed import INSTALLATION, typed


@pytest.fixture
def installation(project):
    installation = InstallationFactory(uuid=INSTALLATION)
    installation.projects.add(project)
    return installation


@pytest.fixture
def fill(project, project_admin, staging, user_type, installation):
    """Fill in the form as the project's admin, right but for what the test changes."""

    def fill(environments=None, identities=None, person=project_admin, integration=None, **values):
        data = QueryDict(mutable=True)
        data.update(
            typed(
                environments if environments is not None else [("staging", staging.pk)],
                identities if identities is not None else [("data.error.user.id", user_type.pk)],
                **values,
            )
        )
        return IntegrationForms(data, project=project, access=Access(person), integration=integration)

    return fill


def sentences(forms):
    assert not forms.is_valid()
    return [sentence for _, sentence in forms.problems()]


def test_right_values_become_a_configuration(fill, staging, user_type):
    forms = fill(capture_culprit="on")

    assert forms.is_valid(), forms.problems()
    configuration = forms.configuration()
    assert str(configuration.installation_id) == INSTALLATION
    assert (configuration.organization, configuration.project_slug) == ("acme-gmbh", "front-end")
    assert configuration.capture_culprit
    assert configuration.environments == (("staging", staging),)
    assert configuration.identities == (("data.error.user.id", user_type),)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"installation_id": "9b774d1e-02c5"},
            "Sentry Installation ID: not a UUID: 36 characters are expected, 13 were given. "
            "Copy it with Sentry’s copy button.",
        ),
        ({"installation_id": " "}, "Sentry Installation ID: paste the Installation ID."),
        ({"organization": ""}, "Sentry Organization: enter the organization’s slug."),
        ({"project_slug": ""}, "Sentry Project Slug: enter the project’s slug."),
        (
            {"organization": "Acme GmbH"},
            "Sentry Organization: a slug holds only letters, digits, dashes and underscores, "
            "as in Sentry’s addresses. Did you mean “acme-gmbh”?",
        ),
        (
            {"project_slug": "https://acme.sentry.io/issues/"},
            "Sentry Project Slug: this address names no project. Enter the Sentry Project Slug itself.",
        ),
    ],
)
def test_bad_value_is_refused_at_its_field(fill, values, sentence):
    assert sentences(fill(**values)) == [sentence]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "enter the environment’s name as your code sends it."),
        ("prod/eu", "Sentry drops environment names with a slash, so this one never arrives."),
        ("x" * 65, "Sentry drops environment names of more than 64 characters; this has 65."),
        ("none", "Sentry takes “none” for “no environment”, so it never arrives under this name."),
    ],
)
def test_environment_that_sentry_never_sends_is_refused(fill, staging, text, reason):
    assert sentences(fill(environments=[(text, staging.pk)])) == [f"Map Environments, row 1: {reason}"]


@pytest.mark.parametrize("path", ["", "user", "$.data.error.user.id", "data.error.user", "data.error..id"])
def test_path_that_cannot_be_right_is_refused(fill, user_type, path):
    (sentence,) = sentences(fill(identities=[(path, user_type.pk)]))

    assert sentence.startswith("Map Identities, row 1: ")


def test_blank_right_sides_are_refused(fill):
    assert sentences(fill(environments=[("staging", "")], identities=[("data.error.user.id", "")])) == [
        "Map Environments, row 1: choose an environment.",
        "Map Identities, row 1: choose a traffic type.",
    ]


def test_a_group_without_rows_is_refused(fill):
    assert sentences(fill(environments=[], identities=[])) == [
        "Map Environments: add at least one environment mapping.",
        "Map Identities: add at least one identity mapping.",
    ]


def test_a_repeated_row_names_the_row_it_repeats(fill, staging):
    other = EnvironmentFactory(project=staging.project, name="Production")
    rows = [("production", other.pk), ("staging", staging.pk), ("production", other.pk)]

    assert sentences(fill(environments=rows)) == [
        "Map Environments, row 3: the same as row 1. Remove one of them."
    ]


def test_one_sentry_environment_may_feed_two_environments(fill, staging):
    other = EnvironmentFactory(project=staging.project, name="QA")

    assert fill(environments=[("staging", staging.pk), ("staging", other.pk)]).is_valid()


def test_every_error_shows_at_once(fill):
    forms = fill(environments=[("", "")], identities=[("", "")], organization="", project_slug="")

    assert len(sentences(forms)) == 6


def test_another_projects_environment_cannot_be_chosen(fill):
    foreign = EnvironmentFactory()

    assert sentences(fill(environments=[("staging", foreign.pk)])) == [
        "Map Environments, row 1: choose one of the list."
    ]


def test_the_misprint_of_the_document_is_corrected_and_said(fill, user_type):
    forms = fill(identities=[("data.erroruser.id", user_type.pk)])

    assert forms.is_valid()
    assert forms.configuration().identities == (("data.error.user.id", user_type),)
    assert "data.erroruser.id" in forms.remarks()[0]
    assert "data.error.user.id" in forms.remarks()[0]


def test_two_spellings_of_one_path_are_a_repeated_row(fill, user_type):
    rows = [("data.error.user.id", user_type.pk), ("data.erroruser.id", user_type.pk)]

    assert sentences(fill(identities=rows)) == [
        "Map Identities, row 2: the same as row 1. Remove one of them."
    ]


def test_slugs_are_taken_out_of_a_pasted_address(fill):
    address = "https://acme-gmbh.sentry.io/settings/projects/payments-api/"

    forms = fill(organization=address, project_slug=address)

    assert forms.is_valid(), forms.problems()
    configuration = forms.configuration()
    assert (configuration.organization, configuration.project_slug) == ("acme-gmbh", "payments-api")
    assert forms.remarks() == [
        "Sentry Organization: acme-gmbh was taken out of the address you pasted.",
        "Sentry Project Slug: payments-api was taken out of the address you pasted.",
    ]


def test_unknown_and_unreleased_installations_look_alike(fill, installation):
    unreleased = InstallationFactory()

    for uuid in ("11111111-2222-3333-4444-555555555555", str(unreleased.uuid)):
        assert sentences(fill(installation_id=uuid)) == [
            f"Sentry Installation ID: {UNKNOWN_INSTALLATION[0].lower()}{UNKNOWN_INSTALLATION[1:]}"
        ]


def test_account_admin_may_be_earlier_than_sentry(fill, account_admin):
    assert fill(person=account_admin, installation_id="11111111-2222-3333-4444-555555555555").is_valid()


def test_an_uninstalled_installation_is_refused(fill, installation):
    installation.deleted_at = installation.announced_at
    installation.save()

    assert sentences(fill())[0].endswith(UNINSTALLED[1:])


def test_an_organization_that_is_not_the_installations_is_pointed_out(fill):
    forms = fill(organization="acme-mobile")

    assert forms.is_valid()
    assert forms.warnings()[0].startswith("The installation belongs to acme-gmbh, you entered acme-mobile.")


def test_the_same_sentry_project_twice_is_refused(fill, project):
    IntegrationFactory(project=project, organization="acme-gmbh", project_slug="front-end")

    assert sentences(fill()) == [
        f"Sentry Project Slug: {ALREADY_INTEGRATED[0].lower()}{ALREADY_INTEGRATED[1:]}"
    ]


def test_saving_an_integration_over_itself_is_no_repetition(fill, project, installation):
    integration = IntegrationFactory(project=project, project_slug="front-end", installation=installation)

    assert fill(integration=integration).is_valid()


def test_menus_hold_exactly_what_the_project_has(fill, project, staging):
    EnvironmentFactory(project=project, name="Gone", gone_at=staging.sdk_key_set_at)
    EnvironmentFactory(name="Foreign")

    (row,) = fill().environments.forms
    assert [label for _, label in row.fields["environment"].choices] == ["Choose…", "Staging"]


def test_a_vanished_environment_stays_selectable_and_is_marked(fill, project, staging):
    integration = HookFactory(integration__project=project).integration
    used = integration.environment_mappings.get().environment
    used.gone_at = staging.sdk_key_set_at
    used.save()

    (row,) = fill(integration=integration).environments.forms
    labels = [label for _, label in row.fields["environment"].choices]
    assert labels == ["Choose…", "Staging", "Staging (no longer in FME)"]


@pytest.mark.parametrize("key", ["two words", "ключ", "a\x00b"])
def test_an_sdk_key_is_one_plain_word(staging, key):
    assert not SdkKeyForm({"sdk_key": key}, environment=staging).is_valid()
