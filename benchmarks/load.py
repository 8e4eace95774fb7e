"""Sending load: `loadgen.c`, compiled when it is needed; every accepted event id comes back for looking up."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import machine

SOURCE = Path(__file__).with_name("loadgen.c")
FALLBACK = Path(__file__).with_name("loadgen.py")


@dataclass(frozen=True, slots=True)
class Target:
    """Where to post, and how the receiver wants it signed; `signed_first` stands before the body in what is signed."""

    port: int
    path: str
    secret: str
    signature_header: str = "X-ServiceHook-Signature: "
    signed_first: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """What came back; `accepted` holds the ids of every request answered 2xx, those of the warm-up too."""

    per_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    seconds: float
    accepted: frozenset[str]


class NotAllAnswered(Exception):
    """Some answers were not 2xx or never came: such a run measures nothing."""


def build(folder: Path) -> list[str]:
    """The command of the load generator: the C program, or without a compiler its slower twin in Python."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return [sys.executable, str(FALLBACK)]
    target = folder / "loadgen"
    subprocess.run([compiler, "-O2", "-o", target, SOURCE], check=True)
    return [str(target)]


def fire(
    command: list[str], target: Target, bodies: Path, *,
    seconds: float, warm_up: float = 1.0, connections: int = 8, rate: float = 0.0,
) -> Load:  # fmt: skip
    """Send for `seconds`: as fast as `connections` go, or `rate` a second. Raises NotAllAnswered."""
    with TemporaryDirectory() as folder:
        accepted = Path(folder) / "accepted"
        options = {
            "bodies": bodies, "secret": target.secret, "signed-first": target.signed_first,
            "signature-header": target.signature_header, "port": target.port, "path": target.path,
            "connections": connections, "rate": rate, "seconds": seconds, "warm-up": warm_up, "accepted": accepted,
        }  # fmt: skip
        process = subprocess.Popen(
            [*command, *(f"--{name}={value}" for name, value in options.items())],
            stdout=subprocess.PIPE,
            text=True,
        )
        machine.pin(process.pid, machine.DATABASE_CPU)
        output, _ = process.communicate()
        if process.returncode:
            raise NotAllAnswered(f"The load generator ended with {process.returncode}.")
        return read_report(json.loads(output), frozenset(accepted.read_text().split()))


def read_report(report: dict[str, float], accepted: frozenset[str]) -> Load:
    """The load generator's own words; raises NotAllAnswered unless every request was answered 2xx."""
    if report["other"] or report["broken"] or len(accepted) != report["sent"]:
        raise NotAllAnswered(f"{report['sent']} were sent, {len(accepted)} accepted: {report}")
    return Load(
        per_second=report["per_second"],
        p50_ms=report["p50_ms"],
        p99_ms=report["p99_ms"],
        max_ms=report["max_ms"],
        seconds=report["seconds"],
        accepted=accepted,
    )
