"""The host's own log of inner states and actions, and what it is for: exact advantages of what was done."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.envs.base import BatchEnv
from anymdp_bench.envs.vector import TabularVectorEnv
from anymdp_bench.foundation.compiling import kernel
from anymdp_bench.foundation.errors import NotTabular
from anymdp_bench.foundation.types import BoolArray, FloatArray, IntArray
from anymdp_bench.planning import ORACLE_DISCOUNT, advantages, greedy, plan, uniform_policy
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import TabularTask

Log = NDArray[np.int16]
"""int16 ``[n, T, 2]``: state and action of each row's steps, in order."""
MOST_IDS = np.iinfo(np.int16).max
FIRST_ROOM = 4096
"""Steps that there is room for at first; it doubles."""


class Moves:
    """States and actions of n rows.

    The loop that counts steps writes each action and the state that it leads to; the states in which
    episodes begin are written when they do.

    Attributes:
        log: int16 ``[n, T, 2]``; of a row with k steps the first k entries count.
    """

    def __init__(self, n: int) -> None:
        """Make room for the first steps of `n` rows."""
        self.log: Log = np.zeros((n, FIRST_ROOM, 2), np.int16)
        self._taken, self._most = 0, FIRST_ROOM

    def begin(self, rows: BoolArray, steps: IntArray, states: IntArray) -> None:
        """Keep the states in which some rows begin an episode; `steps` int64 ``[n]`` have been taken."""
        chosen = np.flatnonzero(rows)
        self.log[chosen, steps[chosen], 0] = states[chosen]

    def room(self) -> Log:
        """Return the log, with room for one more step and the state behind it."""
        self._taken += 1
        if self._taken == self._most:
            self.log = np.concatenate([self.log, np.zeros_like(self.log)], axis=1)
            self._most = self.log.shape[1]
        return self.log

    def sums(self, tasks: Sequence[Task], lengths: IntArray) -> FloatArray:
        """Sum the advantages of each episode, float64 ``[n, E, 2]``: for the oracle and for uniform play.

        Args:
            tasks: Tabular task of each row.
            lengths: int64 ``[n, E]``, steps of each episode.
        """
        found = np.zeros((*lengths.shape, 2))
        for task in {id(task): task for task in tasks}.values():
            table = advantages(task, [greedy(plan(task, ORACLE_DISCOUNT)), uniform_policy(task)])
            for row in (i for i, other in enumerate(tasks) if other is task):
                _add_up(self.log[row], lengths[row], table, found[row])
        return found


@kernel(work=lambda moves, lengths, table, sums: int(lengths.sum()), nogil=True)
def _add_up(moves: Log, lengths: IntArray, table: FloatArray, sums: FloatArray) -> None:
    """Add ``table[t, s, a]`` up over each episode of one row."""
    step = 0
    for episode in range(len(lengths)):
        for t in range(lengths[episode]):
            state, action = moves[step]
            sums[episode, 0] += table[t, state, action, 0]
            sums[episode, 1] += table[t, state, action, 1]
            step += 1


def live_states(env: BatchEnv) -> IntArray:
    """Inner states of tabular tasks, in an array that every step changes.

    Raises:
        NotTabular: the tasks have no tables.
    """
    if not isinstance(env, TabularVectorEnv):
        raise NotTabular(f"{type(env).__name__}: only states of tasks with tables can be logged.")
    return env.live_states()


def has_advantages(task: Task) -> bool:
    """Whether a task has tables, single moves, and few enough ids for the log."""
    if not isinstance(task, TabularTask) or task.action_tokens != 1:
        return False
    return max(task.n_states, task.n_actions) <= MOST_IDS
