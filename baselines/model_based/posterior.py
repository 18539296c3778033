"""A model drawn from the posterior of a statistic, and the plan on it (PSRL).

Where a pair leads is Dirichlet: `sharpness` times the counts of what followed, termination included, and
`unknown` on one id seen that is drawn anew for every pair. Its mean reward is normal, with a normal prior
around the mean of all pairs whose deviation is `reward_prior` times their spread.

References:
    M. Strens, A Bayesian framework for reinforcement learning (ICML 2000). I. Osband, D. Russo,
    B. Van Roy, (More) efficient reinforcement learning via posterior sampling (NeurIPS 2013). Gamma draws:
    G. Marsaglia, W. W. Tsang, A simple method for generating gamma variables (ACM TOMS 26, 2000).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.kernels import (
    Statistic,
    exp,
    kernel,
    log,
    next_integer,
    next_normal,
    next_unit,
    plan_row,
    reward_scale,
)
from baselines.model_based.memory import PLAN, PLAYING, Memory
from baselines.model_based.optimism import best_reward, discount_of
from baselines.model_based.settings import Rates

TOLERANCE = 1e-2
"""Change of a value in a sweep at which a plan is done, in units of the rewards' spread."""
MOST_SWEEPS = 30
TINY = 1e-300
"""Keeps sums of draws that underflow away from 0."""


@kernel(nogil=True, error_model="numpy")
def next_gamma(state: NDArray[np.uint64], shape: float) -> float:
    """Advance a sequential stream; gamma with the given shape (at least 0) and scale 1."""
    if shape <= 0.0:
        return 0.0
    boost = 1.0
    if shape < 1.0:
        boost = exp(log(next_unit(state)) / shape)
        shape += 1.0
    d = shape - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x = next_normal(state)
        v = 1.0 + c * x
        if v > 0.0:
            v = v * v * v
            if log(next_unit(state)) < 0.5 * x * x + d - d * v + d * log(v):
                return float(boost * d * v)


@kernel(nogil=True, error_model="numpy")
def draw_model(statistic: Statistic, i: int, state: NDArray[np.uint64], rates: Rates) -> Statistic:
    """Draw a model of row i, in the form of a statistic of one row.

    Returns:
        A pair that was drawn has one visit; its `reward_sum` is its mean reward, and its `counts` (float64)
        are probabilities, the unknown mass last. A pair never tried has no visit where there is a ceiling.
    """
    n_actions = statistic.visits.shape[2]
    pairs = statistic.visits.shape[1:]
    room = statistic.degree[i].sum() + pairs[0] * pairs[1]
    model = Statistic(
        visits=np.zeros((1, *pairs), np.int32),
        terminations=np.zeros((1, *pairs), np.int32),
        reward_sum=np.zeros((1, *pairs)),
        reward_square=np.zeros((1, *pairs)),
        tagged=np.zeros((1, *pairs, 0), np.int32),
        first=np.zeros((1, *pairs), np.int32),
        room=np.zeros((1, *pairs), np.int32),
        degree=np.zeros((1, *pairs), np.int32),
        successors=np.zeros((1, room), np.int32),
        counts=np.zeros((1, room)),
        used=np.zeros(1, np.int64),
        order=statistic.order[i : i + 1],
        seen=statistic.seen[i : i + 1],
        n_seen=statistic.n_seen[i : i + 1],
        starts=statistic.starts[i : i + 1],
        totals=statistic.totals[i : i + 1],
    )
    scale = reward_scale(statistic, i)
    for j in range(statistic.n_seen[i]):
        s = statistic.order[i, j]
        for a in range(n_actions):
            if statistic.visits[i, s, a] > 0 or not rates.ceiling:
                model.visits[0, s, a] = 1
                model.reward_sum[0, s, a] = _draw_reward(statistic, i, s, a, state, scale, rates)
                _draw_successors(statistic, i, s, a, state, rates, model)
    return model


@kernel(nogil=True, error_model="numpy")
def _draw_reward(
    statistic: Statistic,
    i: int,
    s: int,
    a: int,
    state: NDArray[np.uint64],
    scale: tuple[float, float, float],
    rates: Rates,
) -> float:
    """Mean reward of a pair; without noise a single visit says it."""
    visits = statistic.visits[i, s, a]
    mean, deviation, noise = scale[0], rates.reward_prior * scale[1], scale[2]
    if visits > 0 and (noise == 0.0 or deviation == 0.0):
        return float(statistic.reward_sum[i, s, a] / visits)
    prior = 1.0 / max(deviation * deviation, TINY)
    likelihood = rates.sharpness / (noise * noise) if visits > 0 else 0.0
    precision = prior + visits * likelihood
    centre = (prior * mean + likelihood * statistic.reward_sum[i, s, a]) / precision
    return float(centre + next_normal(state) / math.sqrt(precision))


@kernel(nogil=True, error_model="numpy")
def _draw_successors(
    statistic: Statistic,
    i: int,
    s: int,
    a: int,
    state: NDArray[np.uint64],
    rates: Rates,
    model: Statistic,
) -> None:
    old, degree, new = statistic.first[i, s, a], statistic.degree[i, s, a], model.used[0]
    model.first[0, s, a], model.degree[0, s, a] = new, degree + 1
    model.used[0] += degree + 1
    model.successors[0, new + degree] = statistic.order[i, next_integer(state, 0, statistic.n_seen[i] - 1)]
    if statistic.visits[i, s, a] == 0:
        model.counts[0, new] = 1.0
        return
    total = next_gamma(state, rates.sharpness * statistic.terminations[i, s, a])
    for k in range(degree):
        model.successors[0, new + k] = statistic.successors[i, old + k]
        model.counts[0, new + k] = next_gamma(state, rates.sharpness * statistic.counts[i, old + k])
        total += model.counts[0, new + k]
    model.counts[0, new + degree] = next_gamma(state, rates.unknown)
    total += model.counts[0, new + degree]
    for k in range(degree + 1):
        model.counts[0, new + k] /= max(total, TINY)


@kernel(nogil=True, error_model="numpy")
def plan_psrl(memory: Memory, rates: Rates, i: int) -> None:
    """Plan row i on a model drawn from the posterior."""
    statistic, discount = memory.statistic, discount_of(memory, rates, i)
    ceiling = best_reward(statistic, i) / (1.0 - discount) if rates.ceiling else math.inf
    model = draw_model(statistic, i, memory.streams[i, PLAYING], rates)
    tolerance = TOLERANCE * reward_scale(statistic, i)[1]
    extra = np.zeros(memory.plain_q.shape[1:])
    values, q = memory.values[i, PLAN], memory.q[i, PLAN]
    plan_row(model, 0, extra, 0.0, ceiling, discount, tolerance, MOST_SWEEPS, values, q)
