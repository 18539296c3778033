"""Means over tasks, and honest 95 % intervals around them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from scipy import special

from anymdp_bench.foundation.seeding import child_seed
from anymdp_bench.foundation.types import FloatArray, IntArray

CONFIDENCE = 0.95
RESAMPLES = 10_000
BOOTSTRAP_SEED = 0
Statistic: TypeAlias = Callable[[FloatArray], FloatArray]


def mean(values: FloatArray) -> FloatArray:
    """Mean along the last axis."""
    return np.asarray(values.mean(axis=-1))


def interquartile_mean(values: FloatArray) -> FloatArray:
    """Mean of the middle half along the last axis; ``n // 4`` values are cut off at either end."""
    n = values.shape[-1]
    cut = n // 4
    return np.asarray(np.sort(values, axis=-1)[..., cut : n - cut].mean(axis=-1))


def task_means(values: FloatArray, task_index: IntArray) -> FloatArray:
    """Average the runs of each task: float64 ``[C]`` to ``[number of tasks]``, tasks ascending."""
    _, inverse = np.unique(task_index, return_inverse=True)
    return np.asarray(np.bincount(inverse, weights=values) / np.bincount(inverse))


def bootstrap_interval(
    values: FloatArray, statistic: Statistic, *, seed: int = BOOTSTRAP_SEED
) -> tuple[float, float]:
    """Percentile bootstrap interval of a statistic of independent values.

    Args:
        values: float64 ``[n]``, one value per task.
        statistic: Maps ``[..., n]`` to ``[...]``.
        seed: In [0, 2**64); equal seeds give equal intervals.

    References:
        B. Efron, Bootstrap methods: another look at the jackknife, Annals of Statistics 7 (1979).
    """
    rows = resampled_rows(len(values), seed)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(statistic(values[rows]), [tail, 1 - tail])
    return float(low), float(high)


@functools.lru_cache(maxsize=8)
def resampled_rows(n: int, seed: int = BOOTSTRAP_SEED) -> IntArray:
    """Rows of every resample, int64 ``[RESAMPLES, n]``; drawn once, since a table has many intervals."""
    generator = np.random.Generator(np.random.PCG64(child_seed(seed, "bootstrap")))
    rows = generator.integers(n, size=(RESAMPLES, n))
    rows.setflags(write=False)
    return rows


def t_interval(values: FloatArray) -> tuple[float, float]:
    """Student's t interval of the mean of independent runs; NaN for a single run."""
    n = len(values)
    if n < 2:
        return float("nan"), float("nan")
    half = special.stdtrit(n - 1, (1 + CONFIDENCE) / 2) * values.std(ddof=1) / np.sqrt(n)
    return float(values.mean() - half), float(values.mean() + half)


def mean_interval(values: FloatArray, task_index: IntArray) -> tuple[float, float]:
    """Interval of the mean over cells: over tasks by bootstrap, of a single task over its runs by t.

    Args:
        values: float64 ``[C]``, one value per cell.
        task_index: int64 ``[C]``.
    """
    by_task = task_means(values, task_index)
    return t_interval(values) if len(by_task) == 1 else bootstrap_interval(by_task, mean)
