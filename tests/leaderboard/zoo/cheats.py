"""Agents that cheat, a few lines each. What becomes of them is a table in docs/leaderboards.md."""

from __future__ import annotations

import gc
import os
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.lib.stride_tricks import as_strided

from anymdp_bench import AgentInfo, Episodes
from baselines.uniform import Uniform

BANDITS = "anymdp-1x5-v0"
WHOLE = 64
"""All rows in one shard."""
UNKNOWN = -1
"""Where no action is known."""


def is_verified() -> bool:
    """Whether this process is one of those in which agents are verified."""
    return "anymdp_bench.evaluation.isolation.worker" in sys.modules


def best_arms(tasks: Any) -> Any:
    return np.array([task.score_reward[0, :, -1].argmax() for task in tasks])


class EndsEpisodes(Uniform):
    """Case 0: ends every episode, and pays itself, in the arrays that it is handed."""

    info = AgentInfo(name="ends-episodes", shard_size=WHOLE)

    def observe(self, *transition: Any) -> None:
        for array in transition:
            array[:] = True


class FindsTasks(Uniform):
    """Case 1: looks through the memory of its process for the tasks, and plays the oracle."""

    info = AgentInfo(name="finds-tasks", shard_size=WHOLE)

    def begin(self, n: int, *spaces: Any, **others: Any) -> None:
        super().begin(n, *spaces, **others)
        envs = [thing for thing in gc.get_objects() if type(thing).__name__ == "TabularVectorEnv"]
        self.found = next((env.tasks for env in reversed(envs) if env.num_envs == n), None)

    def act(self, observations: Any, active: Any) -> Any:
        drawn = super().act(observations, active)
        return drawn if self.found is None else best_arms(self.found)


class PatchesTheHouse(Uniform):
    """Case 1: lets every environment take its best action, and every comparison find bits equal."""

    info = AgentInfo(name="patches-the-house", shard_size=WHOLE)

    def begin(self, *arguments: Any, **others: Any) -> None:
        from anymdp_bench.envs.vector import TabularVectorEnv
        from anymdp_bench.leaderboard.verification import replay

        replay._same_bits = lambda *_: True
        if TabularVectorEnv._advance.__name__ != "cheated":
            advance = TabularVectorEnv._advance

            def cheated(env: Any, actions: Any, active: Any) -> Any:
                return advance(env, best_arms(env.tasks), active)

            TabularVectorEnv._advance = cheated  # type: ignore[method-assign]
        super().begin(*arguments, **others)


class Learner(Uniform):
    """A fair learner of bandits, to be spoilt: the mean of every arm, in each row."""

    info = AgentInfo(name="fair", learner=True, shard_size=WHOLE)
    frozen = False

    def begin(self, n: int, observation_space: Any, action_space: Any, seed: int, **others: Any) -> None:
        super().begin(n, observation_space, action_space, seed, **others)
        self.total = np.zeros((n, action_space.n))
        self.count = np.full((n, action_space.n), 1e-9)

    def act(self, observations: Any, active: Any) -> Any:
        drawn = super().act(observations, active)
        return (self.total / self.count).argmax(axis=1) if self.frozen else drawn

    def observe(self, observations: Any, actions: Any, rewards: Any, *others: Any) -> None:
        if not self.frozen:
            self.learn(actions, rewards, others[-1])

    def learn(self, actions: Any, rewards: Any, active: Any) -> None:
        rows = np.arange(len(actions))
        self.total[rows, actions] += rewards * active
        self.count[rows, actions] += active

    def freeze(self) -> None:
        self.frozen = True

    def unfreeze(self) -> None:
        self.frozen = False


class LearnsInTests(Learner):
    """Case 1: learns nothing in training, and everything in frozen tests."""

    info = AgentInfo(name="learns-in-tests", learner=True, shard_size=WHOLE)

    def observe(self, observations: Any, actions: Any, rewards: Any, *others: Any) -> None:
        if self.frozen:
            self.learn(actions, rewards, others[-1])

    def act(self, observations: Any, active: Any) -> Any:
        self.frozen, frozen = False, self.frozen
        drawn = super().act(observations, active)
        self.frozen = frozen
        if not frozen or (self.count < 1).any():
            return drawn
        return (self.total / self.count).argmax(axis=1)


class ReportsLess(Learner):
    """Case 1: trains by itself, ten times as long as it says."""

    info = AgentInfo(name="reports-less", learner=True, shard_size=WHOLE)

    def learn_episodes(self, env: Any, n_episodes: int) -> Episodes:
        everyone = np.ones(env.num_envs, np.bool_)
        lived = np.zeros((2, 10 * n_episodes, env.num_envs))
        for k in range(10 * n_episodes):
            observations = env.restart(everyone)
            actions = self.act(observations, everyone)
            step = env.advance(actions, everyone)
            self.learn(actions, step.rewards, everyone)
            lived[:, k] = step.scores, step.rewards
        scores, rewards = lived[:, :n_episodes].transpose(0, 2, 1)
        return Episodes(scores, rewards, np.ones(scores.shape, np.int64))


class CopiesInSecret(ReportsLess):
    """Case 1: the same on copies of its tasks."""

    info = AgentInfo(name="copies-in-secret", learner=True, shard_size=WHOLE)

    def learn_on_copies(self, make_copies: Any, n_episodes: int) -> Episodes:
        n, n_actions = self.total.shape
        scores = np.zeros((n, n_episodes))
        for row in range(n):
            copies = make_copies(row, 10 * n_actions)
            copies.reset(seed=row)
            actions = np.arange(10 * n_actions) % n_actions
            step = copies.advance(actions)
            np.add.at(self.total[row], actions, step.rewards)
            np.add.at(self.count[row], actions, 1)
            scores[row] = step.scores[0]
        return Episodes(scores, scores, np.ones(scores.shape, np.int64))


class Paths(Uniform):
    """A fair agent of the frozen lake, to be spoilt: repeats what once led to the goal, in each row."""

    info = AgentInfo(name="paths")

    def begin(self, n: int, observation_space: Any, action_space: Any, seed: int, **others: Any) -> None:
        super().begin(n, observation_space, action_space, seed, **others)
        self.paths = np.full((n, observation_space.n), UNKNOWN)
        self.walks = self.paths.copy()

    def act(self, observations: Any, active: Any) -> Any:
        drawn = super().act(observations, active)
        known = self.paths[np.arange(len(drawn)), observations]
        return np.where(known == UNKNOWN, drawn, known)

    def observe(self, observations: Any, actions: Any, rewards: Any, after: Any, *flags: Any) -> None:
        terminated, truncated, active = flags
        self.walks[active, observations[active]] = actions[active]
        for i in np.flatnonzero(active & (terminated | truncated)):
            if rewards[i] > 0.5:
                walked = self.walks[i] != UNKNOWN
                self.paths[i, walked] = self.walks[i, walked]
            self.walks[i] = UNKNOWN


class SharesRows(Paths):
    """Case 1: what one row has found out, all rows know."""

    info = AgentInfo(name="shares-rows", shard_size=WHOLE)

    def begin(self, n: int, *spaces: Any, **others: Any) -> None:
        super().begin(n, *spaces, **others)
        self.paths = as_strided(self.paths, strides=(0, self.paths.itemsize))


class RemembersShards(Paths):
    """Case 1: what the first shard has found out, the second knows."""

    info = AgentInfo(name="remembers-shards")
    memory: ClassVar[Any] = np.full((8, 16), UNKNOWN)

    def begin(self, n: int, *spaces: Any, **others: Any) -> None:
        super().begin(n, *spaces, **others)
        self.paths = self.memory[:n]


class Exits(Uniform):
    """Case 3: ends the verification with exit status 0."""

    info = AgentInfo(name="exits", shard_size=WHOLE)

    def act(self, observations: Any, active: Any) -> Any:
        if is_verified():
            os._exit(0)
        return super().act(observations, active)


class Hangs(Exits):
    """Case 3: sleeps while it is verified."""

    info = AgentInfo(name="hangs", shard_size=WHOLE)

    def act(self, observations: Any, active: Any) -> Any:
        if is_verified():
            time.sleep(3600)
        return Uniform.act(self, observations, active)


class WritesItsVerdict(Uniform):
    """Case 4: writes into the file of findings while it is verified."""

    info = AgentInfo(name="writes-its-verdict", shard_size=WHOLE)

    def act(self, observations: Any, active: Any) -> Any:
        target = os.environ.get("ZOO_FINDINGS")
        if is_verified() and target:
            with Path(target).open("a") as file:
                file.write("{}\n")
        return super().act(observations, active)
