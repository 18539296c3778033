"""Column: where the agent ends up."""

from __future__ import annotations

from anymdp_bench.scoring.intervals import (
    bootstrap_interval,
    interquartile_mean,
    mean_interval,
    task_means,
)
from anymdp_bench.scoring.normalise import Scored

LAST_SHARE = 10
"""The last tenth of the evaluation points."""


def asymptotic(scored: Scored) -> dict[str, float]:
    """Mean score over the last tenth of the points (at least one), and its interquartile mean over tasks.

    With a single task the interquartile mean is taken over its runs and has no interval.
    """
    n_last = max(1, scored.mean.shape[1] // LAST_SHARE)
    values = scored.mean[:, -n_last:].mean(axis=1)
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
