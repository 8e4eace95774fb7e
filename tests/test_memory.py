"""Memory that was given back is kept in few arenas, however many threads there are, and ready for large bodies."""

import os
import platform
import subprocess
import sys

import pytest

COUNT_ARENAS = """
import ctypes, re, threading
{first}
malloc, held = ctypes.CDLL(None).malloc, threading.Barrier(13)
def take():
    malloc(10_000)
    held.wait()
    held.wait()
for _ in range(12):
    threading.Thread(target=take, daemon=True).start()
held.wait()
maps = re.findall(r"^(\\w+)-(\\w+) ---p", open("/proc/self/maps").read(), re.M)
sizes = [int(end, 16) - int(start, 16) for start, end in maps]
print(sum(60 * 2**20 < size < 64 * 2**20 for size in sizes))
held.wait()
"""
"""Each arena but the first is a reservation of 64 MB, of which little is in use."""


COUNT_FAULTS = """
import resource
{first}
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    b"x" * 700_000, b"x" * 1_000_000
before = faults()
for _ in range(50):
    texts = [b"x" * 700_000, b"x" * 1_000_000, b"x" * 700_000]
    del texts
print(faults() - before)
"""
"""A page of 4 KB that the kernel has to fetch is a fault: 585 for these three, if none was kept."""


def printed(program, first):
    """What `program` prints with `first` as its first statement and no choice of the operator's."""
    chosen = ("MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
    environment = {name: value for name, value in os.environ.items() if name not in chosen}
    done = subprocess.run(
        [sys.executable, "-c", program.replace("{first}", first)],
        env=environment | {"DEBUG": "1", "ENV_FILE": os.devnull},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return int(done.stdout)


pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc alone is asked")


def test_threads_share_two_arenas():
    assert printed(COUNT_ARENAS, "") > 4
    assert printed(COUNT_ARENAS, "import config") <= 1  # beside the main one


def test_large_buffers_are_not_fetched_from_the_kernel_each_time():
    assert printed(COUNT_FAULTS, "") > 5_000
    assert printed(COUNT_FAULTS, "import config") < 1_000
