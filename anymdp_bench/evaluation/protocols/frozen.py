"""Tests of a frozen learner: exact where its policy is a table, sampled elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from anymdp_bench.envs.base import BatchEnv
from anymdp_bench.evaluation.protocols.player import Player
from anymdp_bench.evaluation.protocols.rollout import rollout
from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.planning import policy_return
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import TabularTask


class PointValues(NamedTuple):
    """Scored returns of one evaluation point, float64 ``[n]`` each; `episodes` of each, 0 where exact."""

    mean: FloatArray
    even: FloatArray
    odd: FloatArray
    episodes: int


class FrozenTest(Protocol):
    """Something that scores a frozen player."""

    def __call__(self, player: Player) -> PointValues:
        """Score the player, which must not learn meanwhile."""
        ...


class ExactTest:
    """Expected scored return over the horizon of a policy table, from the planner."""

    def __init__(self, tasks: Sequence[TabularTask]) -> None:
        """Keep the task of each row."""
        self._tasks = tasks
        self._tables: FloatArray | None = None
        self._values = np.zeros(len(tasks))

    def __call__(self, player: Player) -> PointValues:
        """Evaluate every row's policy; rows that have not changed keep their value."""
        first = self._tasks[0]
        tables = player.policy_table(first.n_observations, first.n_actions)
        for i, task in enumerate(self._tasks):
            if self._tables is None or not np.array_equal(self._tables[i], tables[i]):
                self._values[i] = policy_return(task, state_policy(task, tables[i])).mean
        self._tables = tables
        values = self._values.copy()
        return PointValues(values, values, values, 0)


class SampledTest:
    """Test episodes on an environment of their own, which goes on from point to point."""

    def __init__(self, env: BatchEnv, n_episodes: int) -> None:
        """Play `n_episodes` (an even number) in every row of `env`, which is seeded."""
        self._env = env
        self._n_episodes = n_episodes

    def __call__(self, player: Player) -> PointValues:
        """Play the test episodes; they count neither as episodes nor as steps."""
        steps = np.zeros(len(player.cells), dtype=np.int64)
        scores = rollout(player, self._env, self._n_episodes, steps=steps).scores
        return PointValues(
            scores.mean(axis=1), scores[:, 0::2].mean(axis=1), scores[:, 1::2].mean(axis=1), self._n_episodes
        )


def state_policy(task: TabularTask, table: FloatArray) -> FloatArray:
    """Policy over inner states, float64 ``[S, A]``, of a table over observations ``[O, A]``.

    Exact also under partial observation: an observation is drawn afresh at every visit, so a memoryless
    agent's action is, given the state, independent of everything earlier.
    """
    emissions = task.emissions
    policy: FloatArray = table[task.state_ids] if emissions is None else emissions[0] @ table
    return policy


def has_exact_test(task: Task) -> bool:
    """Whether a policy table over single observations and single moves says all about playing `task`."""
    return isinstance(task, TabularTask) and task.observation_tokens == task.action_tokens == 1
