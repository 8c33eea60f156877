"""Keeps glibc from hoarding what conversions freed: eight heaps once grew to 430 MB."""

import contextlib
import ctypes

# mallopt(3), malloc.h
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
# Whole pictures go back to the system at once; what is smaller is worth keeping (10 s of CPU).
MMAP_BYTES, TRIM_BYTES = 4 << 20, 16 << 20


def share_one_heap() -> None:
    """One heap for all threads; before the first of them. Nothing where there is no glibc."""
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(M_ARENA_MAX, 1)
        libc.mallopt(M_MMAP_THRESHOLD, MMAP_BYTES)
        libc.mallopt(M_TRIM_THRESHOLD, TRIM_BYTES)


def give_back() -> None:
    """Return free memory to the system; some ms, so after a conversion only."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
