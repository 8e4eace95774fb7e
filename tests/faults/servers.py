"""Database and broker servers of the suite's own, so that they can be stopped, frozen and filled."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import redis

from tests.waiting import free_port

STOP_SECONDS = 20
ROLE, OBSERVER = "product", "suite"
"""Who the product and the suite log in as: the suite finds a connection when the product has none left."""


def wait_until(is_so: Callable[[], object], seconds: float, what: str) -> None:
    """Ask every twentieth of a second; AssertionError with `what` when it does not come to pass."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.05)


class Postgres:
    """A PostgreSQL of its own in `folder`; commits are real, so stopping it at once loses nothing it confirmed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.programs = newest_programs()
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        folder.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        self.run("initdb", "-D", str(folder / "data"), "-A", "trust", "-U", self.user, "--no-sync")
        self.start()
        with self.connect() as connection:
            connection.execute(f"CREATE ROLE {ROLE} LOGIN CONNECTION LIMIT 30")
            connection.execute(f"CREATE ROLE {OBSERVER} LOGIN IN ROLE {ROLE}")
            connection.execute(f"ALTER ROLE {OBSERVER} SET role TO {ROLE}")
            connection.execute(f"CREATE DATABASE {ROLE} OWNER {ROLE}")

    @property
    def url(self) -> str:
        """As the product connects: as a role without privileges."""
        return f"postgres://{ROLE}@127.0.0.1:{self.port}/{ROLE}"

    @property
    def observer_url(self) -> str:
        """As the suite connects."""
        return self.url.replace(ROLE, OBSERVER, 1)

    @property
    def pid(self) -> int:
        """The postmaster's."""
        return int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])

    def connect(self, database: str = "postgres") -> "psycopg.Connection[tuple[object, ...]]":
        """As superuser, whose connections are reserved."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=self.user,
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        )

    def start(self) -> None:
        """Start, or start again; returns when it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        options += " -c max_connections=150 -c shared_buffers=32MB -c max_wal_size=128MB -c min_wal_size=32MB"
        self.control("start", "-w", "-l", str(self.folder / "log"), "-o", options)

    def stop(self) -> None:
        """As a crash: no connection is let finish."""
        self.control("stop", "-m", "immediate", "-w")

    def freeze(self) -> None:
        """Every process of it stands still; its connections stay open."""
        for pid in [self.pid, *children_of(self.pid)]:
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on."""
        for pid in [*children_of(self.pid), self.pid]:
            os.kill(pid, signal.SIGCONT)

    def control(self, *arguments: str) -> None:
        """pg_ctl."""
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-t", str(STOP_SECONDS), *arguments)

    def run(self, program: str, *arguments: str) -> None:
        """One of PostgreSQL's programs, never as root."""
        command = [str(self.programs / program), *arguments]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
        done = subprocess.run(
            command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr.decode(errors='replace')}")


def newest_programs() -> Path:
    """Where initdb and pg_ctl are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    if program := shutil.which("initdb"):
        return Path(program).resolve().parent
    raise RuntimeError("PostgreSQL's initdb is not installed: no server can be started that may be broken")


def children_of(pid: int) -> list[int]:
    """Processes whose parent it is."""
    children = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if int(fields[1]) == pid:
            children.append(int(stat.parent.name))
    return children


class Redis:
    """A Redis of its own that keeps nothing on the disk."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start, or start again, empty; returns when it answers."""
        command = [
            "redis-server",
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        self.process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL)
        wait_until(self.answers, 10, "redis-server answers")

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            return bool(redis.Redis(port=self.port, socket_timeout=1).ping())
        except redis.RedisError:
            return False

    def refuse(self) -> None:
        """Stop: what it held is gone."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def allow(self) -> None:
        """Up again after `refuse`, or going on after `hang`."""
        if self.process is None:
            self.start()
        else:
            self.process.send_signal(signal.SIGCONT)

    def hang(self) -> None:
        """It accepts, and never answers."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def wipe(self) -> None:
        """Forget everything."""
        redis.Redis(port=self.port, socket_timeout=5).flushall()

    def close(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def small_disk(folder: Path, megabytes: int) -> bool:
    """Mount a file system of that size on `folder`; False where that is not allowed."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=777", "tmpfs", str(folder)],
        stderr=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    return done.returncode == 0


def unmount(folder: Path) -> None:
    """Give a small disk back."""
    subprocess.run(["umount", "-l", str(folder)], stderr=subprocess.DEVNULL, check=False)


def temporary_folder() -> Path:
    """A folder that other users may look into, as PostgreSQL's own user has to."""
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    folder.chmod(0o755)
    return folder
