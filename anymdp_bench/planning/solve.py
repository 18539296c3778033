"""Exact solutions of one task."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from anymdp_bench.foundation.errors import InvalidConfig, InvalidPolicy
from anymdp_bench.planning import horizon, kernels
from anymdp_bench.planning.kernels import Floats, Ints
from anymdp_bench.planning.model import Model, expand_actions, model_of
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import require_tabular

ORACLE_DISCOUNT = 0.994
"""Discount of the reference policy that defines a score of 1 (arXiv 2502.02869, reference policy).

Examples:
    >>> plan(sample_task("anymdp", seed=0), ORACLE_DISCOUNT).shape  # by inner state and action
    (16, 5)
"""
TIE_TOLERANCE = 1e-9
"""Actions within this times max(1, abs(best Q)) of the best are ties; the lowest index wins."""
LIMIT_SQUARINGS = 40
"""The chain is followed for 2**40 steps."""


class ReturnMoments(NamedTuple):
    """Mean and variance of the scored return of one episode."""

    mean: float
    variance: float


def check_discount(discount: float) -> float:
    """Return `discount`.

    Raises:
        InvalidConfig: not a number in [0, 1).
    """
    if not isinstance(discount, float | int) or not 0 <= discount < 1:
        raise InvalidConfig(f"discount={discount!r} is not legal: give a number in [0, 1).")
    return float(discount)


def plan(task: Task, discount: float = ORACLE_DISCOUNT) -> Floats:
    """Optimal action values of the scored reward, by policy iteration.

    Args:
        task: A tabular task.
        discount: In [0, 1).

    Returns:
        float64 ``[S, A]`` by inner state; 0 in terminal states; error below 1e-9 times the largest value.

    Raises:
        NotTabular: the task has no tables.
        InvalidConfig: the discount is not in [0, 1).

    Examples:
        >>> task = sample_task("anymdp", seed=7)
        >>> plan(task).shape
        (16, 5)
    """
    model = model_of(task)
    return _plan_model(model, check_discount(discount))


def _plan_model(model: Model, discount: float) -> Floats:
    q = np.empty((model.n_states, model.n_actions))
    actions = np.zeros(model.n_states, dtype=np.int64)
    kernels.myopic_actions(model.outcomes, model.reward, discount, actions, q)
    kernels.policy_iteration(model.outcomes, model.reward, discount, actions, q)
    return q


def greedy(q: Floats) -> Ints:
    """Greedy actions int64 ``[S]`` by inner state: the lowest index among Q >= max - 1e-9 * max(1, abs(max)).

    `by_observation` tells them by the ids that an agent sees.

    Args:
        q: Action values float64 ``[S, A]`` by inner state, as `plan` returns them.

    Raises:
        InvalidPolicy: `q` is no table.

    Examples:
        >>> greedy(np.array([[1.0, 2.0], [3.0, 3.0]])).tolist()  # the lowest of equal actions
        [1, 0]
    """
    q = np.asarray(q)
    if q.ndim != 2 or not q.size:
        raise InvalidPolicy(f"q of shape {q.shape}: give action values [S, A], as plan returns them.")
    best = q.max(axis=1, keepdims=True)
    actions: Ints = np.argmax(q >= best - TIE_TOLERANCE * np.maximum(1.0, np.abs(best)), axis=1)
    return actions


def uniform_policy(task: Task) -> Floats:
    """Equal action probabilities, float64 ``[S, A]``."""
    tabular = require_tabular(task)
    n_actions = tabular.n_actions**tabular.action_tokens
    return np.full((tabular.n_states, n_actions), 1.0 / n_actions)


def as_policy(policy: ArrayLike, n_states: int, n_actions: int) -> Floats:
    """Action probabilities float64 ``[S, A]`` of a table of actions ``[S]`` or of probabilities ``[S, A]``.

    Raises:
        InvalidPolicy: another shape, an action outside 0..A-1, or rows that are no distribution.
    """
    table = np.asarray(policy)
    if table.ndim == 1 and table.dtype.kind in "iu":
        if table.shape != (n_states,) or not 0 <= table.min() <= table.max() < n_actions:
            raise InvalidPolicy(
                f"policy of shape {table.shape}, actions {table.min()}..{table.max()}: "
                f"give {n_states} actions in 0..{n_actions - 1}."
            )
        chosen: Floats = np.eye(n_actions)[table]
        return chosen
    if table.shape != (n_states, n_actions) or table.dtype.kind not in "biuf":
        raise InvalidPolicy(
            f"policy of shape {table.shape} and dtype {table.dtype}: "
            f"give int [{n_states}] or float [{n_states}, {n_actions}]."
        )
    chances: Floats = table.astype(np.float64)
    if not ((chances >= 0).all() and np.allclose(chances.sum(axis=1), 1.0, atol=1e-6)):
        raise InvalidPolicy("policy rows must be at least 0 and sum to 1 within 1e-6.")
    normalised: Floats = chances / chances.sum(axis=1, keepdims=True)
    return normalised


def policy_value(task: Task, policy: ArrayLike, discount: float) -> Floats:
    """Exact discounted value of a policy on the scored reward.

    Args:
        task: A tabular task.
        policy: int ``[S]`` actions or float ``[S, A]`` probabilities, by inner state.
        discount: In [0, 1).

    Returns:
        float64 ``[S]`` by inner state.

    Raises:
        NotTabular: the task has no tables.
        InvalidPolicy: `policy` has another shape, or is none.
        InvalidConfig: `discount` is not legal.

    Examples:
        >>> task = sample_task("garnet", seed=7)
        >>> policy_value(task, np.full((16, 5), 0.2), 0.99).shape  # uniform play, by inner state
        (16,)
    """
    model = model_of(task)
    table = as_policy(policy, model.n_states, model.n_actions)
    value = np.empty(model.n_states)
    matrix = np.empty((model.n_states, model.n_states))
    kernels.evaluate_policy(
        model.outcomes,
        model.reward,
        table,
        check_discount(discount),
        matrix,
        value,
    )
    return value


def policy_return(task: Task, policy: ArrayLike) -> ReturnMoments:
    """Exact mean and variance of the undiscounted scored return of one episode.

    Args:
        task: A tabular task; episodes end in terminal states or at its horizon.
        policy: int ``[S]`` actions or float ``[S, A]`` probabilities over inner states.

    Raises:
        NotTabular: the task has no tables.
        InvalidPolicy: `policy` has another shape, or is none.

    Examples:
        >>> task = sample_task("anymdp", seed=7)
        >>> policy_return(task, greedy(plan(task))).mean > references(task).random
        True
    """
    return _return_of_model(model_of(task), task, policy)


def _return_of_model(model: Model, task: Task, policy: ArrayLike) -> ReturnMoments:
    table = as_policy(policy, model.n_states, model.n_actions)
    first, second = np.empty(model.n_states), np.empty(model.n_states)
    horizon.policy_moments(
        model.outcomes,
        model.outcome_reward,
        table,
        task.horizon,
        first,
        second,
    )
    start = require_tabular(task).initial
    mean = math.fsum(start * first)
    return ReturnMoments(mean, max(0.0, math.fsum(start * second) - mean * mean))


def advantages(task: Task, policies: Sequence[ArrayLike]) -> Floats:
    """Exact undiscounted advantages of the scored reward over the rest of an episode.

    A return minus a policy's expected return minus the sum of these over an episode has mean zero, whoever
    acts.

    Args:
        task: A tabular task; episodes end in terminal states or at its horizon H.
        policies: P policies, each int ``[S]`` actions or float ``[S, A]`` probabilities over inner states.

    Returns:
        float64 ``[H, S, A, P]``: what action a in state s at step t gains over the policy's own choice there,
        if the policy acts from then on.
    """
    model = model_of(task)
    tables = [as_policy(policy, model.n_states, model.n_actions) for policy in policies]
    written = np.empty((task.horizon, model.n_states, model.n_actions, len(tables)))
    horizon.advantages(model.outcomes, model.reward, np.stack(tables, axis=2), written)
    return written


def finite_horizon_optimum(task: Task) -> float:
    """Largest expected undiscounted scored return of one episode over all policies, time-aware ones too.

    Args:
        task: A tabular task.

    Raises:
        NotTabular: the task has no tables.

    Examples:
        >>> task = sample_task("anymdp", seed=7)
        >>> finite_horizon_optimum(task) >= references(task).oracle
        True
    """
    model = model_of(task)
    value = np.empty(model.n_states)
    horizon.optimal_value(
        model.outcomes,
        model.reward,
        model.n_actions,
        task.horizon,
        value,
    )
    return math.fsum(require_tabular(task).initial * value)


def chain_of(task: Task, policy: ArrayLike) -> Floats:
    """State chain float64 ``[S, S]`` of a policy, terminal states restarting by the start distribution."""
    tabular = expand_actions(require_tabular(task))
    table = as_policy(policy, tabular.n_states, tabular.n_actions)
    chain: Floats = np.einsum("sa,sat->st", table, tabular.transition)
    chain[tabular.terminal] = tabular.initial
    return chain


def stationary_distribution(task: Task, policy: ArrayLike) -> Floats:
    """Long-run share of time spent in each inner state, float64 ``[S]``.

    Episodes restart from terminal states; the horizon is ignored. It is the time-average limit from the
    start distribution, and so defined for periodic and reducible chains as well.

    Args:
        task: A tabular task.
        policy: int ``[S]`` actions or float ``[S, A]`` probabilities, by inner state.

    Raises:
        NotTabular: the task has no tables.
        InvalidPolicy: `policy` has another shape, or is none.

    Examples:
        >>> task = sample_task("garnet", seed=7)
        >>> law = stationary_distribution(task, np.full((16, 5), 0.2))
        >>> law.shape, round(law.sum(), 6)
        ((16,), np.float64(1.0))
    """
    chain = chain_of(task, policy)
    lazy = 0.5 * (np.eye(len(chain)) + chain)
    for _ in range(LIMIT_SQUARINGS):
        lazy = lazy @ lazy
        lazy /= lazy.sum(axis=1, keepdims=True)
    share: Floats = require_tabular(task).initial @ lazy
    return share
