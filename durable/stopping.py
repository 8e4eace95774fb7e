"""One flag for the process: set on SIGTERM, asked by every drain before it claims more. Quick to import."""

import signal
import threading
from types import FrameType

stopping = threading.Event()


def stop_on_signals() -> None:
    """Let SIGTERM and SIGINT set the flag, instead of breaking off whatever is being done."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    stopping.set()
