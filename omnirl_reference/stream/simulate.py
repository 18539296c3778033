"""Training sequences from fresh tasks (numba): a sequence is a pure function of (settings, seed, index).

Positions of a sequence are environment steps; after the last step of an episode one further position shows
the final state with the end-of-episode action (id `n_actions`), reward 0 and an unknown tag.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.kernels import (
    draw,
    draw_anymdp,
    kernel,
    next_bits,
    next_integer,
    next_unit,
    noise_offset,
    normal_central,
    normal_tail,
    outcome_bits,
    permutation,
)
from omnirl_reference.config.stream import TAG_UNKNOWN
from omnirl_reference.stream.behaviour import Behaviour, act, new_behaviour, redraw
from omnirl_reference.stream.grids import darkroom_world, grid_shapes, grid_world, room_shapes
from omnirl_reference.stream.learners import Floats, Learners, Stream, learn, new_learners, plan_on_model
from omnirl_reference.stream.worlds import (
    Ints,
    SimulationSettings,
    Solved,
    World,
    anymdp_world,
    garnet_world,
    solve,
    task_size,
)

MOST_TRIES = 2000
NAMES = np.uint64(1 << 62)
"""Counter of a task's draw that names its states and actions; the task itself draws with small ones."""
CENTRAL = 0.425
"""Of the normal quantile: the central polynomial serves abs(probability - 0.5) up to this."""


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


@kernel(nogil=True, inline="always")
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


@kernel(nogil=True, inline="always")
def _start(stream: Stream, world: World) -> int:
    left = np.int64(outcome_bits(next_bits(stream)))
    s = 0
    while left >= world.initial_weight[s]:
        left -= world.initial_weight[s]
        s += 1
    return s


@kernel(nogil=True)
def names_of(stream: Stream, key: np.uint64, relabel: bool) -> Stream:
    """Stream that names are drawn from: the sequence's, or one of the task's own."""
    if relabel:
        return stream
    own = np.empty(1, dtype=np.uint64)
    own[0] = draw(key, NAMES)
    return own


@kernel(nogil=True)
def fall_steps(settings: SimulationSettings, steps: int) -> Floats:
    """Least and most steps after which a noisy oracle is without noise, in sequences of so many steps."""
    return settings.fall * steps


@kernel(nogil=True)
def play(
    stream: Stream,
    key: np.uint64,
    world: World,
    solved: Solved,
    settings: SimulationSettings,
    out: Sequences,
    b: int,
) -> None:
    """Write sequence `b`: episodes of behaviours on one task of a `key`, relabelled by permutations."""
    n, n_actions = solved.targets.shape
    names = names_of(stream, key, settings.relabel)
    ids = permutation(names, settings.sizes[0])[:n].copy()
    moves = permutation(names, n_actions)
    free = next_unit(stream) < settings.shares[0]
    cumulative = settings.oracle_free if free else settings.cumulative
    changing = next_unit(stream) < settings.shares[1]
    masked = next_unit(stream) < settings.shares[3]
    hidden = masked or next_unit(stream) < settings.shares[4]
    behaviour: Behaviour = new_behaviour(n, n_actions)
    fall = fall_steps(settings, out.actions.shape[1])
    redraw(stream, behaviour, cumulative, len(settings.discounts), fall)
    learners: Learners = new_learners(n, n_actions)
    s, elapsed, ended = _start(stream, world), 0, False
    for t in range(out.actions.shape[1]):
        out.states[b, t] = ids[s]
        if ended:
            write_end(out, b, t, n_actions)
            plan_on_model(learners, world.terminal)
            s, elapsed, ended = _start(stream, world), 0, False
            hidden = masked or next_unit(stream) < settings.shares[4]
            if changing and next_unit(stream) < settings.shares[2]:
                redraw(stream, behaviour, cumulative, len(settings.discounts), fall)
            continue
        a, tag = act(stream, behaviour, learners, solved.oracle_actions, s)
        following, reward = _transition(stream, world, s * n_actions + a)
        elapsed += 1
        over = world.terminal[following]
        learn(learners, s, a, reward, following, over)
        for i in range(n_actions):
            out.targets[b, t, moves[i]] = solved.targets[s, i]
        write_step(out, b, t, moves[a], reward, tag, hidden, settings.label[1] > 0.0)
        ended = over or elapsed >= world.horizon
        s = following
    out.states[b, out.actions.shape[1]] = ids[s]


@kernel(nogil=True, inline="always")
def write_step(
    out: Sequences, b: int, t: int, action: int, reward: float, tag: int, hidden: bool, own: bool
) -> None:
    """Write what was done and came of it; its target stands already, but for an action that is its `own`."""
    out.actions[b, t] = action
    out.tags[b, t] = TAG_UNKNOWN if hidden else tag
    out.behaviour[b, t] = tag
    out.rewards[b, t] = reward
    if own:
        out.targets[b, t] = 0.0
        out.targets[b, t, action] = 1.0


@kernel(nogil=True, inline="always")
def write_end(out: Sequences, b: int, t: int, n_actions: int) -> None:
    """Write the position after an episode."""
    out.actions[b, t] = n_actions
    out.tags[b, t] = TAG_UNKNOWN
    out.behaviour[b, t] = TAG_UNKNOWN
    out.rewards[b, t] = 0.0
    out.targets[b, t] = 0.0


@kernel(nogil=True)
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
    n_actions = settings.sizes[2]
    for b in range(len(task_indices)):
        key = draw(task_key, np.uint64(task_indices[b]))
        most, least = task_size(key, settings)
        task = draw_anymdp(key, MOST_TRIES, most, n_actions, least, False, False, 0, verdicts)
        stream[0] = draw(play_key, np.uint64(first + b))
        world = anymdp_world(task, n_actions)
        play(stream, key, world, solve(world, n_actions, settings), settings, out, b)


@kernel(nogil=True)
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
    n_actions = settings.sizes[2]
    for b in range(len(task_indices)):
        key = draw(task_key, np.uint64(task_indices[b]))
        stream[0] = key
        most, least = task_size(key, settings)
        n = next_integer(stream, least, most)
        world = garnet_world(next_bits(stream), n, n_actions)
        stream[0] = draw(play_key, np.uint64(first + b))
        play(stream, key, world, solve(world, n_actions, settings), settings, out, b)


def fill_grid(
    task_key: np.uint64,
    play_key: np.uint64,
    task_indices: Ints,
    first: int,
    settings: SimulationSettings,
    out: Sequences,
) -> None:
    """The same on random grids of half of the task's size in cells to all of it."""
    for b, index in enumerate(task_indices):
        key = np.uint64(draw(task_key, np.uint64(index)))
        most, _ = task_size(key, settings)
        played = np.uint64(draw(play_key, np.uint64(first + b)))
        _fill_grid(key, played, grid_shapes(int(most)), False, settings, out, b)


def fill_darkroom(
    task_key: np.uint64,
    play_key: np.uint64,
    task_indices: Ints,
    first: int,
    settings: SimulationSettings,
    out: Sequences,
) -> None:
    """The same on random rooms with a goal, of any size that the ids allow."""
    shapes = room_shapes(int(settings.sizes[0]))
    for b, index in enumerate(task_indices):
        key = np.uint64(draw(task_key, np.uint64(index)))
        _fill_grid(key, np.uint64(draw(play_key, np.uint64(first + b))), shapes, True, settings, out, b)


@kernel(nogil=True)
def _fill_grid(
    key: np.uint64,
    play_key: np.uint64,
    shapes: Ints,
    dark: bool,
    settings: SimulationSettings,
    out: Sequences,
    b: int,
) -> None:
    stream = np.empty(1, dtype=np.uint64)
    stream[0] = play_key
    n_actions = settings.sizes[2]
    world = darkroom_world(key, shapes, n_actions) if dark else grid_world(key, shapes, n_actions)
    play(stream, key, world, solve(world, n_actions, settings), settings, out, b)
