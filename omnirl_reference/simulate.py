"""Training sequences from fresh tasks (numba): a sequence is a pure function of (settings, seed, index).

Positions of a sequence are environment steps; after the last step of an episode one further position shows
the final state with the end-of-episode action (id `n_actions`), reward 0 and an unknown tag.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from anymdp_bench.kernels import (
    WEIGHT_TOTAL,
    Drawn,
    Outcomes,
    draw,
    draw_anymdp,
    draw_garnet,
    exp,
    myopic_actions,
    next_bits,
    next_integer,
    next_unit,
    noise_offset,
    normal_central,
    normal_tail,
    outcome_bits,
    permutation,
    policy_iteration,
)
from omnirl_reference.behaviour import Behaviour, act, new_behaviour, redraw
from omnirl_reference.config import TAG_UNKNOWN
from omnirl_reference.learners import (
    Floats,
    Learners,
    Stream,
    learn,
    new_learners,
    plan_on_model,
)

Ints = NDArray[np.int64]
MOST_TRIES = 2000
CENTRAL = 0.425
"""Of the normal quantile: the central polynomial serves abs(probability - 0.5) up to this."""
GARNET_BRANCHING, GARNET_SIGMA = 2, 0.1
"""The paper's Garnet(n, 5, 2)."""


class SimulationSettings(NamedTuple):
    """`StreamConfig` in the form that kernels take; see there.

    Attributes:
        sizes: int64 ``[3]``: number of state ids, smallest number of states, number of actions.
        discounts: float64 ``[D]``, the last one labels.
        cumulative: float64 ``[16]``, cumulative shares of the behaviours.
        oracle_free: float64 ``[16]``, the same without oracles.
        shares: float64 ``[5]``: oracle-free, resampling, resampling at an end, masked sequences, episodes.
        label: float64 ``[2]``: temperature (0 means hard labels), 1 to label the behaviour.
    """

    sizes: Ints
    discounts: Floats
    cumulative: Floats
    oracle_free: Floats
    shares: Floats
    label: Floats


class Sequences(NamedTuple):
    """A batch of B sequences of T positions.

    Attributes:
        states: int16 ``[B, T + 1]``, ids; the last one is the state after the last position.
        actions: int16 ``[B, T]``, `n_actions` at the end of an episode.
        tags: int16 ``[B, T]``.
        rewards: float32 ``[B, T]``.
        targets: float32 ``[B, T, A]``, label distribution; 0 at the end of an episode.
        behaviour: int16 ``[B, T]``, tag before masking (for diagnostics; no model sees it).
    """

    states: NDArray[np.int16]
    actions: NDArray[np.int16]
    tags: NDArray[np.int16]
    rewards: NDArray[np.float32]
    targets: NDArray[np.float32]
    behaviour: NDArray[np.int16]


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


@numba.njit(cache=True, nogil=True)
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


@numba.njit(cache=True, nogil=True)
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


@numba.njit(cache=True, nogil=True)
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


@numba.njit(cache=True, nogil=True)
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


@numba.njit(cache=True, nogil=True, inline="always")
def _transition(stream: Stream, world: World, row: int) -> tuple[int, float]:
    """Draw (next state, reward) of a row."""
    bits = next_bits(stream)
    left = np.int64(outcome_bits(bits))
    k = world.outcomes.row_start[row]
    while left >= world.weight[k]:
        left -= world.weight[k]
        k += 1
    q = noise_offset(bits)
    normal = normal_central(q) if abs(q) <= CENTRAL else normal_tail(q)
    return world.outcomes.successor[k], world.mean[k] + world.noise[k] * normal


@numba.njit(cache=True, nogil=True, inline="always")
def _start(stream: Stream, world: World) -> int:
    left = np.int64(outcome_bits(next_bits(stream)))
    s = 0
    while left >= world.initial_weight[s]:
        left -= world.initial_weight[s]
        s += 1
    return s


@numba.njit(cache=True, nogil=True)
def play(
    stream: Stream, world: World, solved: Solved, settings: SimulationSettings, out: Sequences, b: int
) -> None:
    """Write sequence `b`: episodes of behaviours on one task, relabelled by random permutations."""
    n, n_actions = solved.targets.shape
    ids = permutation(stream, settings.sizes[0])[:n].copy()
    moves = permutation(stream, n_actions)
    free = next_unit(stream) < settings.shares[0]
    cumulative = settings.oracle_free if free else settings.cumulative
    changing = next_unit(stream) < settings.shares[1]
    masked = next_unit(stream) < settings.shares[3]
    hidden = masked or next_unit(stream) < settings.shares[4]
    behaviour: Behaviour = new_behaviour(n, n_actions)
    redraw(stream, behaviour, cumulative, len(settings.discounts))
    learners: Learners = new_learners(n, n_actions)
    s, elapsed, ended = _start(stream, world), 0, False
    for t in range(out.actions.shape[1]):
        out.states[b, t] = ids[s]
        if ended:
            _write_end(out, b, t, n_actions)
            plan_on_model(learners, world.terminal)
            s, elapsed, ended = _start(stream, world), 0, False
            hidden = masked or next_unit(stream) < settings.shares[4]
            if changing and next_unit(stream) < settings.shares[2]:
                redraw(stream, behaviour, cumulative, len(settings.discounts))
            continue
        a, tag = act(stream, behaviour, learners, solved.oracle_actions, s)
        following, reward = _transition(stream, world, s * n_actions + a)
        elapsed += 1
        over = world.terminal[following]
        learn(learners, s, a, reward, following, over)
        out.actions[b, t] = moves[a]
        out.tags[b, t] = TAG_UNKNOWN if hidden else tag
        out.behaviour[b, t] = tag
        out.rewards[b, t] = reward
        for i in range(n_actions):
            out.targets[b, t, moves[i]] = solved.targets[s, i]
        if settings.label[1] > 0.0:
            out.targets[b, t] = 0.0
            out.targets[b, t, moves[a]] = 1.0
        ended = over or elapsed >= world.horizon
        s = following
    out.states[b, out.actions.shape[1]] = ids[s]


@numba.njit(cache=True, nogil=True, inline="always")
def _write_end(out: Sequences, b: int, t: int, n_actions: int) -> None:
    out.actions[b, t] = n_actions
    out.tags[b, t] = TAG_UNKNOWN
    out.behaviour[b, t] = TAG_UNKNOWN
    out.rewards[b, t] = 0.0
    out.targets[b, t] = 0.0


@numba.njit(cache=True, nogil=True)
def fill_anymdp(
    task_key: np.uint64,
    play_key: np.uint64,
    task_indices: Ints,
    first: int,
    settings: SimulationSettings,
    out: Sequences,
) -> None:
    """Write the sequences `first`, `first` + 1, ... on the AnyMDP tasks of `task_indices` ``[B]``."""
    stream = np.empty(1, dtype=np.uint64)
    verdicts = np.zeros(16, dtype=np.int64)
    n_ids, least, n_actions = settings.sizes
    for b in range(len(task_indices)):
        key = draw(task_key, np.uint64(task_indices[b]))
        task = draw_anymdp(key, MOST_TRIES, n_ids, n_actions, least, False, False, 0, verdicts)
        stream[0] = draw(play_key, np.uint64(first + b))
        world = anymdp_world(task, n_actions)
        play(stream, world, solve(world, n_actions, settings), settings, out, b)


@numba.njit(cache=True, nogil=True)
def fill_garnet(
    task_key: np.uint64,
    play_key: np.uint64,
    task_indices: Ints,
    first: int,
    settings: SimulationSettings,
    out: Sequences,
) -> None:
    """The same on Garnet tasks of two successors and reward spread 0.1."""
    stream = np.empty(1, dtype=np.uint64)
    n_ids, least, n_actions = settings.sizes
    for b in range(len(task_indices)):
        stream[0] = draw(task_key, np.uint64(task_indices[b]))
        n = next_integer(stream, least, n_ids)
        world = garnet_world(next_bits(stream), n, n_actions)
        stream[0] = draw(play_key, np.uint64(first + b))
        play(stream, world, solve(world, n_actions, settings), settings, out, b)
