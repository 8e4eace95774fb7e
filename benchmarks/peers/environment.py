"""The peers' environment: made once from the hashed lock file, under var/."""

import subprocess
import sys
from pathlib import Path

from benchmarks.processes import ROOT

LOCK = Path(__file__).parent.parent / "requirements.txt"
FOLDER = ROOT / "var" / "bench" / "peers"


def python() -> Path:
    """The interpreter of the peers' environment; raises CalledProcessError when it cannot be installed."""
    found, done = FOLDER / "bin" / "python", FOLDER / ".installed"
    if not done.exists() or done.read_bytes() != LOCK.read_bytes():
        subprocess.run([sys.executable, "-m", "venv", "--clear", FOLDER], check=True)
        options = ("-qq", "--disable-pip-version-check", "--require-hashes", "-r", LOCK)
        subprocess.run([found, "-m", "pip", "install", *options], check=True, stdout=sys.stderr)
        done.write_bytes(LOCK.read_bytes())
    return found
