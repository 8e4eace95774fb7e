"""The totals of what all web processes counted, in the database."""

from collections import Counter

from django.db import connection

from webhooks.models import Total

REQUESTS = "webhook_requests"
DUPLICATES = "webhook_duplicates"
SET_ASIDE = "spool_set_aside"

Named = tuple[str, str]
"""What is counted, and its label."""


def add(counts: Counter[Named]) -> None:
    """One statement, its rows in order, so that two processes wait for each other but never lock each other out."""
    rows = sorted(counts.items())
    places = ", ".join(["(%s, %s, %s)"] * len(rows))
    statement = (
        f"INSERT INTO {Total._meta.db_table} AS t (name, label, count) VALUES {places} "  # noqa: S608 - our own name
        "ON CONFLICT (name, label) DO UPDATE SET count = t.count + excluded.count"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            statement, [value for (name, label), number in rows for value in (name, label, number)]
        )


def totals() -> Counter[Named]:
    """What is added up: never less than before, whichever process is asked.

    What the asked process has still to add is left out: the next scrape meets another process, and Prometheus takes a
    counter that goes down for one that began anew.
    """
    return Counter(
        {(name, label): count for name, label, count in Total.objects.values_list("name", "label", "count")}
    )
