"""What a peer's answer says, in whichever shape: every recorded answer of a real Sentry, and worse."""

import json
from pathlib import Path

import pytest

from integrations.words import MAX_WORDS, conceal, retry_after_seconds, words_of

TRANSCRIPTS = json.loads(
    (Path(__file__).parent.parent / "fixtures" / "sentry" / "rest-transcripts.json").read_text()
)

WORDS = {
    "grant: wrong client secret": "Invalid Client ID / Secret pair",
    "grant: missing client id": "Invalid Client ID / Secret pair",
    "grant: wrong code": "Unauthorized",
    "grant: missing code": "Internal Error; error id 3b9003cfcf5e44de8523fc1c104667ba",
    "grant: bad grant_type": "Invalid grant_type",
    "grant: unknown installation": "Not found.",
    "grant: malformed json": "Invalid request",
    "grant: same code again": "Unauthorized",
    "refresh: old refresh token again": "Unauthorized",
    "old access token after refresh": "Invalid token",
    "verify install: PUT bad status": "status: Invalid value 'pending' for status. Valid values: 'installed'",
    "verify install: PUT no token": "Authentication credentials were not provided.",
    "hooks: create without token": "Authentication credentials were not provided.",
    "hooks: create invalid token": "Invalid token",
    "hooks: create missing url": "url: This field is required.",
    "hooks: create invalid url": "url: Enter a valid URL.",
    "hooks: create bad event": "events: Invalid event name: error.created",
    "hooks: create bad version": 'version: "1" is not a valid choice.',
    "hooks: create events not a list": 'events: Expected a list of items but got type "str".',
    "hooks: put invalid": "events: Invalid event name: nope",
    "hooks: get unknown": "The requested resource does not exist",
    "hooks: delete again": "The requested resource does not exist",
    "hooks: unknown project": "The requested resource does not exist",
    "hooks: unknown org": "The requested resource does not exist",
    "hooks: org where app is not installed": "The requested resource does not exist",
    "hooks: feature off (GET)": "You do not have that feature enabled",
    "hooks: feature off (POST)": "You do not have that feature enabled",
    "hooks: create with only project:read": "You do not have permission to perform this action.",
    "hooks: delete with project:write": "You do not have permission to perform this action.",
    "list: org projects, too large a page": "Invalid per_page value. Cannot exceed 100.",
    "list: org projects, no number of a page": "Invalid per_page parameter.",
    "list: unknown org": "The requested resource does not exist",
    "list: org projects with only project:read": "You do not have permission to perform this action.",
    "list: environments of an unknown visibility": (
        "Invalid value for 'visibility', valid values are: ['all', 'hidden', 'visible']"
    ),
    "list: environments of an unknown project": "The requested resource does not exist",
    "list: project environments with only org:read": "You do not have permission to perform this action.",
    "expired token": "Token expired",
    "renamed/unknown project": "The requested resource does not exist",
}


def test_every_recorded_refusal_is_written_out_here():
    assert {one["label"] for one in TRANSCRIPTS if one["status"] >= 400} == set(WORDS)


@pytest.mark.parametrize(
    "recorded", [one for one in TRANSCRIPTS if one["status"] >= 400], ids=lambda one: one["label"]
)
def test_every_recorded_refusal_is_understood(recorded):
    assert words_of(json.dumps(recorded["response"]).encode()) == WORDS[recorded["label"]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'"You are attempting to use this endpoint too often."', "You are attempting to use this endpoint too often."),
        (b'{"detail": {"code": "resource-moved", "message": "Resource has been moved"}}', "Resource has been moved"),
        (b'{"detail": ["One.", "Two."]}', "One.; Two."),
        (b'{"code": 403, "message": "Forbidden"}', "Forbidden"),
        (b'{"url": ["Bad."], "events": ["Worse."]}', "url: Bad.; events: Worse."),
        (b"<html><head><title>502 Bad Gateway</title></head><body><h1>nginx</h1></body></html>", "502 Bad Gateway"),
        (b"<p>Down for &quot;maintenance&quot;</p><script>x()</script>", 'Down for "maintenance"'),
        (b"plain\r\n\ttext\x00\x1b[31m", "plain text [31m"),
        (b"\xff\xfe", "\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"),
        (b"", ""),
        (b"null", ""),
        (b"{}", ""),
        (b"[" * 500_000, "[" * (MAX_WORDS - 1) + "…"),
        (b'{"a":' * 20 + b'"deep"' + b"}" * 20, ""),
    ],
)  # fmt: skip
def test_words_are_found_in_any_shape(content, words):
    assert words_of(content) == words


def test_words_are_cut_to_a_sentence_or_two():
    assert len(words_of(b"x" * 10_000)) == MAX_WORDS


def test_secrets_and_queries_are_concealed():
    words = "token t0ken at https://sentry.io/callback?code=abc&x=1 refused"

    assert conceal(words, ["t0ken", ""]) == "token … at https://sentry.io/callback refused"


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (503, {"Retry-After": "120"}, 120.0),
        (503, {"Retry-After": "Thu, 01 Jan 1970 00:17:10 GMT"}, 30.0),
        (503, {"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        (503, {"Retry-After": "soon"}, None),
        (503, {"Retry-After": "-5"}, None),
        (503, {}, None),
        (429, {"X-Sentry-Rate-Limit-Reset": "1045"}, 45.0),
        (429, {"X-Sentry-Rate-Limit-Reset": "1045", "Retry-After": "90"}, 90.0),
        (200, {"X-Sentry-Rate-Limit-Reset": "1045"}, None),
        (429, {"X-RateLimit-Reset-Seconds-Org": "7", "X-RateLimit-Reset-Seconds-IP": "30"}, 30.0),
        (429, {"X-RateLimit-Reset-Seconds-Org": "70", "X-RateLimit-Reset-Seconds-IP": "nan"}, 70.0),
    ],
)
def test_the_longest_wish_to_wait_is_honoured(status, headers, seconds):
    assert retry_after_seconds(status, headers, now=1000.0) == seconds
