"""Column: the paper's number, and how soon it is reached."""

from __future__ import annotations

import numpy as np

from anymdp_bench.scoring.intervals import mean_interval
from anymdp_bench.scoring.normalise import Scored

NEARLY = 0.99
"""Share of the best mean at which a learner counts as converged (OmniRL, arXiv 2502.02869, table 1)."""


def best_point(scored: Scored) -> int:
    """Index of the point whose mean over even episodes is largest; the first of equals."""
    return int(scored.even.mean(axis=0).argmax())


def performance(scored: Scored) -> dict[str, float]:
    """Best mean score over evaluation points within the budget.

    Where points are sampled, even episodes choose the point and odd ones give its value: the largest of
    many noisy means would be too high. The interval is that of the chosen point.
    """
    values = scored.odd[:, best_point(scored)]
    low, high = mean_interval(values, scored.task_index)
    return {"performance": float(values.mean()), "performance_low": low, "performance_high": high}


def convergence(scored: Scored) -> dict[str, float]:
    """Learning steps (mean over cells) and episodes at the first point with 99 % of `performance`.

    It is sought up to the best point, which is the answer if no earlier one qualifies. Undefined (NaN)
    where `performance` is not positive.
    """
    best = best_point(scored)
    target = NEARLY * float(scored.odd[:, best].mean())
    if target <= 0:
        return {"steps_to_99": float("nan"), "episodes_to_99": float("nan")}
    reached = scored.mean[:, : best + 1].mean(axis=0) >= target
    first = int(reached.argmax()) if reached.any() else best
    return {
        "steps_to_99": float(np.mean(scored.steps[:, first])),
        "episodes_to_99": float(scored.episodes[first]),
    }
