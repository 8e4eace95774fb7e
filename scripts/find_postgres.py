"""Print the address of a PostgreSQL where test databases may be created; fail if none answers."""

import getpass
import os
import sys

import psycopg

HOST = os.environ.get("PGHOST", "127.0.0.1")
PORT = os.environ.get("PGPORT", "5432")
USERS = dict.fromkeys([os.environ.get("PGUSER") or getpass.getuser(), "postgres"])
MAY_CREATE = "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"


def may_create_databases(user: str) -> bool:
    """Whether this user gets in, without a password or with the one libpq knows, and may create databases."""
    try:
        with psycopg.connect(
            host=HOST, port=PORT, user=user, dbname="postgres", connect_timeout=3
        ) as connection:
            row = connection.execute(MAY_CREATE).fetchone()
    except psycopg.OperationalError:
        return False
    return bool(row and row[0])


user = next(filter(may_create_databases, USERS), None)
if user is None:
    sys.exit(1)
print(f"postgres://{user}@{HOST}:{PORT}/sentry_fme")
