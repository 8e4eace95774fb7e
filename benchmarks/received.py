"""What the receiver wrote down: every event with the second at which it arrived."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import PYTHON, Server


@dataclass(frozen=True, slots=True)
class Post:
    """One POST of events."""

    at: float
    events: list[dict[str, Any]]


def receiver(folder: Path, port: int) -> Server:
    """The receiver's process; its file is `folder / "received"`."""
    command: list[str | Path] = [
        PYTHON, "-m", "granian", "--interface", "wsgi", "benchmarks.receiver:application", "--host", "127.0.0.1",
        "--port", str(port), "--http", "1", "--no-ws", "--workers", "1", "--blocking-threads", "1",
        "--log-level", "error",
    ]  # fmt: skip
    environment = {"RECEIVED": str(folder / "received")}
    return Server(command, port=port, log=folder / "receiver.log", environment=environment, processors={0})


def read(folder: Path) -> list[Post]:
    """Every POST so far, in the order of arrival; the file is emptied."""
    file = folder / "received"
    content, posts, start = file.read_bytes(), [], 0
    while start < len(content):
        end = content.index(b"\n", start)
        at, length = content[start:end].split()
        start = end + 1 + int(length)
        posts.append(Post(float(at), json.loads(content[end + 1 : start])))
    file.write_bytes(b"")
    return posts
