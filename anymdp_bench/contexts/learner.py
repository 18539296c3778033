"""A tabular Q learner that is stopped when it is half trained.

Watkins' Q-learning on inner states, discount 0.99, step size ``n ** -0.6`` for the n-th visit of a
(state, action), constant-epsilon exploration, ties broken at random. It learns from the received rewards;
its training is a function of (task, seed) alone.

References:
    C. Watkins, P. Dayan, Q-learning (1992). Step size: E. Even-Dar, Y. Mansour, Learning Rates for
    Q-learning (2003), polynomial with exponent between 1/2 and 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from anymdp_bench.foundation import exact
from anymdp_bench.foundation.compiling import kernel
from anymdp_bench.foundation.seeding import (
    AGENT_STREAM,
    NOISE_BITS,
    WEIGHT_TOTAL,
    next_bits,
    noise_offset,
    outcome_bits,
    stream_keys,
)
from anymdp_bench.foundation.types import IntArray
from anymdp_bench.planning import greedy
from anymdp_bench.planning.kernels import Floats, Ints, Successors
from anymdp_bench.tasks.task import TabularTask

DISCOUNT = 0.99
EXPONENT = 0.6


class World(NamedTuple):
    """What the learner lives in: the arrays of a tabular task.

    Attributes:
        row_start, successor, weight: As in `TabularTask`.
        reward, noise: float64 ``[K]``, mean and standard deviation of each outcome's received reward.
        initial_weight: int64 ``[S]``.
        terminal: bool ``[S]``.
    """

    row_start: Ints
    successor: Successors
    weight: Ints
    reward: Floats
    noise: Floats
    initial_weight: Ints
    terminal: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


@kernel()
def _pick(weight: Ints, u: np.uint64) -> int:
    """Index of the first weight whose cumulative sum exceeds u."""
    total = weight[0]
    k = 0
    while total <= np.int64(u):
        k += 1
        total += weight[k]
    return k


@kernel()
def below(bits: np.uint64, n: int) -> int:
    """Integer in 0..n-1 from the lower 34 bits of a draw; `outcome_bits` uses the others."""
    lower = bits & np.uint64((1 << NOISE_BITS) - 1)
    return int(np.int64((lower * np.uint64(n)) >> np.uint64(NOISE_BITS)))


@kernel()
def _choose(q: Floats, epsilon: float, bits: np.uint64) -> int:
    """Epsilon-greedy action; equal values are chosen among at random."""
    n_actions = len(q)
    if np.float64(np.int64(outcome_bits(bits))) < epsilon * WEIGHT_TOTAL:
        return below(bits, n_actions)
    best = q.max()
    ties = 0
    for a in range(n_actions):
        ties += q[a] == best
    skip = below(bits, ties)
    for a in range(n_actions):
        if q[a] == best:
            if skip == 0:
                return a
            skip -= 1
    return 0


@kernel(nogil=True)
def learn(
    world: World,
    horizon: int,
    epsilon: float,
    n_episodes: int,
    stream: np.ndarray[tuple[int, ...], np.dtype[np.uint64]],
    visits: Ints,
    q: Floats,
) -> None:
    """Live some more episodes; `stream` (one counter), `visits` and `q` (``[S, A]``) go on."""
    n_actions = q.shape[1]
    for _ in range(n_episodes):
        state = _pick(world.initial_weight, outcome_bits(next_bits(stream)))
        for _ in range(horizon):
            action = _choose(q[state], epsilon, next_bits(stream))
            row = state * n_actions + action
            low, high = world.row_start[row], world.row_start[row + 1]
            bits = next_bits(stream)
            k = low + _pick(world.weight[low:high], outcome_bits(bits))
            reward = world.reward[k] + world.noise[k] * exact.normal_quantile(noise_offset(bits) + 0.5)
            after = world.successor[k]
            visits[state, action] += 1
            step_size = exact.exp(-EXPONENT * exact.log(np.float64(visits[state, action])))
            future = 0.0 if world.terminal[after] else q[after].max()
            q[state, action] += step_size * (reward + DISCOUNT * future - q[state, action])
            if world.terminal[after]:
                break
            state = after


class QLearner:
    """A learner at work on one task of single moves.

    Args:
        task: Where it lives.
        epsilon: Share of random actions.
        seed: In [0, 2**64).
    """

    def __init__(self, task: TabularTask, epsilon: float, seed: int) -> None:
        """Know nothing yet."""
        self._world = World(
            task.row_start,
            task.successor,
            task.weight,
            task.outcome_reward,
            task.outcome_noise,
            task.initial_weight,
            task.terminal,
        )
        self._horizon, self._epsilon = task.horizon, epsilon
        self._stream = stream_keys([seed], AGENT_STREAM)
        self._q = np.zeros((task.n_states, task.n_actions))
        self._visits = np.zeros(self._q.shape, dtype=np.int64)
        self.n_episodes = 0

    def live(self, n_episodes: int) -> None:
        """Learn for some more episodes."""
        learn(self._world, self._horizon, self._epsilon, n_episodes, self._stream, self._visits, self._q)
        self.n_episodes += n_episodes

    def actions(self) -> IntArray:
        """Greedy actions, int64 ``[S]``."""
        return greedy(self._q)
