"""Planning on an empirical model whose every (id, action) also has imagined visits that end in a leaf.

The value of a pair is ``(reward sum + extra + discount * sum of count * value) / (visits + pseudo)``, cut at
a ceiling, and the ceiling itself where nothing divides. With ``extra = kappa * leaf`` and ``pseudo = kappa``
these are kappa imagined visits to a leaf (optimistic initial model: I. Szita, A. Lorincz, The many faces of
optimism, ICML 2008); with ``extra = visits * bonus`` and ``pseudo = 0`` a bonus (A. Strehl, M. Littman, An
analysis of model-based interval estimation, 2008); with neither, certainty equivalence.

A sweep backs up all actions of every id seen, newest id first, and a few cheap sweeps of the greedy actions
follow it (modified policy iteration: M. L. Puterman, Markov Decision Processes, 1994, section 6.5). Values
start where the last plan left them.
"""

from __future__ import annotations

import math

import numpy as np

from anymdp_bench.foundation.compiling import kernel
from anymdp_bench.planning.empirical import Floats, Ints, Statistic

GREEDY_SWEEPS = 4
"""Sweeps of the greedy actions alone after each full one."""
SMALLEST_SCALE = 1e-3


@kernel(nogil=True, inline="always", error_model="numpy")
def pair_value(
    statistic: Statistic,
    i: int,
    observation: int,
    action: int,
    extra: float,
    pseudo: float,
    ceiling: float,
    discount: float,
    values: Floats,
) -> float:
    """Value of one pair of row i; `values` is float64 ``[O]``."""
    total = statistic.visits[i, observation, action] + pseudo
    if total == 0.0:
        return ceiling
    begin = statistic.first[i, observation, action]
    follows = 0.0
    for k in range(begin, begin + statistic.degree[i, observation, action]):
        follows += statistic.counts[i, k] * values[statistic.successors[i, k]]
    value = (statistic.reward_sum[i, observation, action] + extra + discount * follows) / total
    return float(min(value, ceiling))


@kernel(nogil=True, error_model="numpy")
def plan_row(
    statistic: Statistic,
    i: int,
    extra: Floats,
    pseudo: float,
    ceiling: float,
    discount: float,
    tolerance: float,
    most_sweeps: int,
    values: Floats,
    q: Floats,
) -> int:
    """Plan row i until no value of an id seen moves by `tolerance` in a full sweep.

    Args:
        statistic: What was lived.
        i: Row.
        extra: float64 ``[O, A]``, added to the sum of each pair's rewards.
        pseudo: Imagined visits of each pair, at least 0.
        ceiling: No value is larger; ``math.inf`` for none if `pseudo` is above 0.
        discount: In [0, 1).
        tolerance: In units of reward, above 0.
        most_sweeps: Full sweeps at most.
        values: float64 ``[O]``, where sweeps begin, and the result; ids never seen keep theirs.
        q: float64 ``[O, A]``, result; ids never seen keep theirs.

    Returns:
        Full sweeps made.
    """
    n_seen, n_actions = statistic.n_seen[i], statistic.visits.shape[2]
    greedy = np.zeros(n_seen, np.int64)
    for sweep in range(most_sweeps):
        change = 0.0
        for j in range(n_seen - 1, -1, -1):
            s = statistic.order[i, j]
            best = -math.inf
            for a in range(n_actions):
                x = pair_value(statistic, i, s, a, extra[s, a], pseudo, ceiling, discount, values)
                q[s, a] = x
                if x > best:
                    best = x
                    greedy[j] = a
            change = max(change, abs(best - values[s]))
            values[s] = best
        if change < tolerance:
            return sweep + 1
        for _ in range(GREEDY_SWEEPS):
            for j in range(n_seen - 1, -1, -1):
                s, a = statistic.order[i, j], greedy[j]
                values[s] = pair_value(statistic, i, s, a, extra[s, a], pseudo, ceiling, discount, values)
    return most_sweeps


@kernel(nogil=True, error_model="numpy")
def plan_leaves(
    statistic: Statistic,
    rows: Ints,
    leaves: Floats,
    kappa: Floats,
    discount: float,
    tolerance: Floats,
    most_sweeps: int,
    values: Floats,
    q: Floats,
) -> None:
    """Plan R rows with kappa imagined visits of every pair to its leaf.

    Args:
        statistic: What was lived, n rows.
        rows: int64 ``[R]``, whose turn it is.
        leaves: float64 ``[R, O, A]``, value of each pair's leaf (discounting included).
        kappa: float64 ``[R]``, above 0.
        discount: In [0, 1).
        tolerance: float64 ``[R]``, in units of reward; see `plan_row`.
        most_sweeps: Full sweeps at most.
        values: float64 ``[n, O]``, where sweeps begin, and the result.
        q: float64 ``[n, O, A]``, result.
    """
    for k in range(len(rows)):
        i = rows[k]
        plan_row(
            statistic,
            i,
            kappa[k] * leaves[k],
            kappa[k],
            math.inf,
            discount,
            tolerance[k],
            most_sweeps,
            values[i],
            q[i],
        )


@kernel(nogil=True, error_model="numpy")
def reward_scale(statistic: Statistic, i: int) -> tuple[float, float, float]:
    """Mean over the pairs tried of their mean reward, its spread, and the deviation within a pair.

    The spread is at least a tenth of the largest mean reward, and at least `SMALLEST_SCALE`; a row that has
    lived nothing answers (0, 1, 0).
    """
    n_actions = statistic.visits.shape[2]
    pairs, mean, square, largest, within, steps = 0, 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(statistic.n_seen[i]):
        s = statistic.order[i, j]
        for a in range(n_actions):
            visits = statistic.visits[i, s, a]
            if visits > 0:
                x = statistic.reward_sum[i, s, a] / visits
                pairs += 1
                mean += x
                square += x * x
                largest = max(largest, abs(x))
                within += statistic.reward_square[i, s, a] - visits * x * x
                steps += visits
    if pairs == 0:
        return 0.0, 1.0, 0.0
    mean /= pairs
    spread = math.sqrt(max(square / pairs - mean * mean, 0.0))
    noise = math.sqrt(max(within / steps, 0.0))
    return mean, max(spread, 0.1 * largest, SMALLEST_SCALE), noise
