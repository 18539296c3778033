"""References of Discrete-Pendulum, which has no tables: rollouts, a search for policies, a fine grid.

Everything counts the raw reward over one horizon, as the score does. Starts are those of the environment:
episode e of a seed begins alike here and there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.foundation.compiling import kernel
from anymdp_bench.foundation.seeding import (
    AGENT_STREAM,
    ENV_STREAM,
    draw,
    next_bits,
    next_integer,
    next_unit,
    stream_key,
)
from anymdp_bench.foundation.types import FloatArray, IntArray
from anymdp_bench.worlds.pendulum.task import (
    FIXED_START,
    MAX_SPEED,
    TWO_PI,
    PendulumTask,
    draw_start,
    observe,
    swing,
)

Stream = NDArray[np.uint64]

POPULATION, ELITE = 500, 50
ROUNDS = 60
"""Rounds of the cross-entropy search; its distribution has settled after about 40."""
KEPT_SHARE = 0.5
"""Share of the old distribution that survives a round."""
SEARCH_STARTS = 32
"""Episodes of a candidate; all candidates of a round share their starts, and every round has new ones."""
RESTARTS = 2
"""Searches, of which the better is refined: for g = 9.8 they end between -380 and -430."""
MUTATIONS = 500
MOST_MUTATED = 4
SCREEN_STARTS, CONFIRM_STARTS = 128, 2048
SCREEN_MARGIN = 10.0
"""A mutant that is worse than this over the first starts is not played on."""
START_SPEEDS = 200
"""Midpoints over which a value is averaged across the uniform start speeds -1..1."""


class Dynamics(NamedTuple):
    """What the kernels need of a pendulum."""

    torques: FloatArray
    g: float
    angle_bins: int
    speed_bins: int
    horizon: int
    fixed_start: bool


def dynamics_of(task: PendulumTask) -> Dynamics:
    """Constants of a task; its received reward does not enter."""
    fixed = task.start == "fixed"
    return Dynamics(task.torque_values, task.g, task.angle_bins, task.speed_bins, task.horizon, fixed)


@kernel(nogil=True)
def draw_starts(seed: np.uint64, n: int) -> FloatArray:
    """Starts (angle, speed) of the first `n` episodes of an environment's seed, float64 ``[n, 2]``."""
    key = stream_key(seed, ENV_STREAM)
    starts = np.empty((n, 2))
    for episode in range(n):
        starts[episode] = draw_start(draw(key, np.uint64(episode)))
    return starts


@kernel(nogil=True)
def starts_of(seed: np.uint64, n: int, dynamics: Dynamics) -> FloatArray:
    """Starts (angle, speed) that a mean is taken over: the one fixed start, else `n` random ones."""
    if dynamics.fixed_start:
        return np.array([[FIXED_START[0], FIXED_START[1]]])
    return draw_starts(seed, n)


@kernel(nogil=True)
def policy_returns(policy: IntArray, starts: FloatArray, dynamics: Dynamics) -> FloatArray:
    """Raw return of a deterministic policy int64 ``[O]`` from each start, float64 ``[n]``.

    All episodes advance together, so that the processor overlaps their long chains of operations.
    """
    angles, speeds = starts[:, 0].copy(), starts[:, 1].copy()
    returns = np.zeros(len(starts))
    for _ in range(dynamics.horizon):
        for i in range(len(returns)):
            seen = observe(angles[i], speeds[i], dynamics.angle_bins, dynamics.speed_bins)
            torque = dynamics.torques[policy[seen]]
            angles[i], speeds[i], reward = swing(angles[i], speeds[i], torque, dynamics.g)
            returns[i] += reward
    return returns


@kernel(nogil=True)
def uniform_returns(seed: np.uint64, starts: FloatArray, dynamics: Dynamics) -> FloatArray:
    """Raw return of uniform random torques from each start, float64 ``[n]``."""
    stream = np.array([stream_key(seed, AGENT_STREAM)])
    returns = np.zeros(len(starts))
    for i in range(len(returns)):
        angle, speed = starts[i]
        for _ in range(dynamics.horizon):
            torque = dynamics.torques[next_integer(stream, 0, len(dynamics.torques) - 1)]
            angle, speed, reward = swing(angle, speed, torque, dynamics.g)
            returns[i] += reward
    return returns


@kernel(nogil=True)
def cross_entropy_search(stream: Stream, rounds: int, dynamics: Dynamics) -> IntArray:
    """Search a deterministic policy int64 ``[O]`` by the cross-entropy method.

    Every observation has a distribution over actions of its own, at first uniform. A round draws
    policies from it, plays them, and moves it towards the frequencies among the best ones.

    References:
        R. Rubinstein, The cross-entropy method for combinatorial and continuous optimization (1999).
    """
    n_observations, n_actions = dynamics.angle_bins * dynamics.speed_bins, len(dynamics.torques)
    chance = np.full((n_observations, n_actions), 1.0 / n_actions)
    drawn = np.empty((POPULATION, n_observations), dtype=np.int64)
    values = np.empty(POPULATION)
    for _ in range(rounds):
        starts = starts_of(next_bits(stream), SEARCH_STARTS, dynamics)
        for k in range(POPULATION):
            _draw_policy(stream, chance, drawn[k])
            values[k] = policy_returns(drawn[k], starts, dynamics).mean()
        chance *= KEPT_SHARE
        for k in np.argsort(values)[POPULATION - ELITE :]:
            for o in range(n_observations):
                chance[o, drawn[k, o]] += (1.0 - KEPT_SHARE) / ELITE
    best = np.empty(n_observations, dtype=np.int64)
    for o in range(n_observations):
        best[o] = np.argmax(chance[o])
    return best


@kernel(nogil=True)
def _draw_policy(stream: Stream, chance: FloatArray, policy: IntArray) -> None:
    n_actions = chance.shape[1]
    for o in range(len(policy)):
        rest = next_unit(stream)
        action = 0
        while action < n_actions - 1 and rest > chance[o, action]:
            rest -= chance[o, action]
            action += 1
        policy[o] = action


@kernel(nogil=True)
def refine(stream: Stream, policy: IntArray, mutations: int, dynamics: Dynamics) -> float:
    """Mutate one to four observations at a time and keep, in place, what is better; return its value."""
    starts = starts_of(next_bits(stream), CONFIRM_STARTS, dynamics)
    screen = starts[:SCREEN_STARTS].copy()
    value: float = policy_returns(policy, starts, dynamics).mean()
    screened = policy_returns(policy, screen, dynamics).mean()
    for _ in range(mutations):
        mutant = policy.copy()
        for _ in range(next_integer(stream, 1, MOST_MUTATED)):
            o = next_integer(stream, 0, len(policy) - 1)
            mutant[o] = next_integer(stream, 0, len(dynamics.torques) - 1)
        quick = policy_returns(mutant, screen, dynamics).mean()
        if quick > screened - SCREEN_MARGIN:
            full = policy_returns(mutant, starts, dynamics).mean()
            if full > value:
                policy[:] = mutant
                value, screened = full, quick
    return value


@kernel(nogil=True)
def train_policy(seed: np.uint64, dynamics: Dynamics) -> IntArray:
    """Better of two searches, refined; int64 ``[O]``. Plays about six million steps a second."""
    stream = np.array([stream_key(seed, AGENT_STREAM)])
    starts = starts_of(next_bits(stream), CONFIRM_STARTS, dynamics)
    best = cross_entropy_search(stream, ROUNDS, dynamics)
    value = policy_returns(best, starts, dynamics).mean()
    for _ in range(RESTARTS - 1):
        found = cross_entropy_search(stream, ROUNDS, dynamics)
        found_value = policy_returns(found, starts, dynamics).mean()
        if found_value > value:
            best, value = found, found_value
    refine(stream, best, MUTATIONS, dynamics)
    return best


@kernel(nogil=True)
def grid_optimum(dynamics: Dynamics, n: int) -> float:
    """Optimal mean raw return of an agent that sees angle and speed, by value iteration.

    The values of ``n`` angles times ``n + 1`` speeds are carried back over the horizon, without discount,
    and read between the grid's points by bilinear interpolation (periodic in the angle).
    """
    angle_step, speed_step = TWO_PI / n, 2.0 * MAX_SPEED / n
    later, value = np.zeros((n, n + 1)), np.zeros((n, n + 1))
    for _ in range(dynamics.horizon):
        for i in range(n):
            for j in range(n + 1):
                best = -np.inf
                for torque in dynamics.torques:
                    angle, speed, reward = swing(
                        i * angle_step, -MAX_SPEED + j * speed_step, torque, dynamics.g
                    )
                    best = max(best, reward + _interpolate(later, angle, speed))
                value[i, j] = best
        later, value = value, later
    if dynamics.fixed_start:
        fixed: float = _interpolate(later, FIXED_START[0], FIXED_START[1])
        return fixed
    total = 0.0
    for m in range(START_SPEEDS):
        speed = -1.0 + 2.0 * (m + 0.5) / START_SPEEDS
        for i in range(n):
            total += _interpolate(later, i * angle_step, speed)
    mean: float = total / (n * START_SPEEDS)
    return mean


@kernel(nogil=True, inline="always")
def _interpolate(value: FloatArray, angle: float, speed: float) -> float:
    n = len(value)
    x, y = (angle % TWO_PI) / TWO_PI * n, (speed + MAX_SPEED) / (2.0 * MAX_SPEED) * n
    i, j = int(x), min(int(y), n - 1)
    right, up = x - i, y - j
    i, following = i % n, (i + 1) % n
    low = (1.0 - up) * value[i, j] + up * value[i, j + 1]
    high = (1.0 - up) * value[following, j] + up * value[following, j + 1]
    between: float = (1.0 - right) * low + right * high
    return between
