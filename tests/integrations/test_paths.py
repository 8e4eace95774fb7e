"""Where a key path leads, in either form of a body."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.payloads import Found, Source, parse
from integrations.payloads.paths import MISSING, relative, walk
from tests.integrations.bodies import hook_with, hooked, in_both_forms, parsed

SERVICE_HOOK, APP = Source.SERVICE_HOOK, Source.APP

# Dots in keys, digits as keys and overlapping names: everything that makes splitting ambiguous.
KEYS = st.sampled_from(["a", "b", "a.b", "b.a", "a.b.a", "0", "1", "a.0"])
TREES = st.recursive(
    st.none() | st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
PATHS = st.lists(KEYS, min_size=1, max_size=5).map(".".join)


@pytest.mark.parametrize(
    ("path", "value", "read_from"),
    [
        ("data.error.user.id", "42", "user.id"),
        ("event.user.id", "42", "user.id"),
        ("data.event.user.id", "42", "user.id"),
        ("user.id", "42", "user.id"),
        ("data.erroruser.id", "42", "user.id"),
        ("data.error.user.orgId", 55, "user.data.orgId"),
        ("data.error.user.data.orgId", 55, "user.data.orgId"),
        ("data.error.tags.os.name", "Linux", "tags.os.name"),
        ("data.error.contexts.os.name", "Linux", "contexts.os.name"),
        ("data.error.culprit", "?(/checkout.html)", "culprit"),
    ],
)
@pytest.mark.parametrize("source", Source)
def test_a_path_means_the_same_in_both_forms(path, value, read_from, source):
    assert parsed("seed-multi-traffic-type", source).lookup(path) == Found(value, read_from)


@pytest.mark.parametrize(
    ("stored", "in_api"),
    [
        ("event_id", "eventID"),
        ("issue_id", "groupID"),
        ("extra", "context"),
        ("modules", "packages"),
        ("hashes", "fingerprints"),
        ("web_url", "url"),
        ("environment", "tags.environment"),
        ("release", "tags.release"),
        ("level", "tags.level"),
        ("exception.values.0.type", "entries.0.data.values.0.type"),
        ("exception.values.2.value", "entries.0.data.values.2.value"),
        ("breadcrumbs.values.0.category", "entries.1.data.values.0.category"),
        ("request.method", "entries.2.data.method"),
        ("transaction", "tags.transaction"),
    ],
)
def test_each_form_understands_the_names_of_the_other(stored, in_api):
    hook, app = (parsed("django-chained-exception", source) for source in (SERVICE_HOOK, APP))

    assert hook.lookup(f"data.error.{stored}") == Found(app.lookup(stored).value, in_api)
    if in_api != "url":  # means the API's own address in the stored form
        assert app.lookup(f"event.{in_api}").value == hook.lookup(in_api).value


@pytest.mark.parametrize("path", ["timestamp", "dateCreated", "received", "project", "logentry.formatted"])
@pytest.mark.parametrize("source", Source)
def test_times_projects_and_messages_are_found_in_both_forms(path, source):
    assert parsed("browser11-message", source).lookup(path).value is not None


@pytest.mark.parametrize("name", in_both_forms())
def test_identities_are_the_same_in_both_forms_of_every_real_event(name):
    paths = ["user.id", "user.email", "user.orgId", "user.data.team.id", "tags.tenant", "tags.customer.tier"]
    paths += [
        "contexts.tenant.id",
        "contexts.tenant.key.with.dots",
        "extra.cart_id",
        "environment",
        "user.org.slug",
    ]
    hook, app = parsed(name, SERVICE_HOOK), parsed(name, APP)

    for path in paths:
        ours, theirs = hook.lookup(path), app.lookup(f"data.error.{path}")
        assert (ours.value if ours else None) == (theirs.value if theirs else None), path


def test_a_key_with_dots_is_found_literally():
    contexts = parsed("identity-in-contexts", APP)

    assert contexts.lookup("data.error.contexts.tenant.key.with.dots").value == "dotted"
    assert parsed("identity-in-tags", APP).lookup("data.error.tags.customer.tier").value is not None


def test_the_longest_literal_key_wins_and_shorter_ones_are_tried_after_it():
    contexts = {"a": {"b": "split", "b.c": "kept"}, "a.b": {"x": 1}, "a.b.c": "whole"}

    assert hooked(contexts=contexts).lookup("contexts.a.b.c").value == "whole"
    assert hooked(contexts=contexts).lookup("contexts.a.b").value == {"x": 1}
    del contexts["a.b.c"]
    assert hooked(contexts=contexts).lookup("contexts.a.b.c").value == "kept"


def test_null_counts_as_absent_while_user_data_has_a_value():
    user = {"id": None, "email": None, "data": {"id": 7, "email": None}}

    assert hooked(user=user).lookup("data.error.user.id") == Found(7, "user.data.id")
    assert hooked(user=user).lookup("data.error.user.email") == Found(None, "user.email")
    assert hooked(user=user | {"id": 0}).lookup("data.error.user.id") == Found(0, "user.id")


def test_nested_keys_of_the_user_fall_back_too():
    exception = parsed("environment-uppercase-nested-user")

    assert exception.lookup("data.error.user.org.parent.id") == Found("p-1", "user.data.org.parent.id")
    assert exception.lookup("data.error.user.roles.1") == Found("b", "user.data.roles.1")


def test_items_of_lists_go_by_number_and_tags_never_do():
    exception = parsed("seed-staging", APP)

    assert exception.lookup("exception.values.0.value").value == "Test error"
    for path in ("exception.values.1.value", "exception.values.-1.value", "exception.values.²", "tags.0.0"):
        assert exception.lookup(path) is None


@pytest.mark.parametrize(
    "path",
    ["", ".", "user.", ".user.id", "user..id", "data.error", "data", "nothing", "title.x", "entries.99.data"],
)
@pytest.mark.parametrize("source", Source)
def test_a_path_that_leads_nowhere_finds_nothing(path, source):
    assert parsed("seed-staging", source).lookup(path) is None


def test_a_path_over_250_characters_finds_nothing():
    key = "k" * (250 - len("contexts.a."))
    exception = hooked(contexts={"a": {key: 1, key + "k": 2}})

    assert exception.lookup(f"contexts.a.{key}").value == 1
    assert exception.lookup(f"contexts.a.{key}k") is None


def test_a_value_survives_odd_neighbours():
    exception = hooked(user={"id": "4\ud800", "data": {"n": float("nan"), "big": 12345678901234567890}})

    assert exception.lookup("user.id").value == "4\ud800"
    assert exception.lookup("user.big").value == 12345678901234567890


def test_a_number_too_large_for_a_float_is_still_found():
    body = hook_with(user={"id": 0}).replace(b'"id": 0', b'"id": 1e400')

    assert parse(body, SERVICE_HOOK).lookup("user.id").value == float("inf")


@given(TREES, PATHS)
def test_walking_agrees_with_trying_every_way_to_split(tree, path):
    expected = next(_every_way(tree, path.split(".")), MISSING)

    assert walk(tree, path) == expected or walk(tree, path) is expected


@given(st.text())
def test_any_text_is_a_path_without_a_fault(path):
    parsed("seed-staging").lookup(path)
    assert relative("data.error." + path) == path


def _every_way(node, segments):
    """Yield what every split of the path leads to, longest first key first."""
    if not segments:
        yield node
        return
    if isinstance(node, list) and segments[0].isdigit() and int(segments[0]) < len(node):
        yield from _every_way(node[int(segments[0])], segments[1:])
    if isinstance(node, dict):
        for size in range(len(segments), 0, -1):
            if (key := ".".join(segments[:size])) in node:
                yield from _every_way(node[key], segments[size:])
