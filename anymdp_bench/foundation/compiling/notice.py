"""One line on standard error for those who wait, unless they asked for quiet."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from numba.core import event

QUIET = "ANYMDP_BENCH_QUIET"
"""Environment variable; unless empty or 0, nothing is told."""
PATIENT_SECONDS = 2.0
"""Compiling that takes a process longer than this in all is told."""
COMPILING = (
    "compiling what is used for the first time; later programs find it compiled "
    f"(hide this line with {QUIET}=1)."
)
RAY_WORKER = "default_worker.py"
MARK = "is_kernel"
"""Attribute of functions whose compilation concerns this package."""


def is_worker() -> bool:
    """Tell whether this process was started by multiprocessing, joblib or Ray to work for another one."""
    return multiprocessing.current_process().name != "MainProcess" or Path(sys.argv[0]).name == RAY_WORKER


def tell(line: str) -> None:
    """Write a line on standard error, unless this is a worker or the user wants none."""
    if os.environ.get(QUIET, "0") in ("", "0") and not is_worker():
        sys.stderr.write(f"anymdp-bench: {line}\n")
        sys.stderr.flush()


def _is_kernel(compiled: Any) -> bool:
    return hasattr(compiled.data["dispatcher"], MARK)


class CompileWatch(event.Listener):
    """Adds up the time that kernels take to compile, and tells once when it gets long.

    Meanwhile Python's collector of garbage rests: what the compiler makes it needs to the end, and walking
    over it would take an eighth of the time.
    """

    def __init__(self) -> None:
        """Nothing has been compiled or told."""
        self._depth = 0
        self._seconds = self._began = 0.0
        self._timer: threading.Timer | None = None
        self._told = self._collected = False

    def on_start(self, begun: Any) -> None:
        """Set the alarm when the outermost kernel is begun."""
        if not _is_kernel(begun):
            return
        self._depth += 1
        if self._depth > 1:
            return
        self._collected = gc.isenabled()
        gc.disable()
        if not self._told:
            self._began = time.perf_counter()
            self._timer = threading.Timer(max(0.0, PATIENT_SECONDS - self._seconds), self._tell)
            self._timer.daemon = True
            self._timer.start()

    def on_end(self, ended: Any) -> None:
        """Take the alarm back when the outermost kernel is done."""
        if not _is_kernel(ended):
            return
        self._depth -= 1
        if self._depth > 0:
            return
        if self._collected:
            gc.enable()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._seconds += time.perf_counter() - self._began

    def _tell(self) -> None:
        self._told = True
        tell(COMPILING)
