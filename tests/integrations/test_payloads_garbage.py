"""Real bodies with something wrong anywhere: they are read or refused, and nothing else."""

import copy
import json
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.mapping import IdentityRule, explain, translate
from integrations.payloads import (
    PayloadUnreadable,
    Source,
    guess_source,
    parse,
    read_app_envelope,
    read_event_id,
)
from tests.integrations.bodies import ORG, PRODUCTION, STAGING, USER, body_of, rules

NAMES = (
    "seed-multi-traffic-type",
    "identity-in-contexts",
    "node-unhandled-rejection",
    "environment-70-chars",
)
BODIES = [(json.loads(body_of(name, source)), source) for name in NAMES for source in Source]
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=300)
    | st.sampled_from(["\ud800", "\x00", 10**400, "error", "2026-11-23T02:06:06Z", "none"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
PATHS = ["exception.values.0.type", "event.entries.0.data.values.0.value", "tags.a.b", "contexts", "x.y"]
RULES = rules(
    STAGING, PRODUCTION, USER, ORG, *(IdentityRule(path, "x") for path in PATHS), wants_culprit=True
)


@st.composite
def damaged_bodies(draw):
    """One of the real bodies with up to three values, near the top or deep, replaced by anything."""
    body, source = draw(st.sampled_from(BODIES))
    body = copy.deepcopy(body)
    for _ in range(draw(st.integers(1, 3))):
        holder, key = draw(st.sampled_from(list(_places(body))))
        holder[key] = draw(ANYTHING)
    return json.dumps(body).encode(), source


def _places(node, depth=0):
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield node, key
        if depth < 7:
            yield from _places(value, depth + 1)


@settings(max_examples=400, deadline=None)
@given(damaged_bodies())
def test_a_damaged_body_is_read_or_refused(damaged):
    body, source = damaged

    read_event_id(body, source)
    try:
        exception = parse(body, source)
    except PayloadUnreadable:
        return
    assert exception.event_id is None or len(exception.event_id) == 32
    assert explain(exception, RULES).translation == translate(exception, RULES)
    for event in translate(exception, RULES).events:
        assert json.loads(event.json.encode()) == event.as_dict()


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(BODIES), st.data())
def test_broken_bytes_are_read_or_refused(case, data):
    body, source = json.dumps(case[0]).encode(), case[1]
    start = data.draw(st.integers(0, len(body)))
    broken = (
        body[:start] + data.draw(st.binary(max_size=8)) + body[data.draw(st.integers(start, len(body))) :]
    )

    guess_source(broken)
    for read in (read_event_id, parse):
        with suppress(PayloadUnreadable):
            read(broken, source)


@settings(deadline=None)
@given(damaged_bodies() | st.tuples(st.binary() | ANYTHING.map(lambda x: json.dumps(x).encode())))
def test_any_app_envelope_is_read_or_refused(damaged):
    try:
        envelope = read_app_envelope(damaged[0])
    except PayloadUnreadable:
        return
    assert envelope.installation_uuid is None or len(envelope.installation_uuid) == 36
