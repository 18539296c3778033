"""Columns with less noise: scores from which what chance did to the episodes has been taken away.

A return minus a policy's expected return minus the sum of the policy's exact advantages over the episode is
a martingale at its end: its mean is zero, whoever acted and whatever was learnt before. Two such noises, of
the oracle and of uniform play, serve as control variates.

References:
    P. Glynn, R. Szechtman, Some new perspectives on the method of control variates (2002).
    M. White, M. Bowling, Learning a value analysis tool for agent evaluation (IJCAI 2009).
"""

from __future__ import annotations

import numpy as np

from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.scoring.asymptotic import LAST_SHARE
from anymdp_bench.scoring.intervals import mean_interval
from anymdp_bench.scoring.normalise import Scored

RIDGE = 1e-9
"""Share of the mean square that is added to it: a task without chance has no noise to fit."""


def controlled(scored: Scored) -> dict[str, float]:
    """Mean score over the last tenth of the lived episodes without the noise that the variates explain.

    ``controlled_factor`` is how many times smaller the variance between episodes of a cell becomes.
    Undefined (NaN) where advantages are unknown, and with a single cell.
    """
    names = "controlled", "controlled_low", "controlled_high", "controlled_factor"
    n_cells, n_episodes = scored.lived.shape
    if scored.noise is None or n_cells < 2:
        return dict.fromkeys(names, float("nan"))
    last = slice(-max(1, n_episodes // LAST_SHARE), None)
    scores = scored.lived[:, last]
    better = without_noise(scores, scored.noise[:, last])
    values = better.mean(axis=1)
    before, after = (episodes.var(axis=1).mean() for episodes in (scores, better))
    factor = float(before / after) if after > RIDGE * before else float("inf")
    low, high = mean_interval(values, scored.task_index)
    return dict(zip(names, (float(values.mean()), low, high, factor), strict=True))


def without_noise(scores: FloatArray, noise: FloatArray) -> FloatArray:
    """Scores minus the noise that explains them best, float64 ``[C, E]``; their means stay unbiased.

    The coefficients of a cell are fitted to the other cells, which know nothing of its noise. Those of its
    own even episodes would not do: an agent that learns plays them differently after an odd one.

    Args:
        scores: float64 ``[C, E]`` of at least 2 cells.
        noise: float64 ``[C, E, 2]``, of mean zero.
    """
    centred, spread = (values - values.mean(axis=1, keepdims=True) for values in (scores, noise))
    square = np.einsum("cei,cej->cij", spread, spread)
    product = np.einsum("cei,ce->ci", spread, centred)
    square, product = square.sum(axis=0) - square, product.sum(axis=0) - product
    (a, b), d = (square[:, 0, 0], square[:, 0, 1]), square[:, 1, 1]
    ridge = RIDGE * (a + d) + np.finfo(float).tiny
    a, d = a + ridge, d + ridge
    first = (d * product[:, 0] - b * product[:, 1]) / (a * d - b * b)
    second = (a * product[:, 1] - b * product[:, 0]) / (a * d - b * b)
    return np.asarray(scores - first[:, None] * noise[:, :, 0] - second[:, None] * noise[:, :, 1])
