"""Tasks as simulation needs them: drawn, solved for every discount, labelled (numba)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.kernels import (
    WEIGHT_TOTAL,
    Drawn,
    Outcomes,
    draw_garnet,
    exp,
    kernel,
    myopic_actions,
    policy_iteration,
)
from omnirl_reference.stream.learners import Floats

Ints = NDArray[np.int64]
GARNET_BRANCHING, GARNET_SIGMA = 2, 0.1
"""The paper's Garnet(n, 5, 2)."""


class SimulationSettings(NamedTuple):
    """`StreamConfig` in the form that kernels take; see there.

    Attributes:
        sizes: int64 ``[3]``: number of state ids, smallest number of states, number of actions.
        task_sizes: int64, sizes that tasks are drawn with; empty: the number of state ids.
        discounts: float64 ``[D]``, the last one labels.
        cumulative: float64 ``[16]``, cumulative shares of the behaviours.
        oracle_free: float64 ``[16]``, the same without oracles.
        shares: float64 ``[5]``: oracle-free, resampling, resampling at an end, masked sequences, episodes.
        label: float64 ``[2]``: temperature (0 means hard labels), 1 to label the behaviour.
        relabel: Every sequence has names of its own; else every task has.
        fall: float64 ``[2]``, shares of the sequence: `noise_until`, or zeros.
    """

    sizes: Ints
    task_sizes: Ints
    discounts: Floats
    cumulative: Floats
    oracle_free: Floats
    shares: Floats
    label: Floats
    relabel: bool
    fall: Floats


class World(NamedTuple):
    """A task as simulation needs it: n inner states, A actions, K outcomes.

    Attributes:
        outcomes: Where each (state, action) leads.
        weight: int64 ``[K]``, probabilities in units of 2**-30.
        mean: float64 ``[K]``, mean reward of each outcome.
        noise: float64 ``[K]``, its standard deviation.
        initial_weight: int64 ``[n]``.
        terminal: bool ``[n]``.
        horizon: Steps of an episode at most.
    """

    outcomes: Outcomes
    weight: Ints
    mean: Floats
    noise: Floats
    initial_weight: Ints
    terminal: NDArray[np.bool_]
    horizon: int


class Solved(NamedTuple):
    """Oracle actions int64 ``[D, n]`` of every discount, and label distributions float64 ``[n, A]``."""

    oracle_actions: Ints
    targets: Floats


@kernel(nogil=True)
def task_size(key: np.uint64, settings: SimulationSettings) -> tuple[int, int]:
    """Return largest and smallest number of states of the task of a random key."""
    n = len(settings.task_sizes)
    if n == 0:
        return settings.sizes[0], settings.sizes[1]
    size = settings.task_sizes[np.int64(key % np.uint64(n))]
    return size, size


@kernel(nogil=True)
def anymdp_world(task: Drawn, n_actions: int) -> World:
    """World of a drawn AnyMDP task, whose rewards are factored."""
    mean, noise = np.empty(len(task.weight)), np.empty(len(task.weight))
    for row in range(len(task.row_start) - 1):
        s, a = row // n_actions, row % n_actions
        for k in range(task.row_start[row], task.row_start[row + 1]):
            t = task.successor[k]
            mean[k] = task.reward_sa[s, a] + task.reward_next[t]
            noise[k] = task.noise_sa[s, a] + task.noise_next[t]
    outcomes = Outcomes(task.row_start, task.successor, task.weight / WEIGHT_TOTAL)
    return World(outcomes, task.weight, mean, noise, task.initial_weight, task.terminal, task.horizon)


@kernel(nogil=True)
def garnet_world(key: np.uint64, n: int, n_actions: int) -> World:
    """World of a fresh Garnet task: starts in state 0, never ends before the horizon, has no noise."""
    _, horizon, row_start, successor, weight, reward = draw_garnet(
        key, n, n_actions, GARNET_BRANCHING, GARNET_SIGMA
    )
    outcomes = Outcomes(row_start, successor, weight / WEIGHT_TOTAL)
    initial_weight = np.zeros(n, dtype=np.int64)
    initial_weight[0] = WEIGHT_TOTAL
    terminal = np.zeros(n, dtype=np.bool_)
    return World(outcomes, weight, reward, np.zeros(len(weight)), initial_weight, terminal, horizon)


@kernel(nogil=True)
def solve(world: World, n_actions: int, settings: SimulationSettings) -> Solved:
    """Solve a world for every discount and tabulate its labels."""
    n = len(world.terminal)
    outcomes = world.outcomes
    reward = np.zeros(n * n_actions)
    for row in range(n * n_actions):
        for k in range(outcomes.row_start[row], outcomes.row_start[row + 1]):
            reward[row] += outcomes.probability[k] * world.mean[k]
    q = np.empty((n, n_actions))
    actions = np.zeros(n, dtype=np.int64)
    oracle_actions = np.empty((len(settings.discounts), n), dtype=np.int64)
    for d in range(len(settings.discounts)):
        if d == 0:
            myopic_actions(outcomes, reward, settings.discounts[d], actions, q)
        policy_iteration(outcomes, reward, settings.discounts[d], actions, q)
        oracle_actions[d] = actions
    return Solved(oracle_actions, label_table(q, world.terminal, settings.label[0]))


@kernel(nogil=True)
def label_table(q: Floats, terminal: NDArray[np.bool_], temperature: float) -> Floats:
    """Label of every state, float64 ``[n, A]``: one-hot, or softmax of Q in units of the mean gap.

    The gap of a state is its best value minus the mean of the others; the task's is the mean over states.
    """
    n, n_actions = q.shape
    table = np.zeros((n, n_actions))
    gap, living = 0.0, 0
    for s in range(n):
        if not terminal[s]:
            gap += (q[s].max() - q[s].mean()) * n_actions / max(n_actions - 1, 1)
            living += 1
    scale = temperature * gap / living
    for s in range(n):
        if scale <= 0.0:
            table[s, np.argmax(q[s])] = 1.0
            continue
        best = q[s].max()
        for a in range(n_actions):
            table[s, a] = exp((q[s, a] - best) / scale)
        table[s] /= table[s].sum()
    return table
