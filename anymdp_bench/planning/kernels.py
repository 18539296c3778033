"""Numba kernels of the planner, on sparse outcomes.

Linear systems are eliminated in a fixed order without pivoting, which is stable because
``I - discount * P`` is strictly diagonally dominant, and skips everything outside each row's profile.
No LAPACK: its last bits differ between processors, and sampled tasks depend on these numbers.

References:
    Policy iteration: M. L. Puterman, Markov Decision Processes (1994), section 6.4.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.foundation.compiling import kernel

IMPROVEMENT_TOLERANCE = 1e-12
"""A policy changes only where it gains more than this times max(1, largest value): rounding is below it."""
MOST_ITERATIONS = 1000
WARM_UP_SWEEPS = 3
"""Value-iteration sweeps before the first exact evaluation; they save one to two evaluations."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Successors = NDArray[np.int32]


class Outcomes(NamedTuple):
    """Where each (state, action) leads, sparse.

    Attributes:
        row_start: int64 ``[S * A + 1]``; row ``s * A + a`` owns outcomes row_start[row]..row_start[row + 1].
        successor: int32 ``[K]``, next states.
        probability: float64 ``[K]``.
    """

    row_start: Ints
    successor: Successors
    probability: Floats


@kernel(nogil=True, inline="always")
def backup(
    row: int,
    outcomes: Outcomes,
    reward: Floats,
    discount: float,
    value: Floats,
) -> float:
    """Expected reward of a row plus the discounted value of where it leads."""
    total = 0.0
    for k in range(outcomes.row_start[row], outcomes.row_start[row + 1]):
        total += outcomes.probability[k] * value[outcomes.successor[k]]
    return float(reward[row] + discount * total)


@kernel(inner=True, nogil=True)
def _add_row(
    matrix: Floats,
    state: int,
    row: int,
    scale: float,
    outcomes: Outcomes,
) -> tuple[int, int]:
    low, high = state, state
    for k in range(outcomes.row_start[row], outcomes.row_start[row + 1]):
        matrix[state, outcomes.successor[k]] -= scale * outcomes.probability[k]
        low = min(low, outcomes.successor[k])
        high = max(high, outcomes.successor[k])
    return low, high


@kernel(inner=True, nogil=True)
def _eliminate(matrix: Floats, low: Ints, high: Ints, value: Floats) -> None:
    """Solve matrix @ x = value in place; row i is zero outside low[i]..high[i]."""
    n = len(value)
    for i in range(n):
        for k in range(low[i], i):
            if matrix[i, k] == 0.0:
                continue
            factor = matrix[i, k] / matrix[k, k]
            last = high[k]
            for j in range(k + 1, last + 1):
                matrix[i, j] -= factor * matrix[k, j]
            value[i] -= factor * value[k]
            high[i] = max(high[i], last)
    for i in range(n - 1, -1, -1):
        total = value[i]
        for j in range(i + 1, high[i] + 1):
            total -= matrix[i, j] * value[j]
        value[i] = total / matrix[i, i]


@kernel(inner=True, nogil=True)
def evaluate_actions(
    outcomes: Outcomes,
    reward: Floats,
    actions: Ints,
    n_actions: int,
    discount: float,
    matrix: Floats,
    value: Floats,
) -> None:
    """Write the exact discounted value of a deterministic policy into `value`; `matrix` is scratch."""
    n = len(value)
    low = np.empty(n, dtype=np.int64)
    high = np.empty(n, dtype=np.int64)
    matrix[:] = 0.0
    for s in range(n):
        matrix[s, s] = 1.0
        row = s * n_actions + actions[s]
        low[s], high[s] = _add_row(matrix, s, row, discount, outcomes)
        value[s] = reward[row]
    _eliminate(matrix, low, high, value)


@kernel(
    work=lambda outcomes, reward, policy, discount, matrix, value: (
        len(value) ** 3 // 3 + len(outcomes.probability)
    ),
    patience=300_000,
    nogil=True,
)
def evaluate_policy(
    outcomes: Outcomes,
    reward: Floats,
    policy: Floats,
    discount: float,
    matrix: Floats,
    value: Floats,
) -> None:
    """Write the exact discounted value of a stochastic policy ``[S, A]`` into `value`."""
    n, n_actions = policy.shape
    low = np.arange(n)
    high = np.arange(n)
    matrix[:] = 0.0
    for s in range(n):
        matrix[s, s] = 1.0
        value[s] = 0.0
        for a in range(n_actions):
            if policy[s, a] == 0.0:
                continue
            row = s * n_actions + a
            scale = discount * policy[s, a]
            first, last = _add_row(matrix, s, row, scale, outcomes)
            low[s] = min(low[s], first)
            high[s] = max(high[s], last)
            value[s] += policy[s, a] * reward[row]
    _eliminate(matrix, low, high, value)


@kernel(inner=True, nogil=True)
def _improve(
    outcomes: Outcomes,
    reward: Floats,
    discount: float,
    value: Floats,
    actions: Ints,
    q: Floats,
) -> bool:
    """Write Q of `value`, make `actions` greedy where that gains; tell whether any changed."""
    n, n_actions = q.shape
    scale = 1.0
    for s in range(n):
        scale = max(scale, abs(value[s]))
    changed = False
    for s in range(n):
        best = actions[s]
        for a in range(n_actions):
            q[s, a] = backup(s * n_actions + a, outcomes, reward, discount, value)
        bar = q[s, best] + IMPROVEMENT_TOLERANCE * scale
        for a in range(n_actions):
            if q[s, a] > bar:
                best = a
                bar = q[s, a]
        if best != actions[s]:
            actions[s] = best
            changed = True
    return changed


@kernel(
    work=lambda outcomes, reward, discount, actions, q: 4 * len(outcomes.probability),
    patience=200_000,
    nogil=True,
)
def myopic_actions(
    outcomes: Outcomes,
    reward: Floats,
    discount: float,
    actions: Ints,
    q: Floats,
) -> None:
    """Write the policy that is greedy after a few sweeps: a good start for `policy_iteration`."""
    value = np.zeros(len(q))
    for _ in range(WARM_UP_SWEEPS):
        sweep(outcomes, reward, discount, q.shape[1], value)
    _improve(outcomes, reward, discount, value, actions, q)


@kernel(
    work=lambda outcomes, reward, discount, actions, q: len(q) ** 3 // 2 + 10 * len(outcomes.probability),
    patience=600_000,
    nogil=True,
)
def policy_iteration(
    outcomes: Outcomes,
    reward: Floats,
    discount: float,
    actions: Ints,
    q: Floats,
) -> int:
    """Write the optimal Q ``[S, A]``; return the number of exact policy evaluations.

    Args:
        outcomes: Where each (state, action) leads.
        reward: float64 ``[S * A]``, expected reward of each row.
        discount: In [0, 1).
        actions: int64 ``[S]``, the policy to start from; the optimal policy on return.
        q: float64 ``[S, A]``, written.
    """
    n, n_actions = q.shape
    value = np.zeros(n)
    matrix = np.empty((n, n))
    for iteration in range(1, MOST_ITERATIONS + 1):
        evaluate_actions(outcomes, reward, actions, n_actions, discount, matrix, value)
        if not _improve(outcomes, reward, discount, value, actions, q):
            return iteration
    return MOST_ITERATIONS


@kernel(nogil=True)
def sweep(
    outcomes: Outcomes,
    reward: Floats,
    discount: float,
    n_actions: int,
    value: Floats,
) -> float:
    """One Gauss-Seidel sweep of value iteration from the last state; return the largest change."""
    change = 0.0
    for s in range(len(value) - 1, -1, -1):
        best = -np.inf
        for a in range(n_actions):
            candidate = backup(s * n_actions + a, outcomes, reward, discount, value)
            best = max(best, candidate)
        change = max(change, abs(best - value[s]))
        value[s] = best
    return change


@kernel(nogil=True)
def value_iteration(
    outcomes: Outcomes,
    reward: Floats,
    discount: float,
    residual: float,
    q: Floats,
) -> int:
    """Write Q by Gauss-Seidel value iteration until no value changes by more than `residual`.

    The independent check of `policy_iteration`; returns the number of sweeps.
    """
    n, n_actions = q.shape
    value = np.zeros(n)
    sweeps = 1
    while sweep(outcomes, reward, discount, n_actions, value) > residual:
        sweeps += 1
    for s in range(n):
        for a in range(n_actions):
            q[s, a] = backup(s * n_actions + a, outcomes, reward, discount, value)
    return sweeps
