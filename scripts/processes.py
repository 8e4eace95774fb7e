"""Run web, drain and sandbox as one group and greet when they are up; `scripts/run` prepares and calls this.

Ctrl-C, SIGTERM, a closed terminal, or the end of any one of them ends all of them within ten seconds.
"""

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

from honcho.manager import SIGNALS, Manager
from honcho.printer import Message, Printer

HOST = "127.0.0.1"
PORT = int(os.environ.get("PORT", "8000"))
SANDBOX_PORT = int(os.environ.get("SANDBOX_PORT", "8001"))
KILL_AFTER_SECONDS = 7
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

WEB = (
    f"-m granian --interface wsgi config.wsgi:application --host {HOST} --port {PORT} --http 1 --no-ws"
    " --workers 1 --blocking-threads 64 --workers-kill-timeout 4s --log-level error"
)
COMMANDS = {"web": WEB, "drain": "manage.py drain --follow", "sandbox": "-m sandbox"}
GREETING = [sys.executable, "manage.py", "seed_sandbox"]


class Screen(Printer):  # type: ignore[misc]  # honcho ships no types
    """Where the processes' lines go. A terminal that was closed must not keep the group from ending."""

    def write(self, message: Message) -> None:
        """Print the lines of one message, if anybody can still read them."""
        with contextlib.suppress(OSError):
            super().write(message)


class Group(Manager):  # type: ignore[misc]  # honcho ships no types
    """Honcho's process group; nothing outlives it, however early or late it is told to stop."""

    greeting: subprocess.Popen[bytes] | None = None

    def terminate(self) -> None:
        """Ask every process to end, and kill what has not ended after a while."""
        if not self._all_started():  # honcho could not reach those whose start it has not yet noticed
            later(0.1, self.terminate)
            return
        super().terminate()
        later(KILL_AFTER_SECONDS, self.kill)

    def greet(self) -> None:
        """Fill the sandbox once both servers answer; what that prints is a newcomer's first screen."""
        while not (is_answering(PORT) and is_answering(SANDBOX_PORT)):
            time.sleep(0.2)
        self.greeting = subprocess.Popen(GREETING, start_new_session=True)
        if self.greeting.wait() > 0:
            self.returncode = 1
            self.terminate()

    def run(self) -> int:
        """Run until stopped; returns the exit code, 0 when somebody asked for the end."""
        try:
            self.loop()
        finally:
            self.kill()
            if self.greeting:
                self.greeting.kill()
        was_asked = self.returncode in [known["rc"] for known in SIGNALS.values()]
        return 0 if was_asked else int(self.returncode or 0)


def main() -> int:
    """Split in two: the group, in a process group of its own, and a relay that stays with the caller.

    make ends with an error when Ctrl-C reaches it. So the group takes the terminal, and with it Ctrl-C,
    while signals sent to make or to its whole process group still arrive here and are handed on.
    """
    for port in (PORT, SANDBOX_PORT):
        if is_answering(port):
            print(f"Port {port} is in use. Others: PORT=8010 SANDBOX_PORT=8011 make run", file=sys.stderr)
            return 1
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    child = os.fork()
    return relay(child) if child else run_group()


def relay(child: int) -> int:
    """Wait for the group's process, handing on every request to stop; returns its exit code."""

    def hand_on(_number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)

    for number in STOP_SIGNALS:
        signal.signal(number, hand_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    _, status = os.waitpid(child, 0)
    give_terminal(os.getpgrp(), holder=child)
    return os.waitstatus_to_exitcode(status)


def run_group() -> int:
    """The group's own process: Ctrl-C and Ctrl-Z of the terminal reach this one only."""
    caller = os.getppid()
    os.setpgid(0, 0)
    give_terminal(os.getpgrp(), holder=os.getpgid(caller))
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # stopped, it would leave the caller without a terminal
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    group = Group(Screen(sys.stdout))
    for name, command in COMMANDS.items():
        group.add_process(name, f"exec {shlex.quote(sys.executable)} {command}")
    threading.Thread(target=end_with, args=(caller,), daemon=True).start()
    threading.Thread(target=group.greet, daemon=True).start()
    return group.run()


def end_with(caller: int) -> None:
    """Stop when the relay is gone without a word, killed for example."""
    while os.getppid() == caller:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def give_terminal(to: int, *, holder: int) -> None:
    """Make process group `to` the terminal's foreground, if there is a terminal and `holder` has it."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        terminal = os.open("/dev/tty", os.O_RDWR)
        if os.tcgetpgrp(terminal) == holder:
            os.tcsetpgrp(terminal, to)
        os.close(terminal)


def is_answering(port: int) -> bool:
    """Whether something listens on this port."""
    with socket.socket() as attempt:
        attempt.settimeout(1)
        return attempt.connect_ex((HOST, port)) == 0


def later(seconds: float, action: Callable[[], None]) -> None:
    """Run `action` in a while, unless this process has ended by then."""
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    sys.exit(main())
