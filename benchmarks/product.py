"""The product as it is deployed, with one integration: two environments, two identities and the culprit."""

import json
import os
import sqlite3
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.load import Target
from benchmarks.processes import PYTHON, ROOT, Server

SECRET = "a-service-hook's-secret-for-benchmarks"
SEED = Path(__file__).with_name("seed.py")


@dataclass(frozen=True, slots=True)
class Product:
    """One installation with a database of its own; `address` is the hook's."""

    folder: Path
    database_url: str
    port: int
    settings: dict[str, str]
    address: str

    @property
    def target(self) -> Target:
        """Where Sentry would post."""
        return Target(self.port, f"/webhooks/sentry/hooks/{self.address}/", SECRET)

    def web(self, **settings: str) -> Server:
        """One granian process, as `docs/operations.md` starts it."""
        command: list[str | Path] = [
            PYTHON, "-m", "granian", "--interface", "wsgi", "config.wsgi:application", "--host", "127.0.0.1",
            "--port", str(self.port), "--http", "1", "--no-ws", "--workers", "1", "--blocking-threads", "16",
            "--log-level", "error",
        ]  # fmt: skip
        return self.run(command, port=self.port, **settings)

    def run(self, command: Sequence[str | Path], *, port: int | None = None, **settings: str) -> Server:
        """A process of the product."""
        return Server(list(command), port=port, log=self.folder / "log", environment=self.settings | settings)

    def stored(self) -> set[str]:
        """The event ids in the inbox."""
        query = "SELECT event_id FROM webhooks_inboxmessage"
        if self.database_url.startswith("sqlite"):
            with sqlite3.connect(self.database_url.removeprefix("sqlite:///")) as connection:
                return {row[0] for row in connection.execute(query)}
        with psycopg.connect(self.database_url) as postgres:
            return {row[0] for row in postgres.execute(query)}


def install(folder: Path, database_url: str, port: int, **more: str) -> Product:
    """Migrate `database_url` and fill in the integration; production settings, logs as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "ENV_FILE": os.devnull, "DJANGO_SETTINGS_MODULE": "config.settings", "DEBUG": "0", "SECRET_KEY": "b" * 50,
        "FIELD_ENCRYPTION_KEYS": "YmVuY2htYXJrcy1iZW5jaG1hcmtzLWJlbmNobWFyazE=", "ALLOWED_HOSTS": "*",
        "DATABASE_URL": database_url, "CELERY_BROKER_URL": "", "SPOOL_DIR": str(folder / "spool"),
        "PUBLIC_URL": f"http://127.0.0.1:{port}", "LOG_FORMAT": "json", "PYTHONPATH": str(ROOT), **more,
    }  # fmt: skip
    environment = os.environ | settings
    migrate = ("migrate", "--verbosity", "0")
    subprocess.run(
        [PYTHON, ROOT / "manage.py", *migrate], env=environment, cwd=ROOT, check=True, capture_output=True
    )
    seeded = subprocess.run(
        [PYTHON, SEED, SECRET], env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    return Product(folder, database_url, port, settings, json.loads(seeded.stdout)["address"])
