"""Which values become keys of track events."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from integrations.mapping import Skip, SkipCode, translate
from integrations.mapping.identity import key_of
from integrations.payloads import PayloadUnreadable, Source, parse
from tests.integrations.bodies import hook_with, rules

MISSING, NOT_TEXT, TOO_LONG = (
    SkipCode.IDENTITY_MISSING,
    SkipCode.IDENTITY_NOT_TEXT,
    SkipCode.IDENTITY_TOO_LONG,
)


def outcome_of(json_value: str):
    """Send the JSON text of a user's id through the whole translation."""
    body = hook_with(environment="staging", user={"id": "ID"}).replace(b'"ID"', json_value.encode())
    translation = translate(parse(body, Source.SERVICE_HOOK), rules())
    return [event.key for event in translation.events] or [skip.code for skip in translation.skips]


@pytest.mark.parametrize(
    ("sent", "outcome"),
    [
        ('"42"', "42"),
        ("42", "42"),
        ("0", "0"),
        ("-7", "-7"),
        ("42.0", "42"),
        ("-0.0", "0"),
        ("1e3", "1000"),
        ("12345678901234567890", "12345678901234567890"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ('" spaced id "', " spaced id "),
        ('"\\u043a\\u043b\\u044e\\u0447"', "ключ"),
        ('"\\ud83d\\ude00"', "😀"),
        ('"True"', "True"),
        (json.dumps("x" * 250), "x" * 250),
        ("9" * 250, "9" * 250),
        (json.dumps("x" * 251), TOO_LONG),
        ("9" * 251, TOO_LONG),
        ("-" + "9" * 250, TOO_LONG),
        ("9" * 5000, TOO_LONG),
        ("1e300", TOO_LONG),
        ("null", MISSING),
        ('""', MISSING),
        ('"  \\n "', MISSING),
        (json.dumps(" " * 300), MISSING),
        ("true", NOT_TEXT),
        ("false", NOT_TEXT),
        ("42.5", NOT_TEXT),
        ("1e400", NOT_TEXT),
        ("-Infinity", NOT_TEXT),
        ("NaN", NOT_TEXT),
        ("[]", NOT_TEXT),
        ('["42"]', NOT_TEXT),
        ("{}", NOT_TEXT),
        ('"a\\u0000b"', NOT_TEXT),
        ('"a\\nb"', NOT_TEXT),
        ('"a\\u007fb"', NOT_TEXT),
        ('"a\\u0085b"', NOT_TEXT),
        ('"a\\ud800b"', NOT_TEXT),
    ],
)
def test_a_value_becomes_a_key_or_a_reason(sent, outcome):
    assert outcome_of(sent) == [outcome]


def test_a_body_nested_too_deep_for_any_parser_is_unreadable():
    body = hook_with(user={"id": "ID"}).replace(b'"ID"', b"[" * 200_000 + b"]" * 200_000)

    with pytest.raises(PayloadUnreadable):
        parse(body, Source.SERVICE_HOOK)


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        (None, "P is null."),
        ("", "P is blank."),
        (True, "P is a boolean; a key is a text or a whole number."),
        (4.5, "P is a number that is not whole; a key is a text or a whole number."),
        (float("inf"), "P is a number that is not whole; a key is a text or a whole number."),
        (["a@b.c"], "P is a list of 1 item; a key is a text or a whole number."),
        ({"mail": "a@b.c"}, "P is an object with 1 key; a key is a text or a whole number."),
        ("a@b.c\x00", "P is a text of 6 characters with control characters in it."),
        ("s" * 251, "P is a text of 251 characters; a key has at most 250."),
    ],
)
def test_the_reason_tells_the_kind_and_never_the_value(value, detail):
    assert key_of(value, "P").detail == detail


@given(st.integers() | st.integers(-(10**260), 10**260))
def test_whole_numbers_keep_every_digit(number):
    key = key_of(number, "P")

    assert key == str(number) if len(str(number)) <= 250 else key.code is TOO_LONG


@given(st.text(st.characters(codec=None), max_size=260))
def test_a_text_is_a_key_as_it_is_or_none(text):
    key = key_of(text, "P")

    assert isinstance(key, Skip) or (key == text and key.strip() and len(key.encode()) and len(key) <= 250)


@example(-1.0000000000000001e249)  # 250 digits and a sign
@given(st.floats())
def test_a_float_is_a_key_only_when_it_is_whole(number):
    key = key_of(number, "P")

    assert isinstance(key, Skip) != (number.is_integer() and len(str(int(number))) <= 250)
