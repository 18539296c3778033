"""Columns over the episodes that an agent lives while it learns; they compare across tracks."""

from __future__ import annotations

import numpy as np

from anymdp_bench.scoring.normalise import Scored
from anymdp_bench.task import FloatArray, IntArray

LIVED_STEPS = (1_000, 2_000, 5_000, 10_000, 100_000, 1_000_000)
WINDOW = 10
"""Episodes that a value is averaged over: the block of the in-context track."""


def regret(scored: Scored) -> dict[str, float]:
    """Mean of 1 - score over the track's whole episode budget."""
    return {"regret": float(1 - scored.lived.mean())}


def lived(scored: Scored) -> dict[str, float]:
    """Mean score of the last ten episodes that ended within the first N learning steps, for several N.

    Undefined (NaN) unless every cell has finished an episode by then and has lived for N steps: the
    tasks with the longest episodes alone would be another test set.
    """
    return {
        f"lived_{steps}": float(recent_scores(scored.lived, scored.lived_steps, steps).mean())
        for steps in LIVED_STEPS
    }


def recent_scores(scores: FloatArray, ends: IntArray, steps: int) -> FloatArray:
    """Mean of each cell's last ten episodes within `steps`, float64 ``[C]``; NaN where there is none.

    Args:
        scores: float64 ``[C, E]``, score of each episode.
        ends: int64 ``[C, E]``, cumulative steps at each episode's end.
        steps: Number of learning steps.
    """
    total = np.concatenate([np.zeros((len(scores), 1)), np.cumsum(scores, axis=1)], axis=1)
    last = (ends <= steps).sum(axis=1)
    first = np.maximum(last - WINDOW, 0)
    rows = np.arange(len(scores))
    defined = (last > 0) & (ends[:, -1] >= steps)
    span = np.where(defined, last - first, 1)
    return np.where(defined, (total[rows, last] - total[rows, first]) / span, np.nan)
