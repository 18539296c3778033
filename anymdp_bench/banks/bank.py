"""A bank: frozen test tasks, validation tasks to choose on, and training tasks without end."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import overload

from anymdp_bench.foundation.errors import FingerprintMismatch, InvalidConfig
from anymdp_bench.planning import References
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.worlds.pendulum.references import references

SPLITS = ("test", "validation", "train")
BOARD_TASKS = 64
"""Boards use the first so many test tasks."""


class TaskSequence(Sequence[Task]):
    """Tasks by index, made when first asked for and kept.

    Args:
        name: What error messages call it, e.g. ``"anymdp-16x5-v0/test"``.
        length: Number of tasks, or None for a sequence without end (it can be indexed, not iterated).
        make: Task of an index.
        fingerprints: Leading hexadecimal digits that the first tasks' fingerprints must have.
    """

    def __init__(  # noqa: D107 - the class docstring describes the arguments
        self,
        name: str,
        length: int | None,
        make: Callable[[int], Task],
        fingerprints: Sequence[str] = (),
    ) -> None:
        self.name = name
        self._length = length
        self._make = make
        self._fingerprints = fingerprints
        self._kept: dict[int, Task] = {}

    def __len__(self) -> int:
        """Number of tasks.

        Raises:
            InvalidConfig: the sequence has no end.
        """
        if self._length is None:
            raise InvalidConfig(f"{self.name} has no end: take tasks by index, e.g. [0] or [:100].")
        return self._length

    def up_to(self, n: int) -> int:
        """Return `n`, or the number of tasks where there are fewer."""
        return n if self._length is None else min(n, self._length)

    def __iter__(self) -> Iterator[Task]:
        """Tasks in order."""
        return (self[i] for i in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Task: ...
    @overload
    def __getitem__(self, index: slice) -> list[Task]: ...
    def __getitem__(self, index: int | slice) -> Task | list[Task]:
        """Task of an index, or a list of those of a slice.

        Raises:
            IndexError: there is no such task.
            FingerprintMismatch: the task is not the frozen one.
        """
        if isinstance(index, slice):
            stop = self._length if self._length is not None else index.stop
            if stop is None:
                raise InvalidConfig(f"{self.name} has no end: give the slice one, e.g. [:100].")
            return [self[i] for i in range(*index.indices(stop))]
        index = operator.index(index)
        position = index + len(self) if index < 0 else index
        if position < 0 or (self._length is not None and position >= self._length):
            raise IndexError(f"{self.name} has tasks 0..{len(self) - 1}; {index} was asked for.")
        if position not in self._kept:
            self._kept[position] = self._checked(position)
        return self._kept[position]

    def _checked(self, position: int) -> Task:
        task = self._make(position)
        if position < len(self._fingerprints):
            frozen = self._fingerprints[position]
            if not task.fingerprint().startswith(frozen):
                raise FingerprintMismatch(
                    f"{self.name}[{position}] has fingerprint {task.fingerprint()[: len(frozen)]}, frozen is "
                    f"{frozen}. The installed package differs from the released one: re-install it, or, if "
                    "this processor draws other tasks, install from a checkout, which holds every board's."
                )
        return task

    def __repr__(self) -> str:
        """Show the name and the size."""
        return f"TaskSequence({self.name!r}, length={self._length})"


@dataclasses.dataclass(frozen=True, slots=True)
class Bank:
    """Tasks of one kind, split for good.

    Attributes:
        name: Name with version; what it holds never changes.
        test: Frozen tasks that agents are scored on; boards use the first 64.
        validation: Tasks to choose hyper-parameters on (declared siblings, where there is one test task).
        train: Tasks to learn on; without end for sampled families.
        rejected: Draws that were not scorable, by split; see `is_scorable`.

    Examples:
        >>> bank = load_bank("darkroom-6-v0")
        >>> isinstance(bank, Bank), bank.name
        (True, 'darkroom-6-v0')
    """

    name: str
    test: TaskSequence
    validation: TaskSequence
    train: TaskSequence
    rejected: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def board_tasks(self, n: int = BOARD_TASKS) -> list[Task]:
        """First `n` test tasks, or all where there are fewer."""
        return self.test[:n]

    def split(self, name: str) -> TaskSequence:
        """Tasks of a split.

        Raises:
            InvalidConfig: no such split.
        """
        if name not in SPLITS:
            raise InvalidConfig(f"split={name!r} is not legal: give one of {', '.join(SPLITS)}.")
        tasks: TaskSequence = getattr(self, name)
        return tasks

    def references(self, split: str = "test", n: int = BOARD_TASKS) -> list[References]:
        """Reference returns of a split's first `n` tasks: exact, but measured for Discrete-Pendulum.

        Raises:
            InvalidConfig: no such split.
        """
        return [references(task) for task in self.split(split)[:n]]
