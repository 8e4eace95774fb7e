"""Starting a server for the length of a measurement, and ending it whatever happens."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks import machine

ROOT = Path(__file__).parent.parent
PYTHON = ROOT / ".venv" / "bin" / "python"
START_SECONDS, STOP_SECONDS = 60.0, 15.0


class Server:
    """A process group of its own, answering on `port` (none: at once) from entering until leaving the context."""

    def __init__(
        self, command: list[str | Path], *, port: int | None, log: Path, environment: dict[str, str] | None = None,
        processors: set[int] = machine.SERVER_CPU, user: str | None = None,
    ) -> None:  # fmt: skip
        self.command, self.port, self.log, self.user = command, port, log, user
        self.environment = os.environ | (environment or {})
        self.processors = processors
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process that was started; those below it are its own."""
        assert self.process is not None
        return self.process.pid

    def __enter__(self) -> Self:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True,
                user=self.user,
            )  # fmt: skip
        machine.pin(self.pid, self.processors)
        end = time.monotonic() + START_SECONDS
        while self.port is not None and not is_answering(self.port):
            if self.process.poll() is not None or time.monotonic() > end:
                self.__exit__(None, None, None)
                raise RuntimeError(f"{self.command[0]} did not start; its log is {self.log}")
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is None:
            return
        self.process.send_signal(
            signal.SIGINT if self.user else signal.SIGTERM
        )  # PostgreSQL: fast, not smart
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()


def is_answering(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as attempt:
        attempt.settimeout(1)
        return attempt.connect_ex(("127.0.0.1", port)) == 0
