"""From returns to scores: 0 is uniform random play, 1 the oracle; never clipped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anymdp_bench.foundation.errors import UndefinedScore
from anymdp_bench.foundation.types import FloatArray, IntArray
from anymdp_bench.records.record import Record

MIN_GAP = 0.01
"""Smallest oracle - random that a score may be divided by; the same rule admits tasks to banks."""
MIN_EPISODES = 100
"""Fewest episodes, over all cells, that a sampled evaluation point may rest on."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A record in units of score, with C cells, P evaluation points and E lived episodes.

    Attributes:
        task_index: int64 ``[C]``.
        episodes: int64 ``[P]``, learning episodes so far.
        steps: int64 ``[C, P]``, learning steps so far.
        mean, even, odd: float64 ``[C, P]``, scores; `even` chooses a point, `odd` reports it.
        lived: float64 ``[C, E]``, score of every learning episode.
        lived_steps: int64 ``[C, E]``, learning steps at the end of each.
        noise: float64 ``[C, E, 2]``, what chance did to each lived episode's score as the oracle and as
            uniform play would value it, of mean zero; None where the record has no advantages.
        optimum_share: float64 ``[C]``, what a score of 1 is worth in units of the finite-horizon optimum.
    """

    task_index: IntArray
    episodes: IntArray
    steps: IntArray
    mean: FloatArray
    even: FloatArray
    odd: FloatArray
    lived: FloatArray
    lived_steps: IntArray
    noise: FloatArray | None
    optimum_share: FloatArray


def normalise(record: Record) -> Scored:
    """Score every value of a record: ``(return - random) / (oracle - random)``.

    Consecutive sampled points are pooled until each rests on at least 100 episodes.

    Raises:
        UndefinedScore: a return is NaN or infinite, the references are too close together, or the record
            holds fewer than 100 episodes; the message names the task.
    """
    check_record(record)
    random, oracle, optimal = record.references

    def score(returns: FloatArray) -> FloatArray:
        scores: FloatArray = (returns - random[:, None]) / (oracle - random)[:, None]
        return scores

    points = record.points
    group = pool_size(points.counts, len(record.cells))
    last = slice(group - 1, None, group)
    return Scored(
        task_index=record.task_index,
        episodes=points.episodes[last],
        steps=points.steps[:, last],
        mean=_pool(score(points.mean), group),
        even=_pool(score(points.even), group),
        odd=_pool(score(points.odd), group),
        lived=score(record.lived.scores),
        lived_steps=np.cumsum(record.lived.lengths, axis=1),
        noise=_noise(record),
        optimum_share=(oracle - random) / (optimal - random),
    )


def _noise(record: Record) -> FloatArray | None:
    """Return minus expected return minus advantages, in units of score, for both reference policies."""
    if record.advantages is None:
        return None
    random, oracle, _ = record.references
    expected = np.stack([oracle, random], axis=1)
    noise = record.lived.scores[:, :, None] - expected[:, None] - record.advantages
    return np.asarray(noise / (oracle - random)[:, None, None])


def check_record(record: Record) -> None:
    """Raise UndefinedScore unless every return is finite and every task's references are apart."""
    _check_gap(record, record.references.oracle - record.references.random)
    for values in (record.points.mean, record.points.even, record.points.odd, record.lived.scores):
        _check_finite(record, values)


def pool_size(counts: IntArray, n_cells: int) -> int:
    """Number of consecutive points that together hold at least 100 episodes (1 where exact).

    Raises:
        UndefinedScore: all points together hold fewer.
    """
    if counts[0] == 0:
        return 1
    group = -(-MIN_EPISODES // (int(counts[0]) * n_cells))
    if group > len(counts):
        raise UndefinedScore(
            f"{len(counts)} points of {counts[0]} episodes in {n_cells} runs: a sampled point needs at least "
            f"{MIN_EPISODES} episodes. Evaluate more episodes, tasks or runs."
        )
    return group


def _pool(values: FloatArray, group: int) -> FloatArray:
    n_points = values.shape[1] // group
    pooled: FloatArray = values[:, : n_points * group].reshape(len(values), n_points, group).mean(axis=2)
    return pooled


def _check_gap(record: Record, gap: FloatArray) -> None:
    small = ~(gap >= MIN_GAP)
    if small.any():
        cell = int(small.argmax())
        task = record.cells[cell].task
        if np.isnan(gap[cell]):
            raise UndefinedScore(f"task {task} has no reference returns; only its raw returns are recorded.")
        raise UndefinedScore(
            f"task {task}: oracle - random = {gap[cell]:.3g}, below {MIN_GAP}; a score would be noise. "
            "Leave the task out, or scale its rewards."
        )


def _check_finite(record: Record, values: FloatArray) -> None:
    bad = ~np.isfinite(values)
    if bad.any():
        cell = record.cells[int(bad.any(axis=1).argmax())]
        raise UndefinedScore(
            f"task {cell.task}, run {cell.run}: a recorded return is {values[bad][0]}; it must be finite. "
            "Run the task again."
        )
