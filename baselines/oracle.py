"""The oracle: greedy play of the optimal Q at discount 0.994, the agent that scores 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Space
from numpy.typing import NDArray

from anymdp_bench import ORACLE_DISCOUNT, AgentError, AgentInfo, Task, greedy, plan


class Oracle:
    """Read each task, solve it, and play greedily; it sees the inner state, and controls whole teams."""

    info = AgentInfo(
        name="oracle", privileged=True, joint=True, config={"discount": ORACLE_DISCOUNT}, shard_size=64
    )

    def begin(
        self,
        n: int,
        observation_space: Space[Any],
        action_space: Space[Any],
        seed: int,
        context: Any = None,
        tasks: Sequence[Task] | None = None,
    ) -> None:
        """Solve every task.

        Raises:
            AgentError: it was not given the tasks, or an action is several moves long.
            NotTabular: a task has no tables.
        """
        if tasks is None or action_space.shape:
            raise AgentError(f"the oracle reads tasks of single moves; it got {tasks!r}, {action_space}.")
        solved = {id(task): greedy(plan(task, ORACLE_DISCOUNT)) for task in tasks}
        self._rows = np.arange(n)
        self._actions = np.zeros((n, max(map(len, solved.values()))), dtype=np.int64)
        for row, task in enumerate(tasks):
            actions = solved[id(task)]
            self._actions[row, : len(actions)] = actions

    def act(self, observations: NDArray[Any], active: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Look the actions up."""
        actions: NDArray[np.int64] = self._actions[self._rows, observations]
        return actions

    def observe(
        self,
        observations: NDArray[Any],
        actions: NDArray[Any],
        rewards: NDArray[np.float64],
        next_observations: NDArray[Any],
        terminated: NDArray[np.bool_],
        truncated: NDArray[np.bool_],
        active: NDArray[np.bool_],
    ) -> None:
        """Learn nothing: everything is known."""
