"""Tabular learners that act as behaviour policies in the training stream (numba).

They follow the description of the paper's behaviours, not its code: a Q learner with optimistic start and
softmax actions, and an optimistic model-based learner that plans at the end of every episode.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.kernels import exp, kernel, next_unit

Floats = NDArray[np.float64]
Stream = NDArray[np.uint64]

PRIOR_COUNT = 0.01
MODEL_SWEEPS = 1
Q_DISCOUNT = 0.99
Q_STEP = 0.5
Q_SHARPNESS = 3.0
"""Standardised Q values are multiplied by this before the softmax."""
BONUS = 0.005
LEAST_SPREAD = 0.01


class Learners(NamedTuple):
    """Tables of both learners; n inner states, A actions.

    Attributes:
        q: Q learner, ``[n, A]``.
        visits: Visits of each (s, a), ``[n, A]``.
        counts: Transitions seen, ``[n, A, n]``.
        reward: Mean reward seen, ``[n, A]``.
        model_q: Action values planned on the model, ``[n, A]``.
        spread: ``[3]``: number, mean and sum of squares of the rewards seen.
    """

    q: Floats
    visits: Floats
    counts: Floats
    reward: Floats
    model_q: Floats
    spread: Floats


@kernel()
def new_learners(n: int, n_actions: int) -> Learners:
    """Learners that know nothing."""
    return Learners(
        np.full((n, n_actions), 1.0 / (1.0 - Q_DISCOUNT)),
        np.zeros((n, n_actions)),
        np.zeros((n, n_actions, n)),
        np.zeros((n, n_actions)),
        np.zeros((n, n_actions)),
        np.zeros(3),
    )


@kernel()
def learn(learners: Learners, s: int, a: int, reward: float, t: int, ended: bool) -> None:
    """Take in one transition."""
    learners.visits[s, a] += 1.0
    count = learners.visits[s, a]
    learners.counts[s, a, t] += 1.0
    learners.reward[s, a] += (reward - learners.reward[s, a]) / count
    learners.spread[0] += 1.0
    change = reward - learners.spread[1]
    learners.spread[1] += change / learners.spread[0]
    learners.spread[2] += change * (reward - learners.spread[1])
    future = 0.0 if ended else learners.q[t].max()
    step = max(Q_STEP / math.sqrt(count), 0.05)
    learners.q[s, a] += step * (reward + Q_DISCOUNT * future - learners.q[s, a])


@kernel()
def plan_on_model(learners: Learners, terminal: NDArray[np.bool_]) -> None:
    """One sweep of value iteration on the learnt model, at the end of an episode."""
    n, n_actions = learners.q.shape
    value = np.empty(n)
    for t in range(n):
        value[t] = 0.0 if terminal[t] else learners.model_q[t].max()
    for _ in range(MODEL_SWEEPS):
        for s in range(n):
            for a in range(n_actions):
                total, chance = 0.0, PRIOR_COUNT * n
                for t in range(n):
                    weight = learners.counts[s, a, t] + PRIOR_COUNT
                    total += weight * value[t]
                    chance += learners.counts[s, a, t]
                learners.model_q[s, a] = learners.reward[s, a] + Q_DISCOUNT * total / chance


@kernel()
def act_by_q(stream: Stream, learners: Learners, s: int) -> int:
    """Softmax over the standardised Q values of a state."""
    row = learners.q[s]
    mean, spread = row.mean(), row.std()
    chances = np.empty(len(row))
    total = 0.0
    for a in range(len(row)):
        chances[a] = exp(Q_SHARPNESS * (row[a] - mean) / (spread + 1e-9))
        total += chances[a]
    return pick(stream, chances, total)


@kernel()
def pick(stream: Stream, chances: Floats, total: float) -> int:
    """Index drawn with probability ``chances / total``."""
    left = next_unit(stream) * total
    for a in range(len(chances) - 1):
        left -= chances[a]
        if left < 0.0:
            return a
    return len(chances) - 1


@kernel()
def act_by_model(stream: Stream, learners: Learners, s: int) -> int:
    """Greedy on the planned values plus a random bonus that shrinks with the visits."""
    spread = math.sqrt(learners.spread[2] / max(learners.spread[0], 1.0))
    scale = BONUS / (1.0 - Q_DISCOUNT) * max(spread, LEAST_SPREAD)
    best, chosen = -np.inf, 0
    for a in range(learners.q.shape[1]):
        bonus = next_unit(stream) * scale / math.sqrt(learners.visits[s, a] + PRIOR_COUNT)
        value = learners.model_q[s, a] + bonus
        if value > best:
            best, chosen = value, a
    return chosen
