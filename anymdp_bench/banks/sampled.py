"""Banks of sampled tasks.

A task is a function of (bank, split, index): candidates ``index + attempt * 2**32`` are drawn in the
split's own seed domain until one is scorable.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property, partial
from importlib.resources import files

from anymdp_bench.banks.bank import Bank, TaskSequence
from anymdp_bench.banks.compact import load_tasks
from anymdp_bench.banks.frozen import Frozen, frozen_bank
from anymdp_bench.foundation.errors import SamplingFailed
from anymdp_bench.foundation.types import JsonScalar
from anymdp_bench.planning import References, references
from anymdp_bench.samplers import draw_tasks, settings_of
from anymdp_bench.tasks.task import TabularTask

TEST_TASKS = 256
VALIDATION_TASKS = 64
LEAST_GAP = 0.01
LEAST_GAP_IN_DEVIATIONS = 0.5
ATTEMPT_STRIDE = 1 << 32
MOST_ATTEMPTS = 1000


def is_scorable(reference: References) -> bool:
    """Tell whether a score means something: oracle - random >= max(0.01, oracle_std / 2)."""
    gap = reference.oracle - reference.random
    return gap >= max(LEAST_GAP, LEAST_GAP_IN_DEVIATIONS * reference.oracle_std)


@dataclasses.dataclass(frozen=True)
class SampledSource:
    """Where a bank of sampled tasks comes from.

    Attributes:
        name: Name of the bank.
        family: Family of `sample_task`.
        config: Its settings.
    """

    name: str
    family: str
    config: Mapping[str, JsonScalar]

    @cached_property
    def board(self) -> list[TabularTask]:
        """The committed first 64 test tasks; empty if not frozen yet, or left out by the wheel."""
        path = files("anymdp_bench.banks") / "data" / f"{self.name}.npz"
        return load_tasks(str(path)) if path.is_file() else []

    def draw(self, split: str, index: int) -> tuple[TabularTask, int]:
        """Draw a split's task afresh; also return how many unscorable draws were passed over.

        Raises:
            SamplingFailed: no scorable task in 1,000 draws.
        """
        settings = settings_of(self.family, dict(self.config))
        domain = f"bank/{self.name}/{split}"
        for attempt in range(MOST_ATTEMPTS):
            task = draw_tasks(self.family, settings, [index + attempt * ATTEMPT_STRIDE], domain)[0]
            if is_scorable(references(task)):
                return task, attempt
        raise SamplingFailed(f"{self.name}/{split}[{index}]: no scorable task in {MOST_ATTEMPTS} draws.")

    def task(self, split: str, index: int) -> TabularTask:
        """Task of a split: the committed one where there is one, else drawn."""
        if split == "test" and index < len(self.board):
            return self.board[index]
        return self.draw(split, index)[0]

    def bank(self) -> Bank:
        """Build the bank; nothing is drawn yet."""
        frozen: Frozen = frozen_bank(self.name)
        lengths = {"test": TEST_TASKS, "validation": VALIDATION_TASKS, "train": None}
        splits = {
            split: TaskSequence(
                f"{self.name}/{split}", length, partial(self.task, split), frozen.fingerprints.get(split, ())
            )
            for split, length in lengths.items()
        }
        return Bank(name=self.name, rejected=frozen.rejected, **splits)
