"""SQLite and PostgreSQL, both first class: the options each needs to be durable and to wait politely."""

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

SQLITE_OPTIONS = {
    # A read that turns into a write does not wait in DEFERRED mode: two of three writers would fail.
    "transaction_mode": "IMMEDIATE",
    "timeout": 4,  # seconds; Sentry gives up after 5
    # A checkpoint holds up every webhook that is under way; by default it comes half as often and takes longer.
    # What a burst or a long read made of the log is given back when it starts anew, above 64 MiB.
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=4000;"
        "PRAGMA wal_autocheckpoint=500; PRAGMA journal_size_limit=67108864;"
    ),
}
POSTGRES_OPTIONS = {
    "connect_timeout": 2,  # seconds, as are those below
    "application_name": "sentry-fme",
    # A server that vanished without a word (power, network) is noticed within a quarter of a minute.
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # milliseconds: for what was sent and never acknowledged
}
CONNECTION_LIFE_SECONDS = 300


def database(url: str) -> dict[str, Any]:
    """The DATABASES entry for `url`; raises ImproperlyConfigured for one that names no database of these two."""
    if not url.startswith(("sqlite://", "postgres://", "postgresql://", "psql://", "pgsql://")):
        raise ImproperlyConfigured(
            "DATABASE_URL has to be postgres://USER:PASSWORD@HOST:5432/NAME or sqlite:////absolute/path.sqlite3."
        )
    config: dict[str, Any] = dict(environ.Env.db_url_config(url))
    if "sqlite" in config["ENGINE"]:
        return config | {"OPTIONS": {**SQLITE_OPTIONS, **config.get("OPTIONS", {})}, "CONN_MAX_AGE": None}
    return config | {
        "OPTIONS": {**POSTGRES_OPTIONS, **config.get("OPTIONS", {})},
        "CONN_MAX_AGE": CONNECTION_LIFE_SECONDS,
        "CONN_HEALTH_CHECKS": True,
    }
