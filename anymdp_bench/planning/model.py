"""What the planner's kernels need of a task, and the expansion of multi-move actions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from anymdp_bench.foundation.seeding import WEIGHT_TOTAL
from anymdp_bench.planning.kernels import Floats, Outcomes
from anymdp_bench.tasks.build import build_task
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import TabularTask, require_tabular


class Model(NamedTuple):
    """Sparse outcomes of a task with the scored reward.

    Attributes:
        outcomes: Where each (state, action) leads.
        outcome_reward: float64 ``[K]``, expected scored reward of each outcome.
        reward: float64 ``[S * A]``, expected scored reward of each row.
        n_states: S.
        n_actions: A.
    """

    outcomes: Outcomes
    outcome_reward: Floats
    reward: Floats
    n_states: int
    n_actions: int


def model_of(task: Task) -> Model:
    """Planner's view of a task; see `Model`.

    Raises:
        NotTabular: the task's inner state is continuous.
    """
    tabular = expand_actions(require_tabular(task))
    outcomes = Outcomes(tabular.row_start, tabular.successor, tabular.weight / WEIGHT_TOTAL)
    outcome_reward = tabular.outcome_score
    rows = len(tabular.row_start) - 1
    weighted = outcomes.probability * outcome_reward
    reward: Floats = np.bincount(tabular.outcome_row, weights=weighted, minlength=rows).astype(np.float64)
    return Model(outcomes, outcome_reward, reward, tabular.n_states, tabular.n_actions)


def expand_actions(task: TabularTask) -> TabularTask:
    """Turn actions of several moves into single ones; action ``a = a_1 * A**(d-1) + ... + a_d``.

    The expected reward of each (state, action, next state) is exact; the spread of the reward between
    different ways of getting there is not kept. A task of single moves is returned as it is.
    """
    if task.action_tokens == 1:
        return task
    move, score = task.transition, task.score_reward
    stay = np.eye(task.n_states) * task.terminal[:, None]
    move = move + stay[:, None, :]
    chance, gain = move, move * score
    for _ in range(task.action_tokens - 1):
        gain = _then(gain, move) + _then(chance, move * score)
        chance = _then(chance, move)
    chance[task.terminal] = 0.0
    return build_task(
        chance,
        initial=task.initial,
        horizon=task.horizon,
        reward=np.divide(gain, chance, out=np.zeros_like(gain), where=chance > 0),
        terminal=task.terminal,
        state_ids=task.state_ids,
        n_observations=task.n_observations,
        family=task.family,
    )


def _then(first: Floats, second: Floats) -> Floats:
    n, a, _ = first.shape
    both: Floats = np.einsum("iaj,jbk->iabk", first, second, optimize=True)
    return both.reshape(n, a * second.shape[1], n)
