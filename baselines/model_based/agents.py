"""The in-context agents `oim`, `psrl` and `ucbvi`, and their twins of the learner track."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Space
from numpy.typing import NDArray

from anymdp_bench import AgentInfo, Context, Episodes, Task, compiled_rows, discrete_sizes
from anymdp_bench.kernels import UNTAGGED
from baselines.greedy import greedy_policy
from baselines.model_based import play
from baselines.model_based.memory import TEST_PLAN, have_room, make_memory, with_more_room
from baselines.model_based.settings import KINDS, Settings, tuned_settings

ORACLE_TAG = 3
"""Index of ``opt3`` in a context's tags: steps that the oracle chose."""


class ModelBased:
    """Keep the exact statistic of what was lived, and act greedily on a plan of it.

    A recorded context is added to the statistic as if it had been lived. In ids where steps are tagged as
    the oracle's, its most frequent action is taken.

    Args:
        name: Name in tables; its part before ``-`` says which plan is made.
        settings: What may be tuned; default: what was.
    """

    learner = False

    def __init__(self, name: str, settings: Settings | None = None) -> None:
        """See the class."""
        self.settings = settings or tuned_settings(name.partition("-")[0])
        config = dataclasses.asdict(self.settings)
        self.info = AgentInfo(name=name, learner=self.learner, config=config, shard_size=64)
        self._rates = self.settings.rates()

    def begin(
        self,
        n: int,
        observation_space: Space[Any],
        action_space: Space[Any],
        seed: int,
        context: Context | None = None,
        tasks: Sequence[Task] | None = None,
    ) -> None:
        """Forget everything, and take in the recorded episodes, if there are any.

        Raises:
            AgentError: a space is not Discrete.
        """
        sizes = discrete_sizes(self.info.name, observation_space, action_space)
        self._memory = make_memory(n, *sizes, seed, n_tags=0 if context is None else 1)
        if context is not None:
            self._study(context)

    def _study(self, context: Context) -> None:
        rows = np.repeat(np.arange(context.n_rows), np.diff(context.row_start))
        tags = np.where(context.tags == ORACLE_TAG, 0, UNTAGGED)
        done = 0
        while True:
            done = play.study(
                self._memory,
                done,
                rows,
                context.observations,
                context.actions,
                context.rewards,
                context.next_observations,
                context.terminated,
                context.truncated,
                tags,
            )
            if done == len(rows):
                return
            self._memory = with_more_room(self._memory)

    def act(self, observations: NDArray[Any], active: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Choose an action in every active row."""
        actions = np.zeros(len(active), np.int64)
        play.act_rows(self._memory, self._rates, observations, active, actions)
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
        """Count the step of every active row."""
        while not have_room(self._memory):
            self._memory = with_more_room(self._memory)
        play.learn_rows(
            self._memory,
            observations,
            actions,
            rewards,
            next_observations,
            terminated,
            truncated,
            active,
        )


class ModelBasedLearner(ModelBased):
    """The same agent on the learner track: it trains as it plays, and is tested on what it knows.

    Tests are greedy on the certainty-equivalent plan among the actions tried.
    """

    learner = True
    _policy: NDArray[np.int64] | None = None

    def begin(
        self,
        n: int,
        observation_space: Space[Any],
        action_space: Space[Any],
        seed: int,
        context: Context | None = None,
        tasks: Sequence[Task] | None = None,
    ) -> None:
        """See `ModelBased.begin`."""
        self._policy = None
        super().begin(n, observation_space, action_space, seed, context, tasks)

    def act(self, observations: NDArray[Any], active: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Choose an action in every active row."""
        if self._policy is None:
            return super().act(observations, active)
        actions = np.zeros(len(active), np.int64)
        play.act_frozen(self._memory, self._policy, observations, active, actions)
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
        """Count the step of every active row, unless frozen."""
        if self._policy is None:
            super().observe(observations, actions, rewards, next_observations, terminated, truncated, active)

    def freeze(self) -> None:
        """Plan for tests, play that plan, and learn nothing."""
        table = self.policy_table()
        self._policy = np.where(table.max(axis=2) == 1.0, table.argmax(axis=2), -1)

    def unfreeze(self) -> None:
        """Go on learning."""
        self._policy = None

    def policy_table(self) -> NDArray[np.float64]:
        """Policy of tests, ``[n, O, A]``; uniform where nothing was ever tried."""
        play.plan_tests(self._memory, self._rates)
        return greedy_policy(self._memory.q[:, TEST_PLAN], self._memory.statistic.visits > 0)

    def learn_episodes(self, env: Any, n_episodes: int) -> Episodes | None:
        """Live `n_episodes` episodes in every row of `env` inside one kernel; None if that is impossible."""
        rows = compiled_rows(env)
        if rows is None:
            return None
        shape = (env.num_envs, n_episodes)
        tally = play.Tally(np.zeros(shape), np.zeros(shape), np.zeros(shape, np.int64))
        at = np.array([0, 0, -1])
        while not play.train(self._memory, self._rates, rows, tally, at):
            self._memory = with_more_room(self._memory)
        return Episodes(*tally)


def with_settings(agent: str, settings: Mapping[str, Any]) -> ModelBased:
    """Make an in-context agent with settings by name; the rest keeps its default."""
    return ModelBased(agent, KINDS[agent](**settings))


def oim() -> ModelBased:
    """Make the agent with an optimistic initial model."""
    return ModelBased("oim")


def psrl() -> ModelBased:
    """Make the agent that samples from its posterior."""
    return ModelBased("psrl")


def ucbvi() -> ModelBased:
    """Make the agent with exploration bonuses."""
    return ModelBased("ucbvi")


def oim_learner() -> ModelBasedLearner:
    """Make `oim` for the learner track."""
    return ModelBasedLearner("oim-learner")


def psrl_learner() -> ModelBasedLearner:
    """Make `psrl` for the learner track."""
    return ModelBasedLearner("psrl-learner")


def ucbvi_learner() -> ModelBasedLearner:
    """Make `ucbvi` for the learner track."""
    return ModelBasedLearner("ucbvi-learner")
