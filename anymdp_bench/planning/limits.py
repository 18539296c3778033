"""The least and the largest scored return that any single episode of a task can have."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from anymdp_bench.foundation.compiling import kernel
from anymdp_bench.foundation.seeding import WEIGHT_TOTAL
from anymdp_bench.planning.kernels import Floats, Outcomes
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import require_tabular


class ReturnLimits(NamedTuple):
    """Scored returns of the worst and the best path of one episode, undiscounted over the horizon."""

    low: float
    high: float


def return_limits(task: Task) -> ReturnLimits:
    """Compute the limits exactly: every action and every outcome of positive probability counts as chosen.

    Raises:
        NotTabular: the task has no tables.
    """
    tabular = require_tabular(task)
    outcomes = Outcomes(tabular.row_start, tabular.successor, tabular.weight / WEIGHT_TOTAL)
    moves = tabular.horizon * tabular.action_tokens
    low = np.empty(tabular.n_states)
    high = np.empty(tabular.n_states)
    _path_extremes(outcomes, tabular.outcome_score, tabular.n_actions, moves, low, high)
    start = tabular.initial > 0
    return ReturnLimits(float(low[start].min()), float(high[start].max()))


@kernel(
    work=lambda outcomes, reward, n_actions, moves, low, high: moves * len(outcomes.probability),
    patience=200_000,
    nogil=True,
)
def _path_extremes(
    outcomes: Outcomes, outcome_reward: Floats, n_actions: int, moves: int, low: Floats, high: Floats
) -> None:
    """Write the extremes of the return with `moves` moves to go, float64 ``[S]`` each.

    A state without outcomes is terminal.
    """
    n = len(low)
    low[:] = 0.0
    high[:] = 0.0
    later_low = np.empty(n)
    later_high = np.empty(n)
    for _ in range(moves):
        later_low[:] = low
        later_high[:] = high
        for s in range(n):
            first = outcomes.row_start[s * n_actions]
            last = outcomes.row_start[(s + 1) * n_actions]
            if first == last:
                continue
            worst, best = np.inf, -np.inf
            for k in range(first, last):
                if outcomes.probability[k] > 0.0:
                    reward, after = outcome_reward[k], outcomes.successor[k]
                    worst = min(worst, reward + later_low[after])
                    best = max(best, reward + later_high[after])
            low[s] = worst
            high[s] = best
