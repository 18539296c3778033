"""Leaf values that the network's quantiles stand for, and the optimistic plan on them (numba)."""

from __future__ import annotations

import math

import numpy as np

from anymdp_bench.kernels import Statistic, exp, kernel, log, pair_value
from omnirl_reference.exact.features import CERTAIN, Floats, Plans, Singles

DISCOUNT = 0.994
MOST = 7.0
"""Quantiles are cut at ± this, in arsinh of reward spreads."""
TOLERANCE, MOST_SWEEPS, GREEDY_SWEEPS = 2e-3, 60, 4


@kernel(nogil=True)
def raw_value(z: float) -> float:
    """Sinh of a quantile, cut at ± `MOST`."""
    x = exp(min(max(z, -MOST), MOST))
    return 0.5 * (x - 1.0 / x)


@kernel(nogil=True)
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


@kernel(nogil=True, error_model="numpy")
def plan_on_leaves(
    statistic: Statistic,
    i: int,
    leaf: Floats,
    kappa: float,
    fade: float,
    discount: float,
    spread: float,
    values: Floats,
    q: Floats,
) -> None:
    """Plan row i with imagined visits of every pair to its leaf: kappa of them, fewer the more is seen.

    A pair of n visits has ``kappa * n ** -fade`` imagined ones. With `fade` 0 this is `plan_row`; above it, a
    pair that was tried once is tried again, and one that is known is not overrated for long.

    Args:
        statistic: What was lived.
        i: Row.
        leaf: float64 ``[O, A]``.
        kappa: Above 0.
        fade: At least 0.
        discount: In [0, 1).
        spread: Of the rewards; values are right to a share of it.
        values: float64 ``[O]``, where sweeps begin, and the result.
        q: float64 ``[O, A]``, result.
    """
    n_seen, n_actions = statistic.n_seen[i], leaf.shape[1]
    pseudo = np.empty(leaf.shape)
    for j in range(n_seen):
        s = statistic.order[i, j]
        for a in range(n_actions):
            visits = max(float(statistic.visits[i, s, a]), 1.0)
            pseudo[s, a] = kappa * exp(-fade * log(visits))
    greedy = np.zeros(n_seen, np.int64)
    for _ in range(MOST_SWEEPS):
        change = 0.0
        for j in range(n_seen - 1, -1, -1):
            s, best = statistic.order[i, j], -math.inf
            for a in range(n_actions):
                k = pseudo[s, a]
                x = pair_value(statistic, i, s, a, k * leaf[s, a], k, math.inf, discount, values)
                q[s, a] = x
                if x > best:
                    best, greedy[j] = x, a
            change = max(change, abs(best - values[s]))
            values[s] = best
        if change < TOLERANCE * spread:
            break
        for _ in range(GREEDY_SWEEPS):
            for j in range(n_seen - 1, -1, -1):
                s, a = statistic.order[i, j], greedy[j]
                k = pseudo[s, a]
                values[s] = pair_value(statistic, i, s, a, k * leaf[s, a], k, math.inf, discount, values)


@kernel(nogil=True)
def best_tried(statistic: Statistic, i: int, s: int, q: Floats) -> int:
    """The tried action of best Q ``[O, A]`` in an id, or -1 where none was tried."""
    best, chosen = -np.inf, -1
    for a in range(q.shape[1]):
        if statistic.visits[i, s, a] > 0 and q[s, a] > best:
            best, chosen = q[s, a], a
    return chosen
