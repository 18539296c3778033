"""What an evaluation leaves behind, in memory: plain arrays over cells and evaluation points.

A cell is one run on one task. References travel along, so scoring never rebuilds a task.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from anymdp_bench.agents.protocol import Episodes
from anymdp_bench.foundation.types import FloatArray, IntArray


class Cell(NamedTuple):
    """One run on one task; both count from 0 within the board."""

    task: int
    run: int


class Points(NamedTuple):
    """Scored returns of C cells at P evaluation points.

    Attributes:
        episodes: int64 ``[P]``, learning episodes so far.
        steps: int64 ``[C, P]``, environment steps used for learning so far; test steps never count.
        counts: int64 ``[P]``, episodes behind each value; 0 where the planner computed it exactly.
        mean: float64 ``[C, P]``, mean scored return.
        even: float64 ``[C, P]``, mean over the point's episodes 0, 2, 4, ... (`mean` where exact).
        odd: float64 ``[C, P]``, mean over its episodes 1, 3, 5, ... (`mean` where exact).
        seconds: float64 ``[C, P]``, wall time since the cell's shard began.
    """

    episodes: IntArray
    steps: IntArray
    counts: IntArray
    mean: FloatArray
    even: FloatArray
    odd: FloatArray
    seconds: FloatArray


class CellReferences(NamedTuple):
    """Reference returns of each cell's task, float64 ``[C]``: score 0, score 1, finite-horizon optimum."""

    random: FloatArray
    oracle: FloatArray
    optimal: FloatArray


class ShardRecord(NamedTuple):
    """What one shard of cells left behind.

    Attributes:
        points: Evaluation points.
        lived: Every learning episode, ``[C, E]``.
        advantages: float64 ``[C, E, 2]``, sums over each lived episode of the exact advantages of its actions
            for the oracle and for uniform play, over the remaining horizon; None where nobody knows them:
            learners, tasks without tables, records of earlier versions.
    """

    points: Points
    lived: Episodes
    advantages: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A finished evaluation of one agent on one board.

    Attributes:
        cells: The C cells, runs ascending within a task, tasks ascending among those of one shape.
        references: Reference returns of each cell's task.
        points: Evaluation points.
        lived: Every learning episode, ``[C, E]``.
        advantages: As for `ShardRecord`.
    """

    cells: tuple[Cell, ...]
    references: CellReferences
    points: Points
    lived: Episodes
    advantages: FloatArray | None = None

    @property
    def task_index(self) -> IntArray:
        """Task of each cell, int64 ``[C]``."""
        return np.array([cell.task for cell in self.cells], dtype=np.int64)


def block_points(lived: Episodes, block: int, seconds: FloatArray) -> Points:
    """Evaluation points of an agent that is scored on the episodes that it lives.

    Args:
        lived: Episodes ``[C, E]``, E a multiple of `block`.
        block: Episodes of one point, at least 2.
        seconds: float64 ``[C, E]``, wall time at each episode's end.
    """
    scores = lived.scores.reshape(len(lived.scores), -1, block)
    last = slice(block - 1, None, block)
    n_points = scores.shape[1]
    return Points(
        episodes=np.arange(1, n_points + 1) * block,
        steps=np.cumsum(lived.lengths, axis=1)[:, last],
        counts=np.full(n_points, block),
        mean=scores.mean(axis=2),
        even=scores[:, :, 0::2].mean(axis=2),
        odd=scores[:, :, 1::2].mean(axis=2),
        seconds=seconds[:, last],
    )


def join_points(parts: Sequence[Points]) -> Points:
    """Put the points of several shards under each other."""
    columns = {name: [getattr(part, name) for part in parts] for name in Points._fields}
    shared = {"episodes", "counts"}
    return Points(**{name: part[0] if name in shared else np.vstack(part) for name, part in columns.items()})


def join_episodes(parts: Sequence[Episodes], axis: int = 0) -> Episodes:
    """Put episodes of several shards under each other (axis 0), or later ones behind (axis 1)."""
    return Episodes(*(np.concatenate(columns, axis=axis) for columns in zip(*parts, strict=True)))


def join_shards(shards: Sequence[ShardRecord]) -> ShardRecord:
    """Join all shards of a run, in order."""
    sums = [shard.advantages for shard in shards]
    known = [values for values in sums if values is not None]
    return ShardRecord(
        join_points([shard.points for shard in shards]),
        join_episodes([shard.lived for shard in shards]),
        np.concatenate(known) if len(known) == len(sums) else None,
    )
