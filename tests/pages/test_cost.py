"""No page costs more because there are more messages: rows read on PostgreSQL, steps taken on SQLite.

A small pair of sizes here; `python -m tests.pages` compares a thousand messages with a million.
"""

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction

from integrations.admin.parts import BoundedPaginator
from tests.pages.compare import Costs, costs_of, pairs_of, table
from tests.pages.history import fill
from webhooks.pages import audit, log, replay, tail

SMALL, LARGE = 1000, 12_000


@pytest.mark.timeout(300)
def test_no_page_reads_more_of_a_larger_history(db, monkeypatch):
    for place, bound in (
        (log, "WINDOW"), (tail, "WINDOW"), (audit, "LOOK"), (audit, "MOST_CSV"), (replay, "MOST_COUNTED"),
        (BoundedPaginator, "most_counted"),
    ):  # fmt: skip
        monkeypatch.setattr(place, bound, 200)

    pairs = pairs_of(costs_at(SMALL), costs_at(LARGE))

    grown = [pair for pair in pairs if pair.grew]
    assert not grown, table(grown, (SMALL, LARGE))


def costs_at(count: int) -> Costs:
    """Fill, click and roll back. PostgreSQL may not read whole tables, which it prefers while they are small."""
    with transaction.atomic():
        history = fill(count, hours=48)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin"):
                    cursor.execute(f"SET LOCAL enable_{way} = off")
        found = costs_of(history)
        transaction.set_rollback(True)
    ContentType.objects.clear_cache()
    return found
