"""Threads for kernels that release the interpreter's lock."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numba


@functools.cache
def _pool(size: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(size, thread_name_prefix="anymdp-bench")


os.register_at_fork(after_in_child=_pool.cache_clear)


def thread_count() -> int:
    """Number of threads that numba was allowed (``NUMBA_NUM_THREADS``, default: the usable cores)."""
    return int(numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]


def run_in_ranges(kernel: Callable[[int, int], None], n: int, smallest: int, multiple: int) -> None:
    """Call ``kernel(low, high)`` over the parts of 0..n, on as many threads as pay.

    Threads of our own serve kernels with and without threads by one compilation, may be used from several
    threads of a program at once, and survive a fork; numba's own do not.

    Args:
        kernel: Called with disjoint ranges; must release the interpreter's lock to gain anything.
        n: Number of rows.
        smallest: Rows that each thread must have.
        multiple: Ranges begin at multiples of it, so that threads do not share cache lines.
    """
    parts = min(thread_count(), n // smallest)
    if parts < 2:
        kernel(0, n)
        return
    size = -(-n // (parts * multiple)) * multiple
    ranges = [(low, min(low + size, n)) for low in range(0, n, size)]
    others = [_pool(thread_count() - 1).submit(kernel, *part) for part in ranges[1:]]
    kernel(*ranges[0])
    for other in others:
        other.result()
