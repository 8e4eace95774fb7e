"""What of a payload is hidden, what stays, and that no payload can make it slow or fail."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks import masking
from webhooks.masking import DEEPEST, TOO_DEEP, mask, mask_text

PAYLOADS = Path(__file__).parents[1] / "fixtures" / "payloads"
BODIES = sorted(path for path in PAYLOADS.glob("*.json") if not path.name.endswith(".headers.json"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Hello jane.doe+x@example.co.uk!", "Hello [e-mail]!"),
        ("?mail=jane%40example.com&a=1", "?mail=[e-mail]&a=1"),
        ("mailto:jane@exämple.de", "mailto:[e-mail]"),
        ("from 203.0.113.7:8080", "from [IP address]:8080"),
        ("from 2001:db8::7 and [::1]", "from [IP address] and [[IP address]]"),
        ("https://jane:hunter2@example.com/", "https://[masked]@example.com/"),
        ("GET /?token=abc123&page=2", "GET /?token=[masked]&page=2"),
        ("/callback?code=4711abc&state=x", "/callback?code=[masked]&state=x"),
        ('{"password": "hunter2", "page": 2}', '{"password": "[masked]", "page": 2}'),
        ("db_password=hunter2;user=x", "db_password=[masked];user=x"),
        ("Authorization: Bearer abc.def-123", "Authorization: [masked] [masked]"),
        ("sent Bearer 0123456789abcdef", "sent Bearer [masked]"),
        ("Cookie: a=1; b=2", "Cookie: [masked]"),
        ("jwt eyJhbGciOi.eyJzdWIi.c2ln end", "jwt [masked] end"),
        ("key sntrys_abcdefgh12345678", "key [masked]"),
    ],
)
def test_text_is_masked(text, shown):
    assert mask_text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "TypeError: x is undefined",
        "Chrome 120.0.0.0 on Windows 10.0",
        "mscorlib, Version=4.0.0.0",
        "node_modules/react@18.2.0/index.js",
        "at std::vector<a::b> in 04:33:22",
        "SyntaxError: Unexpected token < in JSON",
        "https://example.com/checkout?page=2",
        "/path/to/file.py:42:7",
        "",
    ],
)
def test_harmless_text_stays(text):
    assert mask_text(text) == text


def test_user_keeps_only_the_id_and_what_the_program_added():
    user: Any = {
        "id": "42",
        "email": "jane@example.com",
        "username": "jane",
        "ip_address": "203.0.113.7",
        "name": "Jane Doe",
        "data": {"orgId": 55, "plan": "gold", "sessionToken": "abc", "firstName": "Jane"},
        "geo": None,
    }

    assert mask({"event": {"user": user}}) == {
        "event": {
            "user": {
                "id": "42",
                "email": "[e-mail]",
                "username": "[masked]",
                "ip_address": "[IP address]",
                "name": "[masked]",
                "data": {"orgId": 55, "plan": "gold", "sessionToken": "[masked]", "firstName": "[masked]"},
                "geo": None,
            }
        }
    }


def test_names_of_things_stay():
    payload: Any = {"project": {"name": "Front End"}, "sdk": {"name": "sentry.python"}}

    assert mask(payload) == payload


def test_headers_cookies_and_tags_are_masked_in_both_forms():
    payload: Any = {
        "request": {
            "headers": [["Authorization", "Basic x"], ["X-Api-Key", "k"], ["Accept", "*/*"]],
            "cookies": [["sessionid", "abc"], ["theme", "dark"]],
            "env": {"REMOTE_ADDR": "127.0.0.1"},
        },
        "tags": [
            ["user", "username:jane"],
            {"key": "user", "value": "email:jane@example.com", "query": None},
        ],
    }

    assert mask(payload) == {
        "request": {
            "headers": [["Authorization", "[masked]"], ["X-Api-Key", "[masked]"], ["Accept", "*/*"]],
            "cookies": [["[masked]", "[masked]"], ["[masked]", "[masked]"]],
            "env": {"REMOTE_ADDR": "[IP address]"},
        },
        "tags": [["user", "username:[masked]"], {"key": "user", "value": "email:[e-mail]", "query": None}],
    }


def test_track_event_whose_key_is_an_address_is_masked():
    event: Any = {"eventTypeId": "sentry_exception", "key": "jane@example.com", "value": None, "timestamp": 1}

    assert mask(event) == event | {"key": "[e-mail]"}


def test_what_json_cannot_say_becomes_text():
    masked = mask({"a": float("nan"), "b": float("inf"), "c": "\ud800\x00", "d": 10**30})

    assert json.loads(json.dumps(masked, allow_nan=False).encode()) == {
        "a": "nan", "b": "inf", "c": "\ufffd\ufffd", "d": 10**30
    }  # fmt: skip


def test_depth_has_an_end():
    payload: Any = "core"
    for _ in range(50 * DEEPEST):
        payload = [payload]

    assert TOO_DEEP in json.dumps(mask(payload))
    assert TOO_DEEP in json.dumps(mask({"password": payload}))


@pytest.mark.parametrize(
    "run", ["a", ":", "1.", "a@", "eyJaaaaa.", "token=", "://a", "-----BEGIN ", "%40", "a."]
)
def test_no_text_makes_it_slow(run):
    started = time.perf_counter()

    mask_text((run * 100_000)[:200_000] + "\n@ ://")

    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("path", BODIES, ids=lambda path: path.name)
def test_no_recorded_payload_shows_an_address(path):
    shown = json.dumps(mask(json.loads(path.read_bytes())))

    assert not re.search(r"(?<![\w.])[\w.]++@[\w-]+\.[a-z]{2,}", shown)
    assert not re.search(r"(?<![\w.])(?!\d+\.0\.0\.0)\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\w.])", shown)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_any_payload_is_masked_into_json_and_masking_again_changes_nothing(payload):
    masked = mask(payload)

    json.dumps(masked, allow_nan=False, ensure_ascii=False).encode()
    assert mask(masked) == masked


@given(st.from_regex(masking._ASSIGNED))
def test_whatever_assigns_a_secret_has_one_of_the_hints(text):
    assert any(hint in text.casefold() for hint in masking._HINTS)
