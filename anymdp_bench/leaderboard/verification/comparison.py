"""Whether two runs of an agent on tasks differ by more than chance."""

from __future__ import annotations

import numpy as np
from scipy import special

from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.records.record import Record
from anymdp_bench.scoring.asymptotic import LAST_SHARE
from anymdp_bench.scoring.intervals import task_means

CONFIDENCE = 0.999
MIN_PAIRS = 11
"""Tasks from which on two runs are compared task by task; below, run by run."""


def late_scores(record: Record) -> FloatArray:
    """Mean over the last tenth of the points of each cell, float64 ``[C]``; raw where there is no score."""
    values = record.points.mean
    return _scored(record, values[:, -max(1, values.shape[1] // LAST_SHARE) :].mean(axis=1))


def early_scores(record: Record) -> FloatArray:
    """The same over the first tenth."""
    values = record.points.mean
    return _scored(record, values[:, : max(1, values.shape[1] // LAST_SHARE)].mean(axis=1))


def _scored(record: Record, returns: FloatArray) -> FloatArray:
    """Scores of mean returns ``[C]``."""
    random, oracle, _ = record.references
    scored = np.isfinite(random) & np.isfinite(oracle)
    low, gap = np.where(scored, random, 0.0), np.where(scored, oracle - random, 1.0)
    scores: FloatArray = (returns - low) / gap
    return scores


def drop_on_same_tasks(first: Record, second: Record) -> tuple[float, float]:
    """Interval of how much lower the second run's late score is, at 99.9 %.

    Where there are tasks enough, differences are taken task by task, and what tasks differ in drops out.
    """
    before, after = late_scores(first), late_scores(second)
    means = task_means(before, first.task_index), task_means(after, second.task_index)
    if len(means[0]) >= MIN_PAIRS:
        return paired_interval(means[0] - means[1])
    return difference_interval(before, after)


def paired_interval(differences: FloatArray) -> tuple[float, float]:
    """Interval of the mean of paired differences at 99.9 % (Student's t), float64 ``[n]`` in, n >= 2."""
    gap, n = float(differences.mean()), len(differences)
    error = float(differences.std(ddof=1)) / np.sqrt(n)
    half = float(special.stdtrit(n - 1, (1 + CONFIDENCE) / 2)) * error
    return float(gap - half), float(gap + half)


def difference_interval(first: FloatArray, second: FloatArray) -> tuple[float, float]:
    """Interval of ``mean(first) - mean(second)`` at 99.9 %.

    References:
        B. L. Welch, The generalization of Student's problem, Biometrika 34 (1947).
    """
    errors = [values.var(ddof=1) / len(values) for values in (first, second)]
    total = float(sum(errors))
    gap = float(first.mean() - second.mean())
    if total == 0.0:
        return gap, gap
    weights = sum(e * e / (len(v) - 1) for e, v in zip(errors, (first, second), strict=True))
    half = float(special.stdtrit(total * total / weights, (1 + CONFIDENCE) / 2)) * np.sqrt(total)
    return float(gap - half), float(gap + half)
