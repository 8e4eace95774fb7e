"""What a connection is opened with: as durable as the answer to a webhook promises."""

import pytest
from django.db import connection


@pytest.mark.django_db
def test_sqlite_syncs_each_commit_and_bounds_its_log():
    if connection.vendor != "sqlite":
        pytest.skip("these are SQLite's")
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,  # FULL
        "busy_timeout": 4000,
        "wal_autocheckpoint": 500,
        "journal_size_limit": 64 * 1024**2,
    }
    with connection.cursor() as cursor:
        found = {name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted}

    assert found == wanted
