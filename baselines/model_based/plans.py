"""The three plans: optimistic initial model, exploration bonus, posterior sample; and the plain one."""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np

from anymdp_bench.kernels import Statistic, plan_row, reward_scale
from baselines.model_based.history import is_aliased
from baselines.model_based.memory import FloatArray, Memory
from baselines.model_based.posterior import plan_sample

OIM, UCBVI, PSRL = range(3)
PLAIN_VISITS = 0.1
"""Imagined visits of every pair that are worth the average, in the plain plan."""
TOLERANCE = 2e-3
"""Change of a value in a sweep at which a plan is done, in units of the rewards' spread."""
MOST_SWEEPS = 30
DEVIATIONS, SHARE = 4.0, 0.05
"""Evidence against Markov ids that shortens the sight."""
STEPS, LOWEST, HIGHEST = 0, 4, 5


class Rates(NamedTuple):
    """Settings of all agents; see `agents`."""

    kind: int
    discount: float
    aliased_discount: float
    growth: float
    kappa: float
    reach: float
    bonus: float
    unknown: float
    sharpness: float
    reward_prior: float
    every: int
    optimistic: bool


@numba.njit(cache=True, nogil=True, error_model="numpy")
def discount_of(memory: Memory, rates: Rates, i: int) -> float:
    """How far row i looks ahead."""
    if is_aliased(memory.history, i, DEVIATIONS, SHARE):
        return rates.aliased_discount
    return rates.discount


@numba.njit(cache=True, nogil=True, error_model="numpy")
def plan_plain(memory: Memory, i: int, discount: float, spread: float, mean: float) -> float:
    """Certainty-equivalent plan with a weak average prior; return the highest value of an id seen."""
    statistic, values = memory.statistic, memory.plain[i]
    n_seen = statistic.n_seen[i]
    total = 0.0
    for j in range(n_seen):
        total += values[statistic.order[i, j]]
    extra = np.full(memory.q.shape[1:], PLAIN_VISITS * (mean + discount * total / max(n_seen, 1)))
    tolerance = TOLERANCE * spread
    plan_row(
        statistic,
        i,
        extra,
        PLAIN_VISITS,
        math.inf,
        discount,
        tolerance,
        MOST_SWEEPS,
        values,
        memory.plain_q[i],
    )
    top = -math.inf
    for j in range(n_seen):
        top = max(top, values[statistic.order[i, j]])
    return top


@numba.njit(cache=True, nogil=True, error_model="numpy")
def plan_oim(memory: Memory, rates: Rates, i: int) -> None:
    """Optimistic initial model: kappa imagined visits to a leaf better than anything that is known."""
    discount = discount_of(memory, rates, i)
    mean, spread, _ = reward_scale(memory.statistic, i)
    top = plan_plain(memory, i, discount, spread, mean)
    extra = np.full(memory.q.shape[1:], rates.kappa * (top + rates.reach * spread))
    plan_row(
        memory.statistic,
        i,
        extra,
        rates.kappa,
        math.inf,
        discount,
        TOLERANCE * spread,
        MOST_SWEEPS,
        memory.values[i],
        memory.q[i],
    )


@numba.njit(cache=True, nogil=True, error_model="numpy")
def best_mean(statistic: Statistic, i: int) -> float:
    """Highest mean reward of a pair tried, or 0 if that is higher: an episode may also end."""
    top = 0.0
    for j in range(statistic.n_seen[i]):
        s = statistic.order[i, j]
        for a in range(statistic.visits.shape[2]):
            if statistic.visits[i, s, a] > 0:
                top = max(top, statistic.reward_sum[i, s, a] / statistic.visits[i, s, a])
    return top


@numba.njit(cache=True, nogil=True, error_model="numpy")
def plan_ucbvi(memory: Memory, rates: Rates, i: int) -> None:
    """Bonus on rewards that falls with the root of the visits; what was never tried is worth the ceiling."""
    statistic = memory.statistic
    discount = discount_of(memory, rates, i)
    _, spread, _ = reward_scale(statistic, i)
    span = max(statistic.totals[i, HIGHEST], 0.0) - min(statistic.totals[i, LOWEST], 0.0)
    if span <= 0.0:
        span = 1.0
    ceiling = (best_mean(statistic, i) + rates.reach * span) / (1.0 - discount)
    extra = np.zeros(memory.q.shape[1:])
    for j in range(statistic.n_seen[i]):
        s = statistic.order[i, j]
        for a in range(extra.shape[1]):
            extra[s, a] = rates.bonus * span * math.sqrt(statistic.visits[i, s, a])
    plan_row(
        statistic,
        i,
        extra,
        0.0,
        ceiling,
        discount,
        TOLERANCE * spread,
        MOST_SWEEPS,
        memory.values[i],
        memory.q[i],
    )


@numba.njit(cache=True, nogil=True, error_model="numpy")
def plan_psrl(memory: Memory, rates: Rates, i: int) -> None:
    """Plan on a model drawn from the posterior."""
    discount = discount_of(memory, rates, i)
    ceiling = math.inf
    if rates.optimistic:
        ceiling = best_mean(memory.statistic, i) / (1.0 - discount)
    plan_sample(
        memory.statistic,
        i,
        memory.streams[i],
        rates.unknown,
        rates.sharpness,
        rates.reward_prior,
        ceiling,
        discount,
        memory.values[i],
        memory.q[i],
    )


@numba.njit(cache=True, nogil=True, error_model="numpy")
def plan(memory: Memory, rates: Rates, i: int) -> None:
    """Plan row i anew, and say when it is due again."""
    if rates.kind == OIM:
        plan_oim(memory, rates, i)
    elif rates.kind == UCBVI:
        plan_ucbvi(memory, rates, i)
    else:
        plan_psrl(memory, rates, i)
    steps = memory.statistic.totals[i, STEPS]
    memory.due[i] = np.int64(steps) + max(rates.every, np.int64(rates.growth * steps))
