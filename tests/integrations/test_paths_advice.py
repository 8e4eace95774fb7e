"""What the form says about a typed path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.mapping import Verdict, check_path
from integrations.payloads.paths import relative


@pytest.mark.parametrize(
    "path",
    [
        "data.error.user.id",
        "data.event.user.id",
        "event.user.id",
        "user.id",
        "user.orgId",
        "data.error.user.data.team.id",
        "data.error.tags.account_id",
        "data.error.tags.customer.tier",
        "data.error.contexts.tenant.id",
        "data.error.contexts.my tenant.key with blanks",
        "data.error.extra.cart_id",
        "data.error.exception.values.0.type",
        "data.error.environment",
        "data.error.nothing.of.the.sort",
    ],
)
def test_a_path_that_can_be_right_is_taken_as_it_is(path):
    advice = check_path(path)

    assert (advice.verdict, advice.path, advice.is_acceptable) == (Verdict.OK, path, True)


def test_the_misprint_of_the_documentation_is_corrected_and_said():
    advice = check_path("data.erroruser.id")

    assert (advice.verdict, advice.path, advice.is_acceptable) == (
        Verdict.CORRECTED,
        "data.error.user.id",
        True,
    )
    assert "data.error.user.id" in advice.message


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", "data.error.user.id"),
        ("   ", "data.error.user.id"),
        (".", "data.error.user.id"),
        ("$", "data.error.user.id"),
        (" data.error.user.id ", "data.error.user.id"),
        ("data.error. user.id", "data.error.user.id"),
        ("data.error.user\t.id", "data.error.user.id"),
        ("data.error..user.id", "data.error.user.id"),
        (".user.id", "user.id"),
        ("user.id.", "user.id"),
        ("$.data.error.user.id", "data.error.user.id"),
        ("data.error.tags['account']", "data.error.tags.account"),
        ("data.error.exception.values[0].type", "data.error.exception.values.0.type"),
        ("data/error/user/id", "data.error.user.id"),
        ("error.user.id", "data.error.user.id"),
        ("data.user.id", "data.error.user.id"),
        ("Data.Error.user.id", "data.error.user.id"),
        ("data.error.User.id", "data.error.user.id"),
        ("data.error.usr.id", "data.error.user.id"),
        ("data.error.user", "data.error.user.id"),
        ("user", "data.error.user.id"),
        ("data.error", "data.error.user.id"),
        ("data.error.tags", "data.error.tags.account_id"),
        ("data.error.contexts.tenant", "data.error.contexts.tenant.account_id"),
        ("data.error.exception.values.0", "data.error.user.id"),
        ("orgId", "data.error.user.orgId"),
        ("data.issue.id", "data.error.user.id"),
        ("installation.uuid", "data.error.user.id"),
        ("group.id", "data.error.user.id"),
        ("x" * 251, ""),
    ],
)
def test_a_path_that_cannot_be_right_comes_with_what_to_type(typed, meant):
    advice = check_path(typed)

    assert (advice.verdict, advice.path, advice.is_acceptable) == (Verdict.WRONG, meant, False)
    assert advice.message.endswith((".", "?", meant))


@given(st.text() | st.from_regex(r"(data\.)?(error|event)?\.?[a-zA-Z.\[\]$ ]{0,20}", fullmatch=True))
def test_any_text_gets_advice_and_what_is_taken_stays_taken(path):
    advice = check_path(path)

    if advice.is_acceptable:
        assert check_path(advice.path).verdict is Verdict.OK
        assert relative(advice.path)
    else:
        assert advice.message
