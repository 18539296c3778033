"""Progress of worker processes, told through a small file that they share with their parent."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

POLL_SECONDS = 0.2


class Slot:
    """A worker's own counter; calling it adds.

    Args:
        path: The shared file.
        index: Which of its int64 entries is this worker's.
    """

    def __init__(self, path: Path, index: int) -> None:
        """Open nothing yet: the slot travels to its worker first."""
        self._path = path
        self._index = index
        self._entry: NDArray[np.int64] | None = None

    def __call__(self, n: int) -> None:
        """Add `n`; a worker on another machine, which does not see the file, counts for nobody."""
        if self._entry is None:
            self._entry = np.zeros(1, np.int64)
            if self._path.exists():
                self._entry = np.memmap(self._path, np.int64, "r+", offset=8 * self._index, shape=(1,))
        self._entry[0] += n


@contextlib.contextmanager
def shared_slots(n: int, on_count: Callable[[int], None]) -> Iterator[list[Slot]]:
    """Give `n` workers a slot each, and tell `on_count`, from a thread of its own, what they add.

    What is left is told when the block ends.
    """
    with tempfile.TemporaryDirectory(prefix="anymdp-bench-") as folder:
        path = Path(folder) / "progress"
        path.write_bytes(bytes(8 * n))
        counts = np.memmap(path, np.int64, mode="r", shape=(n,))
        finished = threading.Event()

        def watch() -> None:
            told = 0
            while True:
                last = finished.wait(POLL_SECONDS)
                total = int(counts.sum())
                if total > told:
                    on_count(total - told)
                    told = total
                if last:
                    return

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield [Slot(path, index) for index in range(n)]
        finally:
            finished.set()
            watcher.join()
