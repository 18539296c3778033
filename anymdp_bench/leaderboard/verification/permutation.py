"""Whether two runs of one agent differ by more than chance, by permuting what chance could have permuted.

References:
    R. A. Fisher, The Design of Experiments (1935), section 21.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.leaderboard.verification.verdict import NONE, OVER_RUNS, PAIRED, Outcome, Test
from anymdp_bench.records.record import Record
from anymdp_bench.scoring.asymptotic import LAST_SHARE
from anymdp_bench.scoring.intervals import task_means

PERMUTATIONS = 20_000
PERMUTATION_SEED = 0
MIN_TASKS = 11
"""Below, not even equal signs of all differences have a probability under 0.001 (2**-10)."""
MIN_RUNS = 7
"""Below, not even two separate groups of runs have a probability under 0.001 (2 / binomial(14, 7))."""


class Comparison(NamedTuple):
    """How two runs were compared, and what came out; see `Reproduction`."""

    test: Test
    outcome: Outcome
    p_value: float | None
    difference: float


def compare(first: Record, again: Record, rows: NDArray[np.int64], alpha: float) -> Comparison:
    """Test two runs of the same cells for equal mean scores over the last tenth of the points.

    Args:
        first: The earlier run.
        again: A rerun of some of its cells.
        rows: Rows of `first` that `again` repeats.
        alpha: Level of the test.
    """
    was, now = late_scores(first)[rows], late_scores(again)
    difference = float(now.mean() - was.mean())
    tasks = again.task_index
    n_tasks = len(np.unique(tasks))
    if n_tasks >= MIN_TASKS:
        test: Test = PAIRED
        p_value = paired_p_value(task_means(now, tasks) - task_means(was, tasks))
    elif len(rows) // n_tasks >= MIN_RUNS:
        test = OVER_RUNS
        p_value = unpaired_p_value(was.reshape(n_tasks, -1), now.reshape(n_tasks, -1))
    else:
        return Comparison(NONE, "undecided", None, difference)
    return Comparison(test, "different" if p_value < alpha else "consistent", p_value, difference)


def late_scores(record: Record) -> FloatArray:
    """Mean over the last tenth of the points of each cell, float64 ``[C]``; raw where there is no score."""
    values = record.points.mean
    late = values[:, -max(1, values.shape[1] // LAST_SHARE) :].mean(axis=1)
    random, oracle, _ = record.references
    scored = np.isfinite(random) & np.isfinite(oracle)
    low, gap = np.where(scored, random, 0.0), np.where(scored, oracle - random, 1.0)
    scores: FloatArray = (late - low) / gap
    return scores


def paired_p_value(differences: FloatArray) -> float:
    """Two-sided p-value of a mean difference of 0, signs being random, float64 ``[n]`` in."""
    generator = np.random.Generator(np.random.PCG64(PERMUTATION_SEED))
    signs = generator.choice([-1.0, 1.0], size=(PERMUTATIONS, len(differences)))
    return _share(np.abs(signs @ differences), abs(differences.sum()))


def unpaired_p_value(was: FloatArray, now: FloatArray) -> float:
    """Two-sided p-value of equal means, the runs of a task being exchangeable, ``[tasks, runs]`` each."""
    generator = np.random.Generator(np.random.PCG64(PERMUTATION_SEED))
    both = np.concatenate([was, now], axis=1)
    n_runs = was.shape[1]
    drawn = np.array([_split(generator, both, n_runs) for _ in range(PERMUTATIONS)])
    return _share(np.abs(drawn), abs(float(now.mean() - was.mean())))


def _split(generator: np.random.Generator, both: FloatArray, n_runs: int) -> float:
    mixed = generator.permuted(both, axis=1)
    return float(mixed[:, n_runs:].mean() - mixed[:, :n_runs].mean())


def _share(drawn: FloatArray, found: float) -> float:
    """Share of permutations at least as extreme, the one that was seen included."""
    slack = 1e-12 * max(1.0, found)
    return float((1 + (drawn >= found - slack).sum()) / (1 + len(drawn)))
