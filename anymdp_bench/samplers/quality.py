"""AnyMDP stage three (numba): the gates that a candidate passes before it becomes a task.

References:
    arXiv 2502.02869: entropy above a bound, ergodicity, ascending value [paper]; thresholds from the
    public sampler [code]. The ergodicity gate is in the paper only; the variance bound is ours.
"""

from __future__ import annotations

import numpy as np

from anymdp_bench.foundation import exact
from anymdp_bench.foundation.compiling import kernel
from anymdp_bench.planning.kernels import Floats, Ints, Outcomes, evaluate_policy
from anymdp_bench.samplers.reward import RewardTables, expected_reward, optimal_q
from anymdp_bench.samplers.structure import Flags

ACCEPTED, EMPTY_ACTION, REPAIR, VALUE_GAP, CONCENTRATED, LOW_ENTROPY, NOT_ERGODIC = range(7)
GATES = ("accepted", "empty action", "reward repair", "value gap", "concentration", "entropy", "ergodicity")
"""Verdicts, in the order in which a candidate is judged."""

LEAST_VALUE_GAP = 2.0
"""(V* - V_uniform) * (1 - discount) * horizon in every start state [code]."""
LEAST_GINI = 0.70
LEAST_ENTROPY = 0.35
"""Of the oracle's state distribution: 1 - sum p**2, and entropy / ln n [code]."""
SETTLED = 1e-14
"""A distribution that changed less than this in a step moves less than 1e-11 in all the others."""
MOST_ROW_VARIANCE = 1e-3
"""Largest variance over starting states of any state's probability after the horizon, uniform policy."""


@kernel(inner=True, nogil=True)
def gate_discount(n: int) -> float:
    """Discount 2**(-1/n), a half-life of n steps [code]."""
    return exact.exp(-exact.log(2.0) / n)


@kernel(inner=True, nogil=True)
def chain_steps(horizon: int) -> int:
    """Steps after which the oracle's distribution is judged: the power of two above the horizon [code]."""
    steps = 1
    while steps <= horizon:
        steps *= 2
    return steps


@kernel(inner=True, nogil=True)
def build_chain(outcomes: Outcomes, policy: Floats) -> Outcomes:
    """State chain of a policy ``[n, A]``: the outcomes of a task with one action."""
    n, n_actions = policy.shape
    start = np.zeros(n + 1, dtype=np.int64)
    target, chance = np.empty_like(outcomes.successor), np.empty_like(outcomes.probability)
    kept = 0
    for s in range(n):
        for a in range(n_actions):
            if policy[s, a] > 0.0:
                row = s * n_actions + a
                for k in range(outcomes.row_start[row], outcomes.row_start[row + 1]):
                    target[kept], chance[kept] = outcomes.successor[k], policy[s, a] * outcomes.probability[k]
                    kept += 1
        start[s + 1] = kept
    return Outcomes(start, target, chance)


@kernel(inner=True, nogil=True)
def follow_chain(
    chain: Outcomes,
    initial: Floats,
    terminal: Flags,
    steps: int,
    share: Floats,
) -> None:
    """Replace the state distribution `share` by that `steps` later; terminal states restart."""
    n = len(share)
    later = np.empty(n)
    for _ in range(steps):
        later[:] = 0.0
        restart = 0.0
        for s in range(n):
            if terminal[s]:
                restart += share[s]
            for k in range(chain.row_start[s], chain.row_start[s + 1]):
                later[chain.successor[k]] += share[s] * chain.probability[k]
        change = 0.0
        for s in range(n):
            later[s] += restart * initial[s]
            change += abs(later[s] - share[s])
            share[s] = later[s]
        if change < SETTLED:
            return


@kernel(inner=True, nogil=True)
def spread_verdict(share: Floats) -> int:
    """Judge how widely a state distribution is spread."""
    gini, entropy = 1.0, 0.0
    for p in share:
        gini -= p * p
        if p > 0.0:
            entropy -= p * exact.log(p)
    if gini <= LEAST_GINI:
        return CONCENTRATED
    if entropy / exact.log(float(len(share))) <= LEAST_ENTROPY:
        return LOW_ENTROPY
    return ACCEPTED


@kernel(inner=True, nogil=True)
def judge_spread(
    outcomes: Outcomes,
    initial: Floats,
    terminal: Flags,
    q: Floats,
    horizon: int,
) -> int:
    """Judge where the greedy policy of `q` is to be found after the horizon, from every start state."""
    n = len(q)
    oracle = np.zeros(q.shape)
    for s in range(n):
        oracle[s, np.argmax(q[s])] = 1.0
    chain = build_chain(outcomes, oracle)
    share = np.empty(n)
    for origin in range(n):
        if initial[origin] > 0.0:
            share[:] = 0.0
            share[origin] = 1.0
            follow_chain(chain, initial, terminal, chain_steps(horizon), share)
            verdict = spread_verdict(share)
            if verdict != ACCEPTED:
                return verdict
    return ACCEPTED


@kernel(inner=True, nogil=True)
def is_ergodic(
    outcomes: Outcomes,
    initial: Floats,
    terminal: Flags,
    n_actions: int,
    horizon: int,
) -> bool:
    """Tell whether the uniform policy forgets where it started within the horizon [paper]."""
    n = len(terminal)
    chain = build_chain(outcomes, np.full((n, n_actions), 1.0 / n_actions))
    mean, square = np.zeros(n), np.zeros(n)
    share = np.empty(n)
    for origin in range(n):
        share[:] = 0.0
        share[origin] = 1.0
        follow_chain(chain, initial, terminal, chain_steps(horizon), share)
        mean += share / n
        square += share * share / n
    return bool((square - mean * mean).max() <= MOST_ROW_VARIANCE)


@kernel(inner=True, nogil=True)
def judge(
    outcomes: Outcomes,
    initial: Floats,
    terminal: Flags,
    tables: RewardTables,
    horizon: int,
    solver: int,
    ergodicity: bool,
    actions: Ints,
) -> int:
    """Return the verdict on a repaired candidate: ACCEPTED or the first gate that it fails.

    `actions` int64 ``[n]`` is the policy from which the solver starts; it is overwritten.
    """
    n, n_actions = tables.by_action.shape
    discount = gate_discount(n)
    reward = np.empty(n * n_actions)
    expected_reward(outcomes, tables, reward)
    q = np.empty((n, n_actions))
    optimal_q(outcomes, reward, discount, solver, actions, q)
    uniform = np.full((n, n_actions), 1.0 / n_actions)
    value = np.empty(n)
    evaluate_policy(outcomes, reward, uniform, discount, np.empty((n, n)), value)
    if (
        _least_gap(outcomes, reward, initial, discount, value, q) * (1.0 - discount) * horizon
        < LEAST_VALUE_GAP
    ):
        return VALUE_GAP
    verdict = judge_spread(outcomes, initial, terminal, q, horizon)
    if verdict != ACCEPTED:
        return verdict
    if ergodicity and not is_ergodic(outcomes, initial, terminal, n_actions, horizon):
        return NOT_ERGODIC
    return ACCEPTED


@kernel(inner=True, nogil=True)
def _least_gap(
    outcomes: Outcomes,
    reward: Floats,
    initial: Floats,
    discount: float,
    uniform_value: Floats,
    q: Floats,
) -> float:
    """Smallest max Q* - max Q_uniform over the start states."""
    n, n_actions = q.shape
    least = np.inf
    for s in range(n):
        if initial[s] == 0.0:
            continue
        best = -np.inf
        for a in range(n_actions):
            total = 0.0
            row = s * n_actions + a
            for k in range(outcomes.row_start[row], outcomes.row_start[row + 1]):
                total += outcomes.probability[k] * uniform_value[outcomes.successor[k]]
            best = max(best, reward[row] + discount * total)
        least = min(least, q[s].max() - best)
    return least
