"""How glibc keeps memory that was given back: in two arenas a process, and some of it ready for the next body.

Webhook bodies of all sizes come and go on many threads. With an arena for nearly every thread, each keeps what was its
largest moment, and a process grows for an hour (12 MB in a worker); with two it stays where it was after a minute.
A POST to FME is built in buffers of 700 KB: fetched from the kernel anew for each, they are a tenth of delivery's CPU.
Python's own small objects are not concerned.
"""

import ctypes
import os

CHOICES = (  # the number in <malloc.h>, the variable by which an operator chooses otherwise, and our value
    (-8, "MALLOC_ARENA_MAX", 2),
    (-3, "MALLOC_MMAP_THRESHOLD_", 4_000_000),
    (-1, "MALLOC_TRIM_THRESHOLD_", 8_000_000),
)


def keep_memory_ready() -> None:
    """To be called before threads are started. Other C libraries know nothing of it; the environment has its way."""
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        for option, variable, value in CHOICES:
            if variable not in os.environ:
                mallopt(option, value)
