"""A model drawn from the posterior of a statistic, and the plan on it (PSRL).

Where a pair leads is Dirichlet: `sharpness` times the counts of what followed, termination included, and
`unknown` on one id seen that is drawn anew for every pair. Its mean reward is normal, with a normal prior around
the mean of all pairs whose deviation is `reward_prior` times their spread.

References:
    M. Strens, A Bayesian framework for reinforcement learning (ICML 2000). I. Osband, D. Russo, B. Van Roy,
    (More) efficient reinforcement learning via posterior sampling (NeurIPS 2013). Gamma draws: G. Marsaglia,
    W. W. Tsang, A simple method for generating gamma variables (ACM TOMS 26, 2000).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from anymdp_bench.kernels import Statistic, exp, log, next_integer, next_normal, next_unit, reward_scale
from baselines.model_based.memory import FloatArray

TOLERANCE = 1e-2
MOST_SWEEPS = 30
GREEDY_SWEEPS = 4
TINY = 1e-300


class Sample(NamedTuple):
    """A model of one row.

    Attributes:
        reward: float64 ``[O, A]``.
        probability: float64 ``[C]``, of each entry of the row's pool of successors.
        elsewhere: int64 ``[O, A]``, where the unknown mass leads.
        unknown: float64 ``[O, A]``, that mass.
    """

    reward: FloatArray
    probability: FloatArray
    elsewhere: NDArray[np.int64]
    unknown: FloatArray


@numba.njit(cache=True, nogil=True, error_model="numpy")
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


@numba.njit(cache=True, nogil=True, error_model="numpy")
def draw_model(
    statistic: Statistic,
    i: int,
    state: NDArray[np.uint64],
    unknown: float,
    sharpness: float,
    reward_prior: float,
) -> Sample:
    """Draw a model of row i; see the module."""
    n_observations, n_actions = statistic.visits.shape[1], statistic.visits.shape[2]
    sample = Sample(
        np.zeros((n_observations, n_actions)),
        np.zeros(statistic.used[i]),
        np.zeros((n_observations, n_actions), np.int64),
        np.zeros((n_observations, n_actions)),
    )
    mean, spread, noise = reward_scale(statistic, i)
    for j in range(statistic.n_seen[i]):
        s = statistic.order[i, j]
        for a in range(n_actions):
            _draw_reward(statistic, i, s, a, state, mean, reward_prior * spread, noise, sharpness, sample)
            _draw_successors(statistic, i, s, a, state, unknown, sharpness, sample)
    return sample


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _draw_reward(
    statistic: Statistic,
    i: int,
    s: int,
    a: int,
    state: NDArray[np.uint64],
    mean: float,
    deviation: float,
    noise: float,
    sharpness: float,
    sample: Sample,
) -> None:
    visits = statistic.visits[i, s, a]
    if visits > 0 and (noise == 0.0 or deviation == 0.0):
        sample.reward[s, a] = statistic.reward_sum[i, s, a] / visits
        return
    prior = 1.0 / max(deviation * deviation, TINY)
    likelihood = sharpness / max(noise * noise, TINY) if visits > 0 else 0.0
    precision = prior + visits * likelihood
    centre = (prior * mean + likelihood * statistic.reward_sum[i, s, a]) / precision
    sample.reward[s, a] = centre + next_normal(state) / math.sqrt(precision)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _draw_successors(
    statistic: Statistic,
    i: int,
    s: int,
    a: int,
    state: NDArray[np.uint64],
    unknown: float,
    sharpness: float,
    sample: Sample,
) -> None:
    begin, degree = statistic.first[i, s, a], statistic.degree[i, s, a]
    sample.elsewhere[s, a] = statistic.order[i, next_integer(state, 0, statistic.n_seen[i] - 1)]
    if statistic.visits[i, s, a] == 0:
        sample.unknown[s, a] = 1.0
        return
    elsewhere = next_gamma(state, unknown)
    total = elsewhere + next_gamma(state, sharpness * statistic.terminations[i, s, a])
    for k in range(begin, begin + degree):
        sample.probability[k] = next_gamma(state, sharpness * statistic.counts[i, k])
        total += sample.probability[k]
    sample.unknown[s, a] = elsewhere / max(total, TINY)
    for k in range(begin, begin + degree):
        sample.probability[k] /= max(total, TINY)


@numba.njit(cache=True, nogil=True, inline="always", error_model="numpy")
def _pair_value(
    statistic: Statistic,
    i: int,
    s: int,
    a: int,
    sample: Sample,
    ceiling: float,
    discount: float,
    values: FloatArray,
) -> float:
    if statistic.visits[i, s, a] == 0 and ceiling < math.inf:
        return ceiling
    begin = statistic.first[i, s, a]
    follows = sample.unknown[s, a] * values[sample.elsewhere[s, a]]
    for k in range(begin, begin + statistic.degree[i, s, a]):
        follows += sample.probability[k] * values[statistic.successors[i, k]]
    return float(sample.reward[s, a] + discount * follows)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def plan_sample(
    statistic: Statistic,
    i: int,
    state: NDArray[np.uint64],
    unknown: float,
    sharpness: float,
    reward_prior: float,
    ceiling: float,
    discount: float,
    values: FloatArray,
    q: FloatArray,
) -> None:
    """Draw a model of row i and plan on it; pairs never tried are worth `ceiling`, if it is finite.

    Args:
        statistic: What was lived.
        i: Row.
        state: uint64 ``[1]``, random stream.
        unknown: Dirichlet weight of what was never seen to follow.
        sharpness: What a count is worth.
        reward_prior: Deviation of the rewards' prior in units of their spread.
        ceiling: In units of return; ``math.inf``: none.
        discount: In [0, 1).
        values: float64 ``[O]``, where sweeps begin, and the result.
        q: float64 ``[O, A]``, result.
    """
    if statistic.n_seen[i] == 0:
        return
    sample = draw_model(statistic, i, state, unknown, sharpness, reward_prior)
    tolerance = TOLERANCE * reward_scale(statistic, i)[1]
    n_actions = q.shape[1]
    greedy = np.zeros(statistic.n_seen[i], np.int64)
    for _ in range(MOST_SWEEPS):
        change = 0.0
        for j in range(statistic.n_seen[i] - 1, -1, -1):
            s = statistic.order[i, j]
            best = -math.inf
            for a in range(n_actions):
                x = _pair_value(statistic, i, s, a, sample, ceiling, discount, values)
                q[s, a] = x
                if x > best:
                    best = x
                    greedy[j] = a
            change = max(change, abs(best - values[s]))
            values[s] = best
        if change < tolerance:
            return
        for _ in range(GREEDY_SWEEPS):
            for j in range(statistic.n_seen[i] - 1, -1, -1):
                s = statistic.order[i, j]
                values[s] = _pair_value(statistic, i, s, greedy[j], sample, ceiling, discount, values)
