"""AnyMDP stage two (numba): the composite reward and its repair until values ascend.

``r(s, a, s') ~ N(mean, std)`` with ``mean = position(s') + action(s, a) + potential(s) - potential(s')
+ step + terminal(s')``: a part of (s, a), a part of s', and so kept as two small tables.

References:
    arXiv 2502.02869, composite reward; numbers from its public sampler unless marked [paper].
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from anymdp_bench.foundation import exact
from anymdp_bench.foundation.compiling import kernel
from anymdp_bench.foundation.seeding import (
    next_exponential,
    next_integer,
    next_normal,
    next_uniform,
    next_unit,
)
from anymdp_bench.planning.kernels import (
    Floats,
    Ints,
    Outcomes,
    myopic_actions,
    policy_iteration,
    value_iteration,
)
from anymdp_bench.samplers.structure import Flags, Stream

POTENTIAL_PROBABILITY = 0.5
POTENTIAL_LOW, POTENTIAL_HIGH = 0.2, 5.0
WAVES = 3
FREQUENCIES = 5
"""The potential is a sum of up to 3 waves of base frequency 1..5, plus a normal."""
POSITION_MEAN = 0.2
LAST_INCREMENT = 0.20
OFFSET_LOW, OFFSET_HIGH = 0.1, 0.9
"""Positions are shifted down by this share of the last, so that early ranks cost and late ones pay."""
POSITION_NOISE = 0.3
ACTION_MEAN, ACTION_HIGH = 0.05, 0.10
ACTION_PROBABILITY = 0.30
ACTION_NOISE = 0.30
STEP_SCALE = 0.01
GOAL_REWARD = 1.0

REPAIR_ROUNDS = 5
REPAIR_DISCOUNT = 0.99
REPAIR_MARGIN_LOW, REPAIR_MARGIN_HIGH = 2.0, 5.0
REPAIR_STEP_LOW, REPAIR_STEP_HIGH = 1.0, 10.0
PIT_MARGIN = 1.0
RECURRENT_GOAL_FACTOR = 0.01
"""A goal that does not end the episode is paid again and again, so it gets this share of the increase."""

EXACT_SOLVER, SWEEP_SOLVER = 0, 1
SWEEP_RESIDUAL = 1e-8


class RewardTables(NamedTuple):
    """Mean and spread of the reward, by (s, a) ``[n, A]`` and by next state ``[n]``; float64."""

    by_action: Floats
    by_next: Floats
    noise_by_action: Floats
    noise_by_next: Floats


@kernel(inner=True, nogil=True)
def draw_potential(stream: Stream, potential: Floats) -> None:
    """Write the reshaping potential of each rank; zero in about three of four tasks."""
    n = len(potential)
    potential[:] = 0.0
    scale = 0.0
    if next_unit(stream) >= POTENTIAL_PROBABILITY:
        scale = min(max(next_exponential(stream, 1.0), POTENTIAL_LOW), POTENTIAL_HIGH)
    box = max(next_uniform(stream, -scale, scale), 0.0)
    if box == 0.0:
        return
    waves = next_integer(stream, 1, WAVES)
    mean = box / math.sqrt(waves)
    potential += next_normal(stream) * next_exponential(stream, mean)
    for _ in range(waves):
        frequency = next_integer(stream, 1, FREQUENCIES) + next_normal(stream)
        sine_factor = next_normal(stream) * next_exponential(stream, mean)
        cosine_factor = next_normal(stream) * next_exponential(stream, mean)
        for k in range(n):
            sine, cosine = exact.sin_cos(frequency * k / (2.0 * n))
            potential[k] += sine_factor * sine + cosine_factor * cosine


@kernel(inner=True, nogil=True)
def draw_position(stream: Stream, terminal: Flags, reward: Floats, noise: Floats) -> None:
    """Write the reward of arriving at each rank, non-decreasing in rank [paper], 0 on terminal states."""
    n = len(reward)
    scale = next_exponential(stream, POSITION_MEAN)
    total = 0.0
    for s in range(n):
        increment = max(next_normal(stream), 0.0)
        if s == n - 1:
            increment += LAST_INCREMENT
        total += increment * scale
        reward[s] = total
    reward -= next_uniform(stream, OFFSET_LOW, OFFSET_HIGH) * total
    for s in range(n):
        noise[s] = max(next_uniform(stream, -POSITION_NOISE, POSITION_NOISE), 0.0) * scale
        if terminal[s]:
            reward[s] = 0.0
            noise[s] = 0.0


@kernel(inner=True, nogil=True)
def draw_action_reward(stream: Stream, reward: Floats, noise: Floats) -> None:
    """Write the sparse reward of each (s, a)."""
    n, n_actions = reward.shape
    scale = min(max(next_exponential(stream, ACTION_MEAN), 0.0), ACTION_HIGH)
    for s in range(n):
        for a in range(n_actions):
            reward[s, a] = 0.0
            noise[s, a] = 0.0
            if next_unit(stream) < ACTION_PROBABILITY:
                reward[s, a] = scale * next_normal(stream)
                noise[s, a] = ACTION_NOISE * scale * max(next_normal(stream), 0.0)


@kernel(inner=True, nogil=True)
def draw_step_reward(stream: Stream, has_goal: bool, has_pit: bool) -> float:
    """Draw the constant part: a cost where a goal ends the episode, a bonus where only pits do."""
    if has_goal:
        return STEP_SCALE * min(next_normal(stream), 0.0)
    if has_pit:
        return STEP_SCALE * max(next_normal(stream), 0.0)
    return 0.0


@kernel(inner=True, nogil=True)
def draw_reward(stream: Stream, terminal: Flags, has_goal: bool, n_actions: int) -> RewardTables:
    """Draw the composite reward before its repair."""
    n = len(terminal)
    potential, position, noise_by_next = np.empty(n), np.empty(n), np.empty(n)
    by_action, noise_by_action = np.empty((n, n_actions)), np.empty((n, n_actions))
    draw_potential(stream, potential)
    draw_position(stream, terminal, position, noise_by_next)
    draw_action_reward(stream, by_action, noise_by_action)
    has_pit = terminal[: n - 1].any()
    step = draw_step_reward(stream, has_goal, bool(has_pit))
    for s in range(n):
        by_action[s] += potential[s] + step
    by_next = position - potential
    by_next[n - 1] += GOAL_REWARD
    return RewardTables(by_action, by_next, noise_by_action, noise_by_next)


@kernel(inner=True, nogil=True)
def expected_reward(outcomes: Outcomes, tables: RewardTables, reward: Floats) -> None:
    """Write the expected reward of each row, float64 ``[n * A]``."""
    n_actions = tables.by_action.shape[1]
    for row in range(len(reward)):
        total = 0.0
        for k in range(outcomes.row_start[row], outcomes.row_start[row + 1]):
            total += outcomes.probability[k] * tables.by_next[outcomes.successor[k]]
        reward[row] = total
        if outcomes.row_start[row] < outcomes.row_start[row + 1]:
            reward[row] += tables.by_action[row // n_actions, row % n_actions]


@kernel(inner=True, nogil=True)
def optimal_q(
    outcomes: Outcomes,
    reward: Floats,
    discount: float,
    solver: int,
    actions: Ints,
    q: Floats,
) -> None:
    """Write the optimal Q by policy iteration, or by sweeps to 1e-8 (the cross-check)."""
    if solver == EXACT_SOLVER:
        policy_iteration(outcomes, reward, discount, actions, q)
    else:
        value_iteration(outcomes, reward, discount, SWEEP_RESIDUAL, q)


@kernel(inner=True, nogil=True)
def repair_reward(
    stream: Stream,
    outcomes: Outcomes,
    initial: Floats,
    terminal: Flags,
    has_goal: bool,
    tables: RewardTables,
    solver: int,
    actions: Ints,
) -> bool:
    """Deepen pits and raise the goal until values ascend; False after five rounds without success.

    `actions` int64 ``[n]`` is the policy from which the solver starts, and the optimal one on return.
    """
    n, n_actions = tables.by_action.shape
    last = n - 2 if has_goal else n - 1
    reward = np.empty(n * n_actions)
    q = np.empty((n, n_actions))
    deepest = 0.0
    for round_number in range(REPAIR_ROUNDS):
        expected_reward(outcomes, tables, reward)
        if round_number == 0:
            myopic_actions(outcomes, reward, REPAIR_DISCOUNT, actions, q)
        optimal_q(outcomes, reward, REPAIR_DISCOUNT, solver, actions, q)
        lowest, best_start = np.inf, -np.inf
        for s in range(n):
            value = q[s].max()
            if not terminal[s]:
                lowest = min(lowest, value)
            if initial[s] > 0.0:
                best_start = max(best_start, value)
        pit_gain = deepest - lowest + PIT_MARGIN
        margin = next_uniform(stream, REPAIR_MARGIN_LOW, REPAIR_MARGIN_HIGH)
        goal_fall = best_start - q[last].max() + margin
        if pit_gain <= 0.0 and goal_fall <= 0.0:
            return True
        if pit_gain > 0.0:
            deepest -= _deepen_pits(stream, terminal, pit_gain, tables)
        if goal_fall > 0.0:
            step = next_uniform(stream, REPAIR_STEP_LOW, REPAIR_STEP_HIGH)
            rise = max(2.0 * goal_fall, step)
            tables.by_next[n - 1] += rise if has_goal else RECURRENT_GOAL_FACTOR * rise
    return False


@kernel(inner=True, nogil=True)
def _deepen_pits(stream: Stream, terminal: Flags, gain: float, tables: RewardTables) -> float:
    """Lower every pit; return by how much (0 without pits: nothing corrects such a task)."""
    depth = gain + next_uniform(stream, REPAIR_STEP_LOW, REPAIR_STEP_HIGH)
    lowered = 0.0
    for s in range(len(terminal) - 1):
        if terminal[s]:
            tables.by_next[s] -= depth
            lowered = depth
    return lowered
