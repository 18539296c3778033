"""Tasks that trials are played on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from anymdp_bench.banks import load_bank
from anymdp_bench.foundation.checks import check_integer
from anymdp_bench.foundation.errors import InvalidConfig
from anymdp_bench.tasks.protocol import Task


class TrainTasks(Sequence[Task]):
    """First tasks of a bank's train split, drawn when first asked for; a copy knows them by name.

    Args:
        bank: Name of the bank.
        n_tasks: How many; a bank with fewer training tasks gives all of them.

    Raises:
        UnknownName: no such bank.
        InvalidConfig: no task.
    """

    def __init__(self, bank: str, n_tasks: int) -> None:
        """See the class."""
        self.bank = bank
        self._n = load_bank(bank).train.up_to(check_integer("n_tasks", n_tasks, 1))

    def __len__(self) -> int:
        """Number of tasks."""
        return self._n

    @overload
    def __getitem__(self, index: int) -> Task: ...
    @overload
    def __getitem__(self, index: slice) -> list[Task]: ...
    def __getitem__(self, index: int | slice) -> Task | list[Task]:
        """Task of an index, or a list of those of a slice.

        Raises:
            IndexError: there is no such task.
        """
        numbers = range(self._n)[index]
        train = load_bank(self.bank).train
        return train[numbers] if isinstance(numbers, int) else [train[k] for k in numbers]

    def __repr__(self) -> str:
        """Show the bank and the size."""
        return f"TrainTasks({self.bank!r}, {self._n})"


def check_pool(tasks: Sequence[Task]) -> Sequence[Task]:
    """Return the tasks if there are any.

    Raises:
        InvalidConfig: there is none.
    """
    if len(tasks) == 0:
        raise InvalidConfig("tasks is empty: give the tasks that trials are played on.")
    return tasks
