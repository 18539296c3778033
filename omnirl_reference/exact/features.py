"""What the network is told of a context: counts, and the plans of five fixed planners on them (numba).

Everything is a function of the exact statistic and of the last plans, which the next ones start from. Ids
stand in the order in which they were first seen, and ids never seen are left out; renaming states or actions
renames the features. Rewards enter in units of their spread, relative to their mean.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.kernels import Statistic, exp, kernel, log, plan_row, reward_scale

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]

DISCOUNT, PSEUDO, BONUS, LEAST_VISITS, OPTIMISTIC = range(5)
PLANNERS = np.array(
    [
        [0.994, 0.1, 0.0, 1.0, 0.0],
        [0.9, 0.1, 0.0, 1.0, 0.0],
        [0.99, 0.1, 0.3, 0.001, 0.0],
        [0.99, 0.1, -0.3, 0.25, 0.0],
        [0.994, 0.03, 0.0, 1.0, 1.0],
    ]
)
"""Discount, imagined visits, bonus in reward spreads at one visit, least visits in the bonus, 1 for imagined
visits that end above every known value and 0 for average ones. The first planner is certainty-equivalent."""
N_PLANNERS = len(PLANNERS)
CERTAIN, SHORT_SIGHTED, OPTIMIST = 0, 1, N_PLANNERS - 1
LEAF_SPREADS = 10.0
"""How far the optimist's leaf lies above the highest known value."""
TOLERANCE, MOST_SWEEPS = 2e-3, 40
N_TAGS = 8
TRUSTED_TAGS = 4
"""Tags of oracles; the others say nothing that the counts do not."""
N_COUNTS = 8
"""Features of a pair before its tags."""
FIRST_ADVANTAGE = N_COUNTS + 2 * TRUSTED_TAGS
PAIR_FEATURES = FIRST_ADVANTAGE + 2 * N_PLANNERS + 1
FIRST_VALUE = 4
STATE_FEATURES = FIRST_VALUE + N_PLANNERS
TASK_FEATURES = 12
LOWEST_ADVANTAGE = -8.0
SMALL = 1e-6


class Plans(NamedTuple):
    """Plans of the fixed planners of n rows; the next ones start from them.

    Attributes:
        values: float64 ``[n, M, O]``.
        q: float64 ``[n, M, O, A]``.
    """

    values: Floats
    q: Floats


def new_plans(n: int, n_observations: int, n_actions: int) -> Plans:
    """Plans of rows that have lived nothing."""
    shape = n, N_PLANNERS, n_observations
    return Plans(np.zeros(shape), np.zeros((*shape, n_actions)))


@kernel(nogil=True, error_model="numpy")
def plan_fixed(statistic: Statistic, i: int, plans: Plans, extra: Floats) -> tuple[float, float, float]:
    """Plan row i with every fixed planner; `extra` is room for float64 ``[O, A]``.

    Returns:
        Mean, spread and noise of the rewards, as `reward_scale` has them.
    """
    center, spread, noise = reward_scale(statistic, i)
    n_actions = statistic.visits.shape[2]
    for m in range(N_PLANNERS):
        planner, values = PLANNERS[m], plans.values[i, m]
        pseudo, least = planner[PSEUDO], planner[LEAST_VISITS]
        mean, highest = 0.0, -math.inf
        for j in range(statistic.n_seen[i]):
            s = statistic.order[i, j]
            mean += values[s]
            highest = max(highest, plans.values[i, CERTAIN, s])
        leaf = center + planner[DISCOUNT] * mean / max(statistic.n_seen[i], 1)
        if planner[OPTIMISTIC] > 0.0:
            leaf = highest + LEAF_SPREADS * spread
        for j in range(statistic.n_seen[i]):
            s = statistic.order[i, j]
            for a in range(n_actions):
                visits = float(statistic.visits[i, s, a])
                bonus = planner[BONUS] * spread / math.sqrt(max(visits, least))
                extra[s, a] = pseudo * leaf + (visits + pseudo) * bonus
        plan_row(
            statistic,
            i,
            extra,
            pseudo,
            math.inf,
            planner[DISCOUNT],
            TOLERANCE * spread,
            MOST_SWEEPS,
            values,
            plans.q[i, m],
        )
    return center, spread, noise


@kernel(nogil=True, error_model="numpy", inline="always")
def _clip(x: float, low: float, high: float) -> float:
    return min(max(x, low), high)


@kernel(nogil=True, error_model="numpy")
def mean_gap(statistic: Statistic, i: int, q: Floats) -> float:
    """Mean over the ids seen of best value minus the mean of the others; `q` is float64 ``[O, A]``."""
    n_actions = q.shape[1]
    gap = 0.0
    for j in range(statistic.n_seen[i]):
        row = q[statistic.order[i, j]]
        gap += row.max() - row.mean()
    return float(gap / max(statistic.n_seen[i], 1) * n_actions / max(n_actions - 1, 1))


@kernel(nogil=True, error_model="numpy")
def _count_features(
    statistic: Statistic, i: int, s: int, a: int, center: float, spread: float, out: Singles
) -> None:
    visits = float(statistic.visits[i, s, a])
    out[:FIRST_ADVANTAGE] = 0.0
    out[1] = 1.0 / math.sqrt(visits + 0.1)
    if visits == 0.0:
        return
    mean = statistic.reward_sum[i, s, a] / visits
    variance = max(statistic.reward_square[i, s, a] / visits - mean * mean, 0.0)
    square, stays = 0.0, 0.0
    begin = statistic.first[i, s, a]
    for k in range(begin, begin + statistic.degree[i, s, a]):
        share = statistic.counts[i, k] / visits
        square += share * share
        if statistic.successors[i, k] == s:
            stays = share
    out[0] = log(1.0 + visits) / 3
    out[2] = 1.0
    out[3] = _clip((mean - center) / spread, -4.0, 4.0) / 2
    out[4] = min(math.sqrt(variance) / spread, 3.0)
    out[5] = statistic.terminations[i, s, a] / (visits + 0.5)
    out[6] = 1.0 - square
    out[7] = stays
    for tag in range(TRUSTED_TAGS):
        count = float(statistic.tagged[i, s, a, tag])
        if count > 0.0:
            total = 0.3
            for b in range(statistic.visits.shape[2]):
                total += statistic.tagged[i, s, b, tag]
            out[N_COUNTS + tag] = log(1.0 + count) / 2
            out[N_COUNTS + TRUSTED_TAGS + tag] = count / total


@kernel(nogil=True, error_model="numpy")
def _pair_features(
    statistic: Statistic, i: int, plans: Plans, center: float, spread: float, pairs: Singles
) -> float:
    """Write the features of all pairs; return the first planner's mean gap."""
    n_actions = statistic.visits.shape[2]
    gap = 0.0
    for j in range(statistic.n_seen[i]):
        s = statistic.order[i, j]
        for a in range(n_actions):
            _count_features(statistic, i, s, a, center, spread, pairs[j, a])
            pairs[j, a, PAIR_FEATURES - 1] = 1.0 / n_actions
    for m in range(N_PLANNERS - 1, -1, -1):
        q = plans.q[i, m]
        gap = mean_gap(statistic, i, q)
        for j in range(statistic.n_seen[i]):
            s = statistic.order[i, j]
            best = q[s].max()
            for a in range(n_actions):
                advantage = max((q[s, a] - best) / (gap + SMALL), LOWEST_ADVANTAGE)
                pairs[j, a, FIRST_ADVANTAGE + m] = advantage / 3
                pairs[j, a, FIRST_ADVANTAGE + N_PLANNERS + m] = exp(3 * advantage)
    return gap


@kernel(nogil=True, error_model="numpy")
def _state_features(statistic: Statistic, i: int, plans: Plans, states: Singles) -> float:
    """Write the features of all states; return the standard deviation of the first planner's values."""
    n, n_actions = statistic.n_seen[i], statistic.visits.shape[2]
    episodes = max(statistic.totals[i, 1], 1.0)
    for j in range(n):
        s = statistic.order[i, j]
        visits, tried = 0.0, 0
        for a in range(n_actions):
            visits += statistic.visits[i, s, a]
            tried += statistic.visits[i, s, a] > 0
        states[j, 0] = 1.0
        states[j, 1] = log(1.0 + visits) / 4
        states[j, 2] = statistic.starts[i, s] / episodes
        states[j, 3] = tried / n_actions
    deviation = 0.0
    for m in range(N_PLANNERS - 1, -1, -1):
        values = plans.values[i, m]
        mean, square = 0.0, 0.0
        for j in range(n):
            mean += values[statistic.order[i, j]]
        mean /= max(n, 1)
        for j in range(n):
            square += (values[statistic.order[i, j]] - mean) ** 2
        deviation = math.sqrt(square / max(n, 1)) + SMALL
        for j in range(n):
            states[j, FIRST_VALUE + m] = (
                _clip((values[statistic.order[i, j]] - mean) / deviation, -3.0, 3.0) / 2
            )
    return deviation


@kernel(nogil=True, error_model="numpy")
def write_features(
    statistic: Statistic,
    i: int,
    plans: Plans,
    extra: Floats,
    pairs: Singles,
    states: Singles,
    task: Singles,
    scale: Floats,
) -> None:
    """Plan row i and write its features, ids in the order in which they were seen.

    Args:
        statistic: What was lived.
        i: Row.
        plans: Start and result of the fixed planners.
        extra: Room for float64 ``[O, A]``.
        pairs: float32 ``[O, A, PAIR_FEATURES]``; the first ``n_seen`` entries are written.
        states: float32 ``[O, STATE_FEATURES]``, likewise.
        task: float32 ``[TASK_FEATURES]``.
        scale: float64 ``[3]``, written: mean, spread and noise of the rewards.
    """
    center, spread, noise = plan_fixed(statistic, i, plans, extra)
    scale[0], scale[1], scale[2] = center, spread, noise
    gap = _pair_features(statistic, i, plans, center, spread, pairs)
    deviation = _state_features(statistic, i, plans, states)
    n_actions = statistic.visits.shape[2]
    steps, episodes = statistic.totals[i, 0], max(statistic.totals[i, 1], 1.0)
    tried, ended, above = 0, 0.0, 0.0
    n = max(statistic.n_seen[i], 1)
    for j in range(statistic.n_seen[i]):
        s = statistic.order[i, j]
        above += (plans.values[i, OPTIMIST, s] - plans.values[i, CERTAIN, s]) / n
        for a in range(n_actions):
            tried += statistic.visits[i, s, a] > 0
            ended += statistic.terminations[i, s, a]
    task[0] = log(1.0 + steps) / 5
    task[1] = log(1.0 + episodes) / 4
    task[2] = log(float(n)) / 4
    task[3] = tried / (n * n_actions)
    task[4] = log(1.0 + max(above, 0.0) / spread) / 4
    task[5] = log(float(n_actions)) / 2
    task[6] = _clip(center / spread, -3.0, 3.0)
    task[7] = min(noise / spread, 3.0)
    task[8] = ended / episodes
    task[9] = log(1.0 + steps / episodes) / 4
    task[10] = min(gap / (deviation + SMALL) / 2, 5.0)
    task[11] = log(1.0 + deviation / spread) / 4
