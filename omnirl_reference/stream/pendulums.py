"""Training sequences on pendulums of random gravities, bins and torques as on the boards (numba).

The inner state is continuous. Every oracle sees it: it looks a step ahead on values that were iterated on a
grid, once for each gravity and process.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from anymdp_bench.kernels import (
    draw,
    kernel,
    next_uniform,
    next_unit,
    observe_pendulum,
    permutation,
    step_pendulum,
)
from omnirl_reference.config.stream import DISCOUNTS, PENDULUM_BINS
from omnirl_reference.stream.behaviour import Behaviour, act, new_behaviour, redraw
from omnirl_reference.stream.learners import Floats, Learners, Stream, learn, new_learners, plan_on_model
from omnirl_reference.stream.simulate import Sequences, fall_steps, names_of, write_end, write_step
from omnirl_reference.stream.worlds import Ints, SimulationSettings

GRAVITIES = tuple(round(0.6 + 0.48 * k, 2) for k in range(24))
"""In m/s^2; boards and their siblings have others."""
HORIZON = 200
MAX_TORQUE, MAX_SPEED = 2.0, 8.0
POINTS = 40
"""Angles of the grid of values, and speeds but one."""
SWEEPS = 200
TWO_PI = 2 * math.pi


def fill_pendulum(
    task_key: np.uint64,
    play_key: np.uint64,
    task_indices: Ints,
    first: int,
    settings: SimulationSettings,
    out: Sequences,
) -> None:
    """Write the sequences `first`, `first` + 1, ... on the pendulums of `task_indices` ``[B]``."""
    torques = torques_of(int(settings.sizes[2]))
    for b, index in enumerate(task_indices):
        key = np.uint64(draw(task_key, np.uint64(index)))
        g = gravity_of(key)
        stream = np.array([draw(play_key, np.uint64(first + b))], dtype=np.uint64)
        _play(stream, key, g, torques, values_of(g, len(torques)), settings, out, b)


def gravity_of(key: np.uint64) -> float:
    """Gravity of the task of a random key."""
    return GRAVITIES[int(key) % len(GRAVITIES)]


def torques_of(n_actions: int) -> Floats:
    """Torque of each action, as on the boards; sequences name actions anew."""
    return np.linspace(-MAX_TORQUE, MAX_TORQUE, n_actions)


@cache
def values_of(g: float, n_actions: int) -> Floats:
    """Values float64 ``[angles, speeds]`` of the shaped reward; made once in a process."""
    return _iterate(g, torques_of(n_actions))


@kernel(nogil=True)
def _iterate(g: float, torques: Floats) -> Floats:
    later, value = np.zeros((POINTS, POINTS + 1)), np.zeros((POINTS, POINTS + 1))
    for _ in range(SWEEPS):
        for i in range(POINTS):
            for j in range(POINTS + 1):
                angle, speed = TWO_PI * i / POINTS, MAX_SPEED * (2.0 * j / POINTS - 1.0)
                _, value[i, j] = look_ahead(later, angle, speed, g, torques)
        later, value = value, later
    return later


@kernel(nogil=True)
def look_ahead(values: Floats, angle: float, speed: float, g: float, torques: Floats) -> tuple[int, float]:
    """Best action in an inner state, and what it is worth."""
    best, chosen = -np.inf, 0
    for a in range(len(torques)):
        following, faster, reward, _, _ = step_pendulum(angle, speed, torques[a], g, True, PENDULUM_BINS)
        worth = reward + DISCOUNTS[-1] * _between(values, following, faster)
        if worth > best:
            best, chosen = worth, a
    return chosen, best


@kernel(nogil=True)
def _between(values: Floats, angle: float, speed: float) -> float:
    """Value between the points of the grid, periodic in the angle."""
    n = len(values)
    x, y = (angle % TWO_PI) / TWO_PI * n, (speed + MAX_SPEED) / (2.0 * MAX_SPEED) * n
    i, j = int(x), min(int(y), n - 1)
    right, up = x - i, y - j
    i, following = i % n, (i + 1) % n
    low: float = (1.0 - up) * values[i, j] + up * values[i, j + 1]
    high: float = (1.0 - up) * values[following, j] + up * values[following, j + 1]
    return (1.0 - right) * low + right * high


@kernel(nogil=True)
def _play(
    stream: Stream,
    key: np.uint64,
    g: float,
    torques: Floats,
    values: Floats,
    settings: SimulationSettings,
    out: Sequences,
    b: int,
) -> None:
    n, n_actions = PENDULUM_BINS[0] * PENDULUM_BINS[1], len(torques)
    names = names_of(stream, key, settings.relabel)
    ids = permutation(names, settings.sizes[0])[:n].copy()
    moves = permutation(names, n_actions)
    masked = next_unit(stream) < settings.shares[3]
    hidden = masked or next_unit(stream) < settings.shares[4]
    behaviour: Behaviour = new_behaviour(n, n_actions)
    fall = fall_steps(settings, out.actions.shape[1])
    redraw(stream, behaviour, settings.cumulative, len(settings.discounts), fall)
    learners: Learners = new_learners(n, n_actions)
    living = np.zeros(n, dtype=np.bool_)
    advice = np.zeros((len(settings.discounts), n), dtype=np.int64)
    angle, speed, seen = _start(stream)
    elapsed = 0
    for t in range(out.actions.shape[1]):
        out.states[b, t] = ids[seen]
        if elapsed == HORIZON:
            write_end(out, b, t, n_actions)
            plan_on_model(learners, living)
            angle, speed, seen = _start(stream)
            elapsed = 0
            hidden = masked or next_unit(stream) < settings.shares[4]
            continue
        advised, _ = look_ahead(values, angle, speed, g, torques)
        advice[:, seen] = advised
        a, tag = act(stream, behaviour, learners, advice, seen)
        angle, speed, reward, _, following = step_pendulum(angle, speed, torques[a], g, True, PENDULUM_BINS)
        elapsed += 1
        learn(learners, seen, a, reward, following, False)
        out.targets[b, t, moves[advised]] = 1.0
        write_step(out, b, t, moves[a], reward, tag, hidden, settings.label[1] > 0.0)
        seen = following
    out.states[b, out.actions.shape[1]] = ids[seen]


@kernel(nogil=True)
def _start(stream: Stream) -> tuple[float, float, int]:
    """Angle, speed and id of a random start."""
    angle, speed = next_uniform(stream, -math.pi, math.pi), next_uniform(stream, -1.0, 1.0)
    return angle, speed, observe_pendulum(angle, speed, PENDULUM_BINS[0], PENDULUM_BINS[1])
