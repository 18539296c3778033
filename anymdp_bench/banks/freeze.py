"""Freeze banks, or check that what is frozen can be regenerated.

``python -m anymdp_bench.banks.freeze`` checks all; with names it freezes those that are not yet frozen.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed
from rich.progress import track

from anymdp_bench.banks import BANKS, BOARD_TASKS
from anymdp_bench.banks.compact import save_tasks
from anymdp_bench.banks.frozen import DIGITS, FILE
from anymdp_bench.banks.sampled import TEST_TASKS, VALIDATION_TASKS, SampledSource
from anymdp_bench.foundation.errors import BenchError, FingerprintMismatch
from anymdp_bench.foundation.files import replacing
from anymdp_bench.foundation.registry import lookup
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import TabularTask

FOLDER = Path(__file__).parent / "data"
SAMPLED_LENGTHS = {"test": TEST_TASKS, "validation": VALIDATION_TASKS}


def regenerate(name: str, n_jobs: int = 2) -> tuple[dict[str, list[Task]], dict[str, int]]:
    """Make a bank's test and validation tasks afresh; also return the unscorable draws by split."""
    source = BANKS[name]
    if not isinstance(source, SampledSource):
        made = source.splits()
        return {split: list(made[split]) for split in SAMPLED_LENGTHS}, {}
    tasks: dict[str, list[Task]] = {}
    rejected: dict[str, int] = {}
    for split, length in SAMPLED_LENGTHS.items():
        drawn = Parallel(n_jobs=n_jobs, backend="threading")(
            delayed(source.draw)(split, index) for index in range(length)
        )
        tasks[split] = [task for task, _ in drawn]
        rejected[split] = sum(passed for _, passed in drawn)
    return tasks, rejected


def freeze(name: str) -> None:
    """Write a bank's fingerprints and, for a sampled bank, its board tasks.

    Raises:
        FingerprintMismatch: the bank is frozen already, and differently: a change needs a new version.
    """
    tasks, rejected = regenerate(name)
    path = FOLDER / FILE
    table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    fingerprints = {split: [task.fingerprint()[:DIGITS] for task in tasks[split]] for split in tasks}
    entry = {"fingerprints": fingerprints, "rejected": rejected}
    if table.get(name, entry) != entry:
        raise FingerprintMismatch(f"{name} is frozen with other tasks; give the bank a new version instead.")
    if isinstance(BANKS[name], SampledSource):
        board = [task for task in tasks["test"][:BOARD_TASKS] if isinstance(task, TabularTask)]
        save_tasks(board, FOLDER / f"{name}.npz")
    with replacing(path) as file:
        file.write((json.dumps(table | {name: entry}, indent=0, sort_keys=True) + "\n").encode())


def check(name: str) -> None:
    """Compare a bank with what regeneration gives.

    Raises:
        FingerprintMismatch: naming the first task that differs.
    """
    tasks, _ = regenerate(name)
    bank = BANKS[name].bank()
    for split, made in tasks.items():
        for index, task in enumerate(made):
            if task.fingerprint() != getattr(bank, split)[index].fingerprint():
                raise FingerprintMismatch(f"{name}/{split}[{index}]: regeneration gives another task.")


def main(names: Sequence[str]) -> int:
    """Freeze `names`, or check every bank if none is given; return the exit status."""
    try:
        for name in track(names or list(BANKS), description="freezing" if names else "checking"):
            lookup("bank", BANKS, name)
            (freeze if names else check)(name)
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
