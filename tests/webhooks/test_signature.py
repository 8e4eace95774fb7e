"""Signatures over raw bytes, on what Sentry really signed."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.signature import sign, verify

PAYLOADS = Path(__file__).parents[1] / "fixtures" / "payloads"
SIGNED = sorted(PAYLOADS.rglob("*.headers.json"))


@pytest.mark.parametrize("headers_file", SIGNED, ids=lambda file: file.name.removesuffix(".headers.json"))
def test_every_real_body_has_the_signature_sentry_sent(headers_file):
    headers = json.loads(headers_file.read_text())
    body = headers_file.with_name(headers_file.name.replace(".headers", "")).read_bytes()
    signature = headers.get("Sentry-Hook-Signature") or headers["X-ServiceHook-Signature"]

    assert sign(body, "test-secret") == signature
    assert verify(body, "test-secret", signature)


def test_a_signature_belongs_to_exact_bytes_and_one_secret():
    signature = sign(b'{"a": 1}', "secret")

    assert not verify(b'{"a":1}', "secret", signature)
    assert not verify(b'{"a": 1}', "Secret", signature)


def test_an_empty_secret_verifies_nothing():
    assert not verify(b"{}", "", sign(b"{}", ""))


@pytest.mark.parametrize("odd", ["", "ü" * 64, "\ud800", "\x00", "sha256=abc"])
def test_an_odd_signature_is_wrong_not_an_error(odd):
    assert not verify(b"{}", "secret", odd)


def test_upper_case_digits_are_another_signature():
    assert not verify(b"{}", "secret", sign(b"{}", "secret").upper())


@given(st.binary(), st.text(), st.text())
def test_any_body_secret_and_signature_get_an_answer(body, secret, signature):
    assert verify(body, secret, signature) == (bool(secret) and signature == sign(body, secret))
