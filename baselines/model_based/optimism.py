"""Plans on the counts themselves: optimistic initial model, exploration bonus, and the plan of tests."""

from __future__ import annotations

import math

import numpy as np

from anymdp_bench.kernels import Statistic, kernel, plan_row, reward_scale
from baselines.model_based.history import is_aliased
from baselines.model_based.memory import PLAN, TEST_PLAN, Memory
from baselines.model_based.settings import Rates

PLAIN_VISITS = 0.1
"""Imagined visits of every pair that are worth the average id, in the plain plan."""
TEST_VISITS = 1e-6
"""Imagined visits of every pair that are worth the worst that was seen, in the plan of tests."""
TOLERANCE = 2e-3
"""Change of a value in a sweep at which a plan is done, in units of the rewards' spread."""
MOST_SWEEPS = 30
LEAST_WEIGHT, MOST_WEIGHT = 0.003, 1.0
"""Bounds of the weight of optimism, whatever the length of episodes."""
STEPS, EPISODES, LOWEST, HIGHEST = 0, 1, 4, 5
"""Columns of `Statistic.totals`."""


@kernel(nogil=True, error_model="numpy")
def discount_of(memory: Memory, rates: Rates, i: int) -> float:
    """How far row i looks ahead."""
    return float(rates.aliased_discount if is_aliased(memory.history, i) else rates.discount)


@kernel(nogil=True, error_model="numpy")
def weight_of(statistic: Statistic, i: int, per_step: float) -> float:
    """Weight of optimism in row i, in proportion to the mean length of its episodes so far."""
    length = statistic.totals[i, STEPS] / max(statistic.totals[i, EPISODES], 1.0)
    return float(min(max(per_step * length, LEAST_WEIGHT), MOST_WEIGHT))


@kernel(nogil=True, error_model="numpy")
def best_known_value(memory: Memory, i: int, discount: float) -> float:
    """Highest value of an id seen in a certainty-equivalent plan with a weak average prior; -inf: none."""
    statistic, values = memory.statistic, memory.plain[i]
    mean, spread, _ = reward_scale(statistic, i)
    n_seen = statistic.n_seen[i]
    total = 0.0
    for j in range(n_seen):
        total += values[statistic.order[i, j]]
    average = mean + discount * total / max(n_seen, 1)
    extra = np.full(memory.plain_q.shape[1:], PLAIN_VISITS * average)
    tolerance, q = TOLERANCE * spread, memory.plain_q[i]
    plan_row(statistic, i, extra, PLAIN_VISITS, math.inf, discount, tolerance, MOST_SWEEPS, values, q)
    top = -math.inf
    for j in range(n_seen):
        top = max(top, values[statistic.order[i, j]])
    return top


@kernel(nogil=True, error_model="numpy")
def plan_oim(memory: Memory, rates: Rates, i: int) -> None:
    """Plan row i with kappa imagined visits of every pair to a leaf better than anything that is known."""
    statistic, discount = memory.statistic, discount_of(memory, rates, i)
    spread = reward_scale(statistic, i)[1]
    leaf = best_known_value(memory, i, discount) + rates.reach * spread
    kappa = weight_of(statistic, i, rates.kappa)
    extra = np.full(memory.plain_q.shape[1:], kappa * leaf)
    values, q, tolerance = memory.values[i, PLAN], memory.q[i, PLAN], TOLERANCE * spread
    plan_row(statistic, i, extra, kappa, math.inf, discount, tolerance, MOST_SWEEPS, values, q)


@kernel(nogil=True, error_model="numpy")
def best_reward(statistic: Statistic, i: int) -> float:
    """Highest mean reward of a pair tried, or 0 if that is higher: an episode may also end."""
    top = 0.0
    for j in range(statistic.n_seen[i]):
        s = statistic.order[i, j]
        for a in range(statistic.visits.shape[2]):
            if statistic.visits[i, s, a] > 0:
                top = max(top, statistic.reward_sum[i, s, a] / statistic.visits[i, s, a])
    return top


@kernel(nogil=True, error_model="numpy")
def reward_range(statistic: Statistic, i: int) -> float:
    """Highest less lowest reward seen, 0 included; 1 where all were 0."""
    span = max(statistic.totals[i, HIGHEST], 0.0) - min(statistic.totals[i, LOWEST], 0.0)
    return float(span) if span > 0.0 else 1.0


@kernel(nogil=True, error_model="numpy")
def plan_ucbvi(memory: Memory, rates: Rates, i: int) -> None:
    """Plan row i with a bonus that falls with the root of the visits; what is untried is worth a ceiling."""
    statistic, discount = memory.statistic, discount_of(memory, rates, i)
    span = reward_range(statistic, i)
    ceiling = (best_reward(statistic, i) + rates.reach * span) / (1.0 - discount)
    bonus = weight_of(statistic, i, rates.bonus) * span
    extra = np.zeros(memory.plain_q.shape[1:])
    for j in range(statistic.n_seen[i]):
        s = statistic.order[i, j]
        for a in range(statistic.visits.shape[2]):
            extra[s, a] = bonus * math.sqrt(statistic.visits[i, s, a])
    values, q, tolerance = (
        memory.values[i, PLAN],
        memory.q[i, PLAN],
        TOLERANCE * reward_scale(statistic, i)[1],
    )
    plan_row(statistic, i, extra, 0.0, ceiling, discount, tolerance, MOST_SWEEPS, values, q)


@kernel(nogil=True, error_model="numpy")
def plan_test(memory: Memory, rates: Rates, i: int) -> None:
    """Certainty-equivalent plan of row i; what was never tried is worth the worst reward seen, for ever."""
    statistic, discount = memory.statistic, discount_of(memory, rates, i)
    worst = min(statistic.totals[i, LOWEST], 0.0) / (1.0 - discount)
    extra = np.full(memory.plain_q.shape[1:], TEST_VISITS * worst)
    tolerance = TOLERANCE * reward_scale(statistic, i)[1]
    values, q = memory.values[i, TEST_PLAN], memory.q[i, TEST_PLAN]
    plan_row(statistic, i, extra, TEST_VISITS, math.inf, discount, tolerance, 10 * MOST_SWEEPS, values, q)
