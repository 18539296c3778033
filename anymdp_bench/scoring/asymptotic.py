"""Column: where the agent ends up."""

from __future__ import annotations

import numpy as np

from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.scoring.intervals import bootstrap_interval, interquartile_mean, mean_interval, task_means
from anymdp_bench.scoring.normalise import Scored

LAST_SHARE = 10
"""The last tenth of the evaluation points."""


def last_scores(scored: Scored) -> FloatArray:
    """Mean score of each cell over the last tenth of the points (at least one), float64 ``[C]``."""
    n_last = max(1, scored.mean.shape[1] // LAST_SHARE)
    return np.asarray(scored.mean[:, -n_last:].mean(axis=1))


def optimum(scored: Scored) -> dict[str, float]:
    """Mean share of the finite-horizon optimum over the last tenth: 0 is random play, 1 the optimum."""
    return {"optimum_share": float((last_scores(scored) * scored.optimum_share).mean())}


def asymptotic(scored: Scored) -> dict[str, float]:
    """Mean score over the last tenth of the points, and its interquartile mean over tasks.

    With a single task the interquartile mean is taken over its runs and has no interval.
    """
    values = last_scores(scored)
    low, high = mean_interval(values, scored.task_index)
    by_task = task_means(values, scored.task_index)
    single = len(by_task) == 1
    iqm = interquartile_mean(values if single else by_task)
    iqm_low, iqm_high = (float("nan"),) * 2 if single else bootstrap_interval(by_task, interquartile_mean)
    return {
        "asymptotic": float(values.mean()),
        "asymptotic_low": low,
        "asymptotic_high": high,
        "iqm": float(iqm),
        "iqm_low": iqm_low,
        "iqm_high": iqm_high,
    }
