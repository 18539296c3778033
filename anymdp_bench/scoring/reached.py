"""Column: how soon shares of the oracle's score are reached."""

from __future__ import annotations

import numpy as np
from scipy.optimize import isotonic_regression

from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.scoring.asymptotic import LAST_SHARE
from anymdp_bench.scoring.normalise import Scored

SHARES = (50, 80, 90, 95)
"""Percent of the oracle's score."""
ROUNDING = 1e-9
"""A fit may lie so far below a level and still be at it: pooling rounds."""


def reached(scored: Scored) -> dict[str, float]:
    """Learning steps (mean over cells) and episodes at which the mean score reaches shares of the oracle's.

    That is the first point at which the fit of `rising` does; undefined (NaN) where it never does.
    """
    fit = rising(scored.mean.mean(axis=0))
    found: dict[str, float] = {}
    for share in SHARES:
        point = first_at(fit, share / 100)
        values = (float("nan"),) * 2 if point is None else _where(scored, point)
        names = f"steps_to_oracle_{share}", f"episodes_to_oracle_{share}"
        found |= dict(zip(names, values, strict=True))
    return found


def rising(mean: FloatArray) -> FloatArray:
    """Non-decreasing least-squares fit of a learning curve, float64 ``[P]``.

    A single lucky point does not cross a threshold here, as it does in the curve itself. Its last tenth
    (at least one point) enters as one value, because nothing behind them could correct the last points.

    References:
        R. Barlow et al., Statistical inference under order restrictions (1972).
    """
    n_last = max(1, len(mean) // LAST_SHARE)
    values = np.append(mean[:-n_last], mean[-n_last:].mean())
    weights = np.append(np.ones(len(values) - 1), n_last)
    fit = isotonic_regression(values, weights=weights).x
    return np.append(fit[:-1], np.full(n_last, fit[-1]))


def first_at(fit: FloatArray, level: float) -> int | None:
    """First index of a non-decreasing curve that is at `level` or above; None if there is none."""
    index = int(np.searchsorted(fit, level - ROUNDING))
    return index if index < len(fit) else None


def _where(scored: Scored, point: int) -> tuple[float, float]:
    return float(scored.steps[:, point].mean()), float(scored.episodes[point])
