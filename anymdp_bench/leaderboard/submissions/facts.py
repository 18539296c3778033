"""What is true of a board, whatever a submission says: tasks, references, limits."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from anymdp_bench.banks import load_bank
from anymdp_bench.evaluation.boards import BOARDS, Board
from anymdp_bench.evaluation.evaluate import task_references
from anymdp_bench.evaluation.protocols.frozen import has_exact_test
from anymdp_bench.evaluation.protocols.shards import MIN_TEST_EPISODES, Shape, shape_of
from anymdp_bench.evaluation.sequence.boards import SequenceBoard
from anymdp_bench.foundation.errors import UnknownName
from anymdp_bench.foundation.registry import lookup
from anymdp_bench.foundation.types import FloatArray, IntArray
from anymdp_bench.leaderboard.submissions.metadata import Heading
from anymdp_bench.planning.limits import ReturnLimits, return_limits
from anymdp_bench.records.record import CellReferences
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import TabularTask
from anymdp_bench.worlds.pendulum.task import MAX_SPEED, MAX_TORQUE

PREFIXES = (16, 32)
"""A submission may play only the first so many tasks of a board that has more."""
WORST_SWING = math.pi**2 + 0.1 * MAX_SPEED**2 + 0.001 * MAX_TORQUE**2
"""Largest cost of one step of Pendulum-v1; the least is 0."""
GRID_ERROR = 0.02
"""Relative slack of an optimum that was found on a grid of a continuous state."""


class Facts(Protocol):
    """The truth about a board of any protocol."""

    @property
    def board(self) -> Board | SequenceBoard:
        """The registered specification."""
        ...

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Fingerprint of each task."""
        ...

    @property
    def n_tasks(self) -> int:
        """Tasks of the whole board."""
        ...

    @property
    def legal_lengths(self) -> tuple[int, ...]:
        """Numbers of tasks that a submission may have played, ascending."""
        ...


class Basis(Protocol):
    """What every entry claims, beside the truth: which board, and how many of its tasks."""

    @property
    def metadata(self) -> Heading:
        """Who and what."""
        ...

    @property
    def facts(self) -> Facts:
        """The board."""
        ...

    @property
    def n_tasks(self) -> int:
        """Tasks that were played or read."""
        ...


@dataclass(frozen=True, slots=True)
class BoardFacts:
    """The truth about a board of n tasks; arrays are ``[n]``.

    Attributes:
        board: The registered specification.
        fingerprints: Fingerprint of each task.
        references: float64 ``[n]`` each; NaN where a task has none.
        low, high: Least and largest return of a single episode.
        ceiling: No policy's expected return is above; `high` where the optimum is unknown.
        horizons: Longest episode in steps, int64.
        exact: Whether a learner's policy table is scored without test episodes.
        shapes: What decides which tasks share a shard.
    """

    board: Board
    fingerprints: tuple[str, ...]
    references: CellReferences
    low: FloatArray
    high: FloatArray
    ceiling: FloatArray
    horizons: IntArray
    exact: bool
    shapes: tuple[Shape, ...]

    @classmethod
    def of(cls, board: Board, tasks: Sequence[Task]) -> BoardFacts:
        """Compute everything from the tasks themselves."""
        known = task_references(tasks)
        references = CellReferences(*(np.array(known[name]) for name in CellReferences._fields))
        low, high = np.array([_limits(task) for task in tasks]).T
        slack = [0.0 if isinstance(task, TabularTask) else GRID_ERROR for task in tasks]
        ceiling = references.optimal + np.abs(references.optimal) * slack
        return cls(
            board=board,
            fingerprints=tuple(task.fingerprint() for task in tasks),
            references=references,
            low=low,
            high=high,
            ceiling=np.where(np.isnan(ceiling), high, ceiling),
            horizons=np.array([task.horizon for task in tasks]),
            exact=all(map(has_exact_test, tasks)),
            shapes=tuple(map(shape_of, tasks)),
        )

    @property
    def n_tasks(self) -> int:
        """Tasks of the whole board."""
        return len(self.fingerprints)

    @property
    def legal_lengths(self) -> tuple[int, ...]:
        """Numbers of tasks that a submission may have played, ascending."""
        return (*(n for n in PREFIXES if n < self.n_tasks), self.n_tasks)

    def counts(self, learner: bool, n_tasks: int) -> tuple[int, ...]:
        """Legal numbers of episodes behind an evaluation point."""
        if not learner:
            return (self.board.block,)
        n_cells = n_tasks * self.board.runs
        sampled = max(self.board.test_episodes, -(-MIN_TEST_EPISODES // n_cells))
        return (0,) * self.exact + (sampled + sampled % 2,)


def _limits(task: Task) -> ReturnLimits:
    if isinstance(task, TabularTask):
        return return_limits(task)
    return ReturnLimits(-WORST_SWING * task.horizon, 0.0)


@functools.cache
def board_facts(name: str) -> BoardFacts:
    """Facts of a registered board.

    Raises:
        UnknownName: with the nearest names, or all.
    """
    try:
        board = lookup("board", BOARDS, name)
    except UnknownName as error:
        raise UnknownName(f"{error} Registered boards alone take submissions.") from error
    return BoardFacts.of(board, load_bank(board.bank).board_tasks(board.n_tasks))
