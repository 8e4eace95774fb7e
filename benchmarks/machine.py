"""What the machine is, and what processes took of it: CPU time from /proc, children included."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
DATABASE_CPU, SERVER_CPU = {0}, {1}
"""With two processors or more, the server has one to itself; database and load tool share the other."""

CHUNK_BYTES = 2**20
PACKAGES = ("django", "psycopg", "granian", "gunicorn", "msgspec", "requests", "celery")


def cpu_seconds(pid: int) -> float:
    """CPU time of a process, of those below it, and of those it has already waited for."""
    return sum(_ticks(process) for process in tree(pid)) / TICKS


def resident_bytes(pid: int) -> int:
    """Memory of a process and those below it that no other process shares."""
    return sum(_private_kilobytes(process) for process in tree(pid)) * 1024


def tree(pid: int) -> list[int]:
    """`pid` and every process below it."""
    found, waiting = [], [pid]
    while waiting:
        process = waiting.pop()
        found.append(process)
        waiting += _children(process)
    return found


def pin(pid: int, processors: set[int]) -> None:
    """Keep a process and those it starts on `processors`, where the machine has them."""
    if processors <= os.sched_getaffinity(0):
        os.sched_setaffinity(pid, processors)


def fill_memory(folder: Path) -> None:
    """Have free memory hold what may be dropped, as on a server that has run for a day: a file of nothing, once read.

    A virtual machine may give free memory back to its host, and fetches each page anew when it is used: writing a page
    to a file costs 9 µs then instead of 0.9 (measured), which after a gigabyte bears on whoever writes most.
    """
    nothing = folder / "nothing"
    with nothing.open("wb") as file:
        file.truncate(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    with nothing.open("rb", buffering=0) as file:
        while file.read(CHUNK_BYTES):
            pass


def description() -> str:
    """Processor, memory, system and versions in one line each."""
    cpu = _value_of("/proc/cpuinfo", "model name")
    memory = int(_value_of("/proc/meminfo", "MemTotal").split()[0]) // 1024**2
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"- {os.cpu_count()} processors ({cpu}), {memory} GB memory, {platform.system()} {platform.release()}\n"
        f"- Python {platform.python_version()}, {packages}\n"
        f"- {_postgres_version()}; load average at the start {os.getloadavg()[0]:.1f}"
    )


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has just ended; its parent counts it from now on
        return 0
    return sum(int(field) for field in fields[11:15])


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, tasks.read_text().split())
        except OSError:
            continue
    return found


def _private_kilobytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Clean", "Private_Dirty")))


def _value_of(path: str, name: str) -> str:
    lines = Path(path).read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "0")


def _postgres_version() -> str:
    from benchmarks.postgres import program

    return subprocess.run(
        [program("postgres"), "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()
