"""Threads for kernels that release the interpreter's lock.

Threads of our own, not numba's: one compilation serves any number of them, several threads of a program may
use them at once, they survive a fork, and a busy machine does not stall them. They are handed work through
a queue: the futures of an executor took twice as long, and a step lasts no longer than a millisecond.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeAlias

import numba

Jobs: TypeAlias = "SimpleQueue[Callable[[], None]]"

LINE = 64
"""Rows whose smallest outputs, one byte each, fill a cache line."""


def _serve(jobs: Jobs) -> None:
    while True:
        job = jobs.get()
        job()
        del job


@functools.cache
def _helpers(count: int) -> list[Jobs]:
    """Queues of `count` threads that wait for jobs."""
    queues: list[Jobs] = [SimpleQueue() for _ in range(count)]
    for k, jobs in enumerate(queues):
        threading.Thread(target=_serve, args=(jobs,), daemon=True, name=f"anymdp-bench-{k}").start()
    return queues


os.register_at_fork(after_in_child=_helpers.cache_clear)


def thread_count() -> int:
    """Number of threads that numba was allowed (``NUMBA_NUM_THREADS``, default: the usable cores)."""
    return int(numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]


def split(n: int, threads: int, smallest: int) -> list[tuple[int, int]]:
    """Split 0..n into ranges that get shorter, so that threads that share them finish together.

    Ranges begin at multiples of 64, so that no two threads write to the same cache line.

    Args:
        n: Number of rows.
        threads: Number of threads.
        smallest: Rows of the shortest ranges.
    """
    ranges, low = [], 0
    while low < n:
        size = max((n - low) // (2 * threads), smallest)
        high = min(low + -(-size // LINE) * LINE, n)
        ranges.append((low, high))
        low = high
    return ranges


def run_in_ranges(kernel: Callable[[int, int], None], n: int, least: int, smallest: int) -> None:
    """Call ``kernel(low, high)`` over the parts of 0..n, on as many threads as pay.

    The threads help themselves to parts, and the caller waits only for those who have begun one: where a
    second thread gets no processor, the caller does the work alone.

    Args:
        kernel: Called with disjoint ranges; must release the interpreter's lock to gain anything.
        n: Number of rows.
        least: Rows that each thread must have on average to be worth waking.
        smallest: Rows of the shortest parts.
    """
    threads = min(thread_count(), n // least)
    if threads < 2:
        kernel(0, n)
        return
    parts = iter(split(n, threads, smallest))
    errors: list[BaseException] = []

    def work(begun: threading.Lock) -> None:
        with begun:
            try:
                for low, high in parts:
                    kernel(low, high)
            except BaseException as error:
                errors.append(error)

    locks = [threading.Lock() for _ in range(threads)]
    for jobs, lock in zip(_helpers(thread_count() - 1), locks[1:], strict=False):
        jobs.put(functools.partial(work, lock))
    work(locks[0])
    # After an error, a helper that begins late must find nothing to do.
    list(parts)
    for lock in locks:
        lock.acquire()
        lock.release()
    if errors:
        raise errors[0]
