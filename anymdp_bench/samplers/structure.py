"""AnyMDP stage one (numba): states, horizon, start and terminal states, banded transitions, actions.

Inner states are indexed by rank, from low to high value. Every tuned number is a constant below.

References:
    arXiv 2502.02869, section on AnyMDP ("[paper]"), and its public sampler ("[code]").
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.foundation import exact
from anymdp_bench.foundation.compiling import kernel
from anymdp_bench.foundation.seeding import (
    next_exponential,
    next_integer,
    next_normal,
    next_uniform,
    next_unit,
)
from anymdp_bench.planning.kernels import Floats, Ints, Successors
from anymdp_bench.samplers.assemble import append_row

Stream = NDArray[np.uint64]
Flags = NDArray[np.bool_]

START_CANDIDATES = 3
"""Ranks 0..2 may be start states [code: b_0 = 3]."""
PIT_LOW, PIT_HIGH = -0.20, 0.40
"""Share of pits is max(U(low, high), 0) [code]."""
GOAL_PROBABILITY = 0.30
"""Chance that the highest rank is a terminal goal [code]."""
FORWARD_DIVISOR, BACKWARD_DIVISOR = 4, 2
"""Band: at most n/4 ranks up, n/2 ranks down [paper: b+ <= n/4, b- >= n/2]."""
LEAST_REACH = 2
WEIGHT_LOW, WEIGHT_HIGH = 0.10, 1.0
"""Outcome weights are normals clipped to this range [code]."""
SELF_FACTOR = 0.5
"""Weight of staying, relative to its draw [code]."""
LEAST_WEIGHT = 1e-3
"""An outcome counts if its weight exceeds this [paper: epsilon > 1e-3]."""
WIDTH_MEAN, WIDTH_LOW, WIDTH_HIGH = 1.0, 0.20, 1.6
"""Width of the action kernels is clip(Exp(1), 0.2, 1.6) ranks [code; paper: Exp(1) per action]."""
NEGLIGIBLE_EXPONENT = -100.0
"""Outcomes this unlikely round to nothing: an action's nearest rank weighs at least exp(-25)."""
EMPTY_COLUMN = 1e-10
"""A next state that no action favours more than this is given to its nearest action [code]."""


@kernel(inner=True, nogil=True)
def horizon_range(n_observations: int) -> tuple[int, int]:
    """Bounds of the drawn horizon in steps [code]: U(4 N, 8 N) with floor 100 and cap 500."""
    low = max(4 * n_observations, 100)
    return low, max(min(8 * n_observations, 500), low + 1)


@kernel(inner=True, nogil=True)
def draw_horizon(stream: Stream, n_observations: int) -> int:
    """Integer horizon: the ceiling of the uniform draw, which is where the public environment truncates."""
    low, high = horizon_range(n_observations)
    return math.ceil(next_uniform(stream, low, high))


@kernel(inner=True, nogil=True)
def draw_start(stream: Stream, initial: Floats) -> None:
    """Write the start distribution: positive parts of normals on the lowest ranks."""
    total = 0.0
    while total <= 0.0:
        total = 0.0
        for s in range(START_CANDIDATES):
            initial[s] = max(next_normal(stream), 0.0)
            total += initial[s]
    for s in range(START_CANDIDATES):
        initial[s] /= total


@kernel(inner=True, nogil=True)
def draw_terminals(stream: Stream, initial: Floats, terminal: Flags) -> bool:
    """Write the terminal mask (pits and perhaps the goal); tell whether the top rank is a goal."""
    n = len(terminal)
    share = max(next_uniform(stream, PIT_LOW, PIT_HIGH), 0.0)
    count = n
    while count >= n * share + 1.0:
        count = 0
        for s in range(n):
            terminal[s] = next_unit(stream) < share
            count += terminal[s]
    for s in range(n):
        if initial[s] > 0.0:
            terminal[s] = False
    has_goal = next_unit(stream) < GOAL_PROBABILITY
    terminal[n - 1] = has_goal
    return has_goal


@kernel(inner=True, nogil=True)
def draw_band(stream: Stream, state: int, terminal: Flags) -> tuple[int, int]:
    """Draw the ranks [first, end) that `state` may lead to under the uniform policy."""
    n = len(terminal)
    forward = max(LEAST_REACH, n // FORWARD_DIVISOR + 1)
    backward = max(LEAST_REACH, n // BACKWARD_DIVISOR + 1)
    low = max(0, state - backward)
    first = next_integer(stream, low, max(0, state - 1, low + 1) - 1)
    high = min(n, state + forward)
    end = next_integer(stream, min(n - 1, state + 1, high - 1), high - 1)
    ahead = 0
    for s in range(state + 1, end):
        ahead += not terminal[s]
    while end < n and ahead < 2:
        if end > state:
            ahead += not terminal[end]
        end += 1
    return first, end


@kernel(inner=True, nogil=True)
def draw_outcome_weights(stream: Stream, state: int, n: int, first: int, weights: Floats) -> None:
    """Write the uniform policy's distribution over the band that begins at rank `first`."""
    large = 0
    while large < 2:
        large = 0
        for j in range(len(weights)):
            weights[j] = min(max(next_normal(stream), WEIGHT_LOW), WEIGHT_HIGH)
            if first + j == state:
                weights[j] *= 0.0 if state == n - 1 else SELF_FACTOR
            large += weights[j] > LEAST_WEIGHT
    weights /= exact.total(weights)


@kernel(inner=True, nogil=True)
def split_into_actions(
    stream: Stream,
    first: int,
    weights: Floats,
    width_per_action: bool,
    centres: Floats,
    scales: Floats,
    rows: Floats,
) -> bool:
    """Write each action's distribution ``[A, band]``; False if an action is left without outcome."""
    n_actions, band = rows.shape
    for a in range(n_actions):
        centres[a] = next_uniform(stream, first - 1.0, first + band)
    for a in range(n_actions):
        scales[a] = scales[0]
        if a == 0 or width_per_action:
            width = min(max(next_exponential(stream, WIDTH_MEAN), WIDTH_LOW), WIDTH_HIGH)
            scales[a] = -1.0 / (width * width)
    for j in range(band):
        total = 0.0
        nearest = 0
        for a in range(n_actions):
            distance = centres[a] - (first + j)
            exponent = distance * distance * scales[a]
            rows[a, j] = exact.exp(exponent) if exponent > NEGLIGIBLE_EXPONENT else 0.0
            total += rows[a, j]
            if abs(distance) < abs(centres[nearest] - (first + j)):
                nearest = a
        if total < EMPTY_COLUMN:
            total += 1.0 - rows[nearest, j]
            rows[nearest, j] = 1.0
        for a in range(n_actions):
            rows[a, j] = rows[a, j] / total * weights[j]
    return _normalise_rows(rows)


@kernel(inner=True, nogil=True)
def _normalise_rows(rows: Floats) -> bool:
    for a in range(len(rows)):
        total = 0.0
        for p in rows[a]:
            total += p
        if not total > 0.0:
            return False
        for j in range(rows.shape[1]):
            rows[a, j] /= total
    return True


@kernel(inner=True, nogil=True)
def draw_transitions(
    stream: Stream, terminal: Flags, n_actions: int, width_per_action: bool
) -> tuple[bool, Ints, Successors, Ints]:
    """Draw all rows, rounded; return (every action has outcomes, row_start, successor, weight)."""
    n = len(terminal)
    row_start = np.zeros(n * n_actions + 1, dtype=np.int64)
    successor = np.empty(n * n_actions * n, dtype=np.int32)
    weight = np.empty(n * n_actions * n, dtype=np.int64)
    weights, all_rows = np.empty(n), np.empty((n_actions, n))
    centres, scales, rounded = np.empty(n_actions), np.empty(n_actions), np.empty(n, dtype=np.int64)
    complete = True
    kept = 0
    for s in range(n):
        if not terminal[s]:
            first, end = draw_band(stream, s, terminal)
            rows = all_rows[:, : end - first]
            draw_outcome_weights(stream, s, n, first, weights[: end - first])
            complete &= split_into_actions(stream, first, weights, width_per_action, centres, scales, rows)
        for a in range(n_actions):
            if not terminal[s]:
                kept = append_row(rows[a], first, rounded, kept, successor, weight)
            row_start[s * n_actions + a + 1] = kept
    return complete, row_start, successor[:kept].copy(), weight[:kept].copy()
