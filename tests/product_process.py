"""The product as its own processes, for tests that need the real thing: web, drain or Celery, a database of its own."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

from tests.sandbox_process import ROOT, SandboxProcess

PASSWORD = "an administrator's password"
START_SECONDS = 60.0


class Product:
    """The product between a Sentry and an FME; a context manager that ends what it started.

    `broker_url` chooses the full mode: a Celery worker and beat instead of the drain loop. Without `database_url`
    it has a SQLite file of its own.
    """

    def __init__(
        self,
        *,
        port: int,
        sandbox: SandboxProcess,
        sentry_url: str = "",
        database_url: str = "",
        broker_url: str = "",
        **environment: str,
    ) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.folder = tempfile.TemporaryDirectory(prefix="product-")
        self.broker_url = broker_url
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "config.settings",  # not those of the test run around it
            "ENV_FILE": os.devnull,
            "DEBUG": "1",
            "DATABASE_URL": database_url or f"sqlite:///{self.folder.name}/db.sqlite3",
            "CELERY_BROKER_URL": broker_url,
            "SPOOL_DIR": f"{self.folder.name}/spool",
            "PUBLIC_URL": self.url,
            **sandbox.settings(),
            **({"SENTRY_BASE_URL": sentry_url} if sentry_url else {}),
            **environment,
        }
        self.port = port
        self.processes: list[subprocess.Popen[bytes]] = []

    def manage(self, *arguments: str, **environment: str) -> str:
        """Run a management command; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.environment | environment, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"manage.py {arguments[0]}: {done.stdout}{done.stderr}")
        return done.stdout

    def shell(self, code: str) -> str:
        """Run Python inside the product; returns what it printed."""
        return self.manage("shell", "--no-imports", "-c", code).strip()

    def __enter__(self) -> Self:
        self.manage("migrate", "--verbosity", "0")
        self.manage(
            "createsuperuser", "--noinput", "--username", "admin", "--email", "admin@example.com",
            DJANGO_SUPERUSER_PASSWORD=PASSWORD,
        )  # fmt: skip
        granian = [
            program("granian"),
            "--interface",
            "wsgi",
            "config.wsgi:application",
            "--host",
            "127.0.0.1",
        ]
        self.start([*granian, "--port", str(self.port), "--blocking-threads", "16"], "web")
        if self.broker_url:
            celery = [program("celery"), "-A", "config"]
            self.start([*celery, "worker", "--loglevel", "warning"], "worker")
            self.start([*celery, "beat", "--loglevel", "warning", "-s", f"{self.folder.name}/beat"], "beat")
        else:
            self.start([sys.executable, "manage.py", "drain", "--follow"], "drain")
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            try:
                if requests.get(f"{self.url}/healthz", timeout=2).ok:
                    return self
            except requests.RequestException:
                time.sleep(0.2)
        raise RuntimeError(f"the product did not start; see {self.folder.name}")

    def start(self, command: list[str], name: str) -> None:
        """Start one process; its output goes to a file in the product's folder."""
        with (Path(self.folder.name) / f"{name}.log").open("wb") as log:
            self.processes.append(
                subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
            )

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if value is not None:  # the logs say why
            for log in Path(self.folder.name).glob("*.log"):
                sys.stderr.write(f"--- {log.name}\n{log.read_text(errors='replace')[-4000:]}\n")
        self.folder.cleanup()


def program(name: str) -> str:
    """A program of this virtual environment."""
    return str(Path(sys.executable).with_name(name))
