"""Ratios of CPU time within one process: what the speed tables of this project are made of."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

REPEATS = 5


def cpu_seconds(work: Callable[[], Any], repeats: int = REPEATS, calls: int = 1) -> float:
    """Best CPU time of one call out of `repeats` (after one warm-up call), each over `calls` calls."""
    work()
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        for _ in range(calls):
            work()
        best = min(best, (time.process_time() - start) / calls)
    return best


def report(benchmark: Any, what: str, ratio: float, required: float) -> None:
    """Attach a measured ratio and the required one to a benchmark; the summary prints both."""
    benchmark.extra_info.update(what=what, ratio=round(ratio, 3), required=required)


def summary(session: Any) -> list[str]:
    """Lines of the table of all reported ratios."""
    rows = [bench.extra_info for bench in session.benchmarks if "ratio" in bench.extra_info]
    width = max((len(row["what"]) for row in rows), default=0)
    return [f"{row['what']:<{width}}  {row['ratio']:>12,.4g}  (required {row['required']:g})" for row in rows]


def peer() -> Any:
    """The public AnyMDP package; skip the test where it is not installed."""
    return pytest.importorskip("xenoverse.anymdp", reason="the peer is not installed: pip install .[bench]")
