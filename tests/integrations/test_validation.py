"""What an administrator may type, and what they are told when it cannot be right."""

from uuid import UUID

import pytest
from django.core.exceptions import ValidationError

from integrations.validation import (
    check_sdk_key,
    clean_environment_name,
    clean_installation_id,
    clean_path,
    clean_slug,
    repeated_rows,
    whole_number,
)

UUID_TEXT = "9b774d1e-02c5-4d3f-9c0a-6f1f7f5f2a10"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("data.error.user.id", "data.error.user.id"),
        ("  event.tags.account ", "event.tags.account"),
        ("data.erroruser.id", "data.error.user.id"),
    ],
)
def test_path_is_stored_trimmed_and_corrected(typed, stored):
    assert clean_path(typed) == stored


@pytest.mark.parametrize("typed", ["", "   ", "data..error", "data.error.user", "x" * 251])
def test_path_that_cannot_be_right_is_refused(typed):
    with pytest.raises(ValidationError):
        clean_path(typed)


def test_environment_name_is_trimmed_and_keeps_its_case():
    assert clean_environment_name(" Staging EU ") == "Staging EU"


@pytest.mark.parametrize("typed", ["", " ", "a/b", "none", "e" * 65])
def test_environment_name_that_sentry_never_sends_is_refused(typed):
    with pytest.raises(ValidationError):
        clean_environment_name(typed)


@pytest.mark.parametrize(
    ("typed", "organization", "project"),
    [
        ("https://sentry.io/organizations/acme/projects/front-end/?project=1", "acme", "front-end"),
        ("https://acme.sentry.io/projects/front-end/", "acme", "front-end"),
        ("https://acme.sentry.io/settings/projects/front-end/keys/", "acme", "front-end"),
        ("https://sentry.example.com/settings/acme/projects/front-end/", "acme", "front-end"),
        ("https://us.sentry.io/api/0/projects/acme/front-end/", "acme", "front-end"),
    ],
)
def test_slugs_are_read_out_of_a_pasted_address(typed, organization, project):
    assert clean_slug(typed, of="organization") == organization
    assert clean_slug(typed) == project


def test_slug_is_taken_as_it_is():
    assert clean_slug(" front-end ") == "front-end"
    assert clean_slug("acme_gmbh-2", of="organization") == "acme_gmbh-2"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Enter the Sentry Project Slug."),
        ("Front End", "Did you mean “front-end”?"),
        ("https://sentry.io/organizations/acme/issues/", "names no project"),
        ("https://[", "names no project"),
        ("s" * 101, "at most 100 characters; this has 101"),
    ],
)
def test_slug_that_cannot_be_right_is_refused_with_a_remedy(typed, words):
    with pytest.raises(ValidationError, match=words.replace("?", r"\?")):
        clean_slug(typed)


def test_regional_host_is_no_organization():
    with pytest.raises(ValidationError, match="names no organization"):
        clean_slug("https://us.sentry.io/projects/front-end/", of="organization")


def test_installation_id_is_a_uuid():
    assert clean_installation_id(f" {UUID_TEXT.upper()} ") == UUID(UUID_TEXT)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Paste the Sentry Installation ID."),
        ("9b774d1e-02c5", "36 characters are expected, 13 were given"),
        ("z" * 36, "holds more than the digits"),
    ],
)
def test_installation_id_that_is_no_uuid_is_refused(typed, words):
    with pytest.raises(ValidationError, match=words):
        clean_installation_id(typed)


def test_repeated_rows_are_found_with_the_row_they_repeat():
    assert repeated_rows(["a", "b", "a", "c", "a", "b"]) == {2: 0, 4: 0, 5: 1}


@pytest.mark.parametrize("typed", ["two words", "key\r\nX-Other: value", "schlüssel", "key\x00", "k" * 501])
def test_sdk_key_that_is_too_long_or_cannot_stand_in_a_header_is_refused(typed):
    with pytest.raises(ValidationError):
        check_sdk_key(typed)


@pytest.mark.parametrize(
    ("text", "number"), [("7", 7), ("", None), ("-1", None), ("٣", None), ("9" * 5000, None)]
)
def test_whole_number_is_one_that_a_database_can_hold(text, number):
    assert whole_number(text) == number
