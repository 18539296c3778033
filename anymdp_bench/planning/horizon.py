"""Numba kernels for undiscounted returns over a finite horizon."""

from __future__ import annotations

import numpy as np

from anymdp_bench.foundation.compiling import kernel
from anymdp_bench.planning.kernels import Floats, Outcomes, backup


@kernel(
    work=lambda outcomes, reward, n_actions, horizon, value: horizon * len(outcomes.probability),
    patience=200_000,
    nogil=True,
)
def optimal_value(
    outcomes: Outcomes,
    reward: Floats,
    n_actions: int,
    horizon: int,
    value: Floats,
) -> None:
    """Write the largest expected return with `horizon` steps to go, float64 ``[S]``."""
    n = len(value)
    value[:] = 0.0
    later = np.empty(n)
    for _ in range(horizon):
        later[:] = value
        for s in range(n):
            best = -np.inf
            for a in range(n_actions):
                candidate = backup(s * n_actions + a, outcomes, reward, 1.0, later)
                best = max(best, candidate)
            value[s] = best


@kernel(
    work=lambda outcomes, reward, policy, horizon, first, second: horizon * len(outcomes.probability),
    patience=200_000,
    nogil=True,
)
def policy_moments(
    outcomes: Outcomes,
    outcome_reward: Floats,
    policy: Floats,
    horizon: int,
    first: Floats,
    second: Floats,
) -> None:
    """Write the first two moments of the return of a Markov policy with `horizon` steps to go.

    Args:
        outcomes: Where each (state, action) leads.
        outcome_reward: float64 ``[K]``, reward of each outcome.
        policy: float64 ``[S, A]``, action probabilities.
        horizon: Steps to go, at least 1.
        first: float64 ``[S]``, written: E[G] from each state.
        second: float64 ``[S]``, written: E[G**2] from each state.
    """
    n, n_actions = policy.shape
    first[:] = 0.0
    second[:] = 0.0
    next_first = np.empty(n)
    next_second = np.empty(n)
    for _ in range(horizon):
        next_first[:] = first
        next_second[:] = second
        for s in range(n):
            mean, square = 0.0, 0.0
            for a in range(n_actions):
                chance = policy[s, a]
                if chance == 0.0:
                    continue
                row = s * n_actions + a
                for k in range(outcomes.row_start[row], outcomes.row_start[row + 1]):
                    p, r, t = chance * outcomes.probability[k], outcome_reward[k], outcomes.successor[k]
                    mean += p * (r + next_first[t])
                    square += p * (r * r + 2.0 * r * next_first[t] + next_second[t])
            first[s] = mean
            second[s] = square


@kernel(
    work=lambda outcomes, reward, policies, written: len(written) * len(outcomes.probability),
    patience=200_000,
    nogil=True,
)
def advantages(outcomes: Outcomes, reward: Floats, policies: Floats, written: Floats) -> None:
    """Write the advantages of each (step, state, action) over the remaining horizon for P Markov policies.

    Args:
        outcomes: Where each (state, action) leads.
        reward: float64 ``[S * A]``, expected reward of each row.
        policies: float64 ``[S, A, P]``, action probabilities.
        written: float64 ``[H, S, A, P]``: reward and value of what follows, minus the state's own value.
    """
    horizon, n, n_actions, n_policies = written.shape
    value, later = np.zeros((n, n_policies)), np.empty((n, n_policies))
    for t in range(horizon - 1, -1, -1):
        later[:] = value
        value[:] = 0.0
        for s in range(n):
            for a in range(n_actions):
                row = s * n_actions + a
                gain = written[t, s, a]
                gain[:] = reward[row]
                for k in range(outcomes.row_start[row], outcomes.row_start[row + 1]):
                    chance, successor = outcomes.probability[k], outcomes.successor[k]
                    for p in range(n_policies):
                        gain[p] += chance * later[successor, p]
                for p in range(n_policies):
                    value[s, p] += policies[s, a, p] * gain[p]
            for a in range(n_actions):
                for p in range(n_policies):
                    written[t, s, a, p] -= value[s, p]
