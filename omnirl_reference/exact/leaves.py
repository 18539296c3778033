"""Leaf values that the network's quantiles stand for, and the optimistic plan on them (numba)."""

from __future__ import annotations

import math

import numba
import numpy as np

from anymdp_bench.kernels import Statistic, exp, plan_row
from omnirl_reference.exact.features import CERTAIN, Floats, Plans, Singles

DISCOUNT = 0.994
MOST = 7.0
"""Quantiles are cut at ± this, in arsinh of reward spreads."""
TOLERANCE, MOST_SWEEPS = 2e-3, 60


@numba.njit(cache=True, nogil=True)
def raw_value(z: float) -> float:
    """Sinh of a quantile, cut at ± `MOST`."""
    x = exp(min(max(z, -MOST), MOST))
    return 0.5 * (x - 1.0 / x)


@numba.njit(cache=True, nogil=True)
def write_leaves(
    statistic: Statistic, i: int, plans: Plans, quantile: Singles, spread: float, offset: float, leaf: Floats
) -> None:
    """Write the leaf of every pair of an id seen.

    Args:
        statistic: What was lived.
        i: Row.
        plans: Plans of the fixed planners, of which the certainty-equivalent values count.
        quantile: float32 ``[N, A]``, ids in the order in which they were seen; see `network.Answers`.
        spread: Of the rewards.
        offset: Further optimism, in spreads.
        leaf: float64 ``[O, A]``, written.
    """
    for j in range(statistic.n_seen[i]):
        s = statistic.order[i, j]
        base = plans.values[i, CERTAIN, s] + offset * spread
        for a in range(leaf.shape[1]):
            leaf[s, a] = base + spread * raw_value(quantile[j, a])


@numba.njit(cache=True, nogil=True)
def plan_on_leaves(
    statistic: Statistic,
    i: int,
    leaf: Floats,
    kappa: float,
    discount: float,
    spread: float,
    values: Floats,
    q: Floats,
) -> None:
    """Plan row i with kappa imagined visits to the leaves; `leaf` float64 ``[O, A]`` is used up."""
    leaf *= kappa
    plan_row(statistic, i, leaf, kappa, math.inf, discount, TOLERANCE * spread, MOST_SWEEPS, values, q)


@numba.njit(cache=True, nogil=True)
def best_tried(statistic: Statistic, i: int, s: int, q: Floats) -> int:
    """The tried action of best Q ``[O, A]`` in an id, or -1 where none was tried."""
    best, chosen = -np.inf, -1
    for a in range(q.shape[1]):
        if statistic.visits[i, s, a] > 0 and q[s, a] > best:
            best, chosen = q[s, a], a
    return chosen
