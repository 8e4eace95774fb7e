"""Names of culprit events."""

import hashlib
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from integrations.mapping import culprit_event_type
from tests.integrations.bodies import INDEX, parsed

ALLOWED = re.compile(r"[a-zA-Z0-9][-_.a-zA-Z0-9]{0,62}")
ANY_TEXT = st.text(st.characters(codec=None))


def digest(culprit: str) -> str:
    return hashlib.sha256(culprit.encode()).hexdigest()[:8]


@pytest.mark.parametrize(
    ("culprit", "name"),
    [
        ("?(/checkout.html)", "checkout.html"),
        ("__main__ in boom", "main___in_boom"),
        ("  shop.views in  pay  ", "shop.views_in_pay"),
        ("/checkout/{order_id}/", "checkout_order_id"),
        ("onCheckoutClick(/checkout.html)", "onCheckoutClick_checkout.html"),
        ("a → b", "a_b"),  # a sign was lost, not a letter
        ("x" * 46, "x" * 46),
    ],
)
def test_a_culprit_becomes_a_name(culprit, name):
    assert culprit_event_type(culprit) == f"sentry_exception.{name}"


@pytest.mark.parametrize(
    ("culprit", "head"),
    [
        ("x" * 47, "x" * 37),
        ("checkout in zürich", "checkout_in_z_rich"),
        ("???", ""),
        ("支払い", ""),
        ("a." * 23 + "b", "a." * 18 + "a"),
    ],
)
def test_a_name_that_was_cut_or_lost_letters_ends_in_a_hash(culprit, head):
    assert culprit_event_type(culprit) == f"sentry_exception.{head}-{digest(culprit)}"


@pytest.mark.parametrize("culprit", [None, "", "  ", "\n"])
def test_no_culprit_has_no_name(culprit):
    assert culprit_event_type(culprit) is None


def test_the_real_long_culprit_fills_exactly_63_characters():
    culprit = INDEX["culprit-odd-characters"]["error-created"]["culprit"]

    name = culprit_event_type(parsed("culprit-odd-characters").culprit)
    assert name == f"sentry_exception.api_Z_rich_and_order_id_quoted_b_very-{digest(culprit)}"
    assert len(name) == 63


@given(ANY_TEXT)
def test_a_name_is_always_one_that_fme_accepts(culprit):
    name = culprit_event_type(culprit)

    assert (name is None) == (not culprit.strip())
    assert name is None or ALLOWED.fullmatch(name)


@given(st.text("ab ./ü", min_size=60), st.text("ab ./ü", min_size=60))
def test_two_long_culprits_stay_apart(one, other):
    assume(one != other and one.strip(" ./_") and other.strip(" ./_"))
    names = culprit_event_type(one), culprit_event_type(other)

    # Names that needed no hash may agree: runs of signs are one sign.
    assert names[0] != names[1] or not re.search(r"-[0-9a-f]{8}$", str(names[0]))
