"""The bodies that are sent: real ones, each with one place for an id."""

import pytest

from benchmarks import bodies
from benchmarks.mapping import EVENTS, events_of
from benchmarks.peers.djstripe import stripe_event
from integrations.payloads import Source, read_event_id


@pytest.mark.parametrize("size", [10_000, 20_000, 30_000, 200_000])
def test_a_cut_body_is_just_under_its_size_and_still_maps(size):
    body = bodies.of_size(size)

    assert 0.7 * size < len(body) <= size
    assert events_of(body) == EVENTS


def test_every_body_of_the_mix_has_exactly_one_place_for_an_id():
    assert [body.count(bodies.NO_ID.encode()) for body in bodies.mix()] == [1] * len(bodies.names())


def test_the_product_reads_the_id_that_the_load_generator_writes():
    body = bodies.of_size(5_000).replace(bodies.NO_ID.encode(), b"a1" * 16)

    assert read_event_id(body, Source.SERVICE_HOOK) == "a1" * 16


def test_the_peer_gets_as_much_to_read():
    body = bodies.of_size(20_000)

    assert len(stripe_event(body)) == pytest.approx(len(body), rel=0.02)
    assert stripe_event(body).endswith(f'"id":"evt_{bodies.NO_ID}"}}'.encode())
