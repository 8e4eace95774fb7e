"""The product's processes as they are run in production, started, killed and stopped by name."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import requests

from tests.faults.servers import wait_until
from tests.waiting import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 60
FEW = "8"
"""Threads of a web process without the protection of having many."""

BINARIES = Path(sys.executable).parent


@dataclass
class Stack:
    """A web server, a worker, beat and drains on one database. `without` names a protection that is taken out.

    `root` holds their code: this version's, or for an upgrade another's.
    """

    folder: Path
    environment: dict[str, str]
    server: str = "granian"
    without: str = ""
    root: Path = ROOT
    port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def command(self, name: str) -> list[str]:
        """How a process is started; a digit at the end of its name tells two of a kind apart."""
        kind = name.rstrip("0123456789")
        app = "tests.faults.unprotected" if self.without else "config.wsgi"
        celery = [str(BINARIES / "celery"), "-A", "tests.faults.unprotected" if self.without else "config"]
        manage = ["-m", "tests.faults.unprotected"] if self.without else ["manage.py"]
        match kind:
            case "web" if self.server == "gunicorn":
                shipped = [
                    str(BINARIES / "gunicorn"),
                    f"{app}:application",
                    "--bind",
                    f"127.0.0.1:{self.port}",
                ]
                return [*shipped, *(["--threads", FEW] if self.without == "threads" else [])]
            case "web":
                return [
                    str(BINARIES / "granian"), "--interface", "wsgi", f"{app}:application", "--host", "127.0.0.1",
                    "--port", str(self.port), "--http", "1", "--no-ws", "--workers", "1", "--blocking-threads",
                    FEW if self.without == "threads" else "64",
                    "--workers-kill-timeout", "10s", "--respawn-failed-workers", "--log-level", "error",
                ]  # fmt: skip
            case "worker":
                return [
                    *celery,
                    "worker",
                    "--loglevel",
                    "warning",
                    "--without-gossip",
                    "--without-mingle",
                    "-n",
                    name,
                ]
            case "beat":
                return [*celery, "beat", "--loglevel", "warning", "-s", str(self.folder / "beat-schedule")]
            case "drain":
                return [sys.executable, *manage, "drain", "--follow"]
            case "moved":
                return [sys.executable, "-m", "tests.faults.moved_clock", "drain", "--follow"]
        raise ValueError(name)

    def start(self, *names: str, **environment: str) -> None:
        """Start processes; returns when the web server answers, if it is one of them."""
        for name in names:
            with (self.folder / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    self.command(name), cwd=self.root, env=self.environment | environment, stdout=log, stderr=log,
                    start_new_session=True,
                )  # fmt: skip
        if "web" in names:
            wait_until(self.answers, START_SECONDS, "the web server answers")

    def answers(self) -> bool:
        """Whether the web server is up."""
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/healthz", timeout=2).ok
        except requests.RequestException:
            return False

    def kill(self, name: str) -> None:
        """As the kernel does when memory is short: no word of warning, to nobody it started."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self, *names: str, seconds: float = 30) -> None:
        """As a deployment does: SIGTERM, and as long as they need. AssertionError when that is longer."""
        for name in names:
            self.processes[name].terminate()
        for name in names:
            try:
                self.processes[name].wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                self.kill(name)
                raise AssertionError(f"{name} did not end within {seconds:g} s of SIGTERM") from None
            del self.processes[name]

    def close(self) -> None:
        """Kill what is left."""
        for name in list(self.processes):
            self.kill(name)

    def manage(self, *arguments: str) -> str:
        """One management command; what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=self.root, env=self.environment, capture_output=True,
            text=True, timeout=120, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"manage.py {arguments[0]}: {done.stderr}")
        return done.stdout
